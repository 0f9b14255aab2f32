//! Why a document could not be made.

use kernel::{ErrorKind, Kinded, Money};
use std::path::PathBuf;
use thiserror::Error;

/// Why a document could not be made. Nothing of a failed document is handed out, except that a writer that streams
/// may have written rows before the one that failed.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// Characters for which no loaded font has a shape; printing them would leave boxes.
    #[error("字体缺少以下 {} 个字符: {}。请在字体目录中加入包含这些字符的字体 (如 Noto Sans SC 完整版) 后重新生成", .0.len(), name_characters(.0))]
    MissingGlyphs(Vec<char>),
    /// A folder or file of fonts that cannot be used.
    #[error("字体 {path} 不能使用: {reason}。请检查字体目录配置", path = .path.display())]
    Font {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A total that is not the sum of its parts (invariant I3). The document is refused.
    #[error("{figure} 不等于各部分之和: 记为 {stated}, 合计 {summed}。请重新计算本单, 不要手工修改")]
    Unbalanced {
        /// Which figure.
        figure: String,
        /// As stated.
        stated: Money,
        /// As summed.
        summed: Money,
    },
    /// Charge lines that are not those the statement was made from. The document is refused.
    #[error("明细行与本单不符: 记为 {stated} 行, 实有 {given} 行, 或内容、次序有变。请重新生成本单")]
    OtherLines {
        /// How many the statement has.
        stated: u64,
        /// How many were given.
        given: u64,
    },
    /// A sum beyond what an amount holds.
    #[error("金额合计超出范围")]
    AmountRange,
    /// A number with more digits than a spreadsheet keeps (15).
    #[error("「{column}」的数值 {number} 超过电子表格可精确保存的 15 位有效数字, 请改用 CSV 导出")]
    NotExact {
        /// Heading of the column.
        column: String,
        /// The number.
        number: String,
    },
    /// More rows than a spreadsheet holds.
    #[error("数据超过电子表格的行数上限 ({0} 行), 请缩小范围或改用 CSV 导出")]
    TooManyRows(u64),
    /// A row that has not one cell of the right kind for each column.
    #[error("第 {row} 行与表头不符: {reason}")]
    Row {
        /// Row of data, from 1.
        row: u64,
        /// What does not fit.
        reason: String,
    },
    /// A charge that breaks a rule of the FOCUS specification.
    #[error("FOCUS 第 {row} 行: {reason}")]
    Focus {
        /// Row of data, from 1.
        row: u64,
        /// Which rule.
        reason: String,
    },
    /// The template did not typeset.
    #[error("结算单排版失败: {0}")]
    Typeset(String),
    /// The spreadsheet could not be written.
    #[error("电子表格写入失败: {0}")]
    Spreadsheet(#[from] rust_xlsxwriter::XlsxError),
    /// The CSV file could not be written.
    #[error("CSV 写入失败: {0}")]
    Csv(#[from] csv::Error),
    /// The Parquet file could not be written.
    #[error("Parquet 写入失败: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// Columns could not be built.
    #[error("列数据构造失败: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
    /// Disk or pipe.
    #[error("文件写入失败: {0}")]
    Io(#[from] std::io::Error),
    /// The document could not be handed to the template.
    #[error("文书数据序列化失败: {0}")]
    Json(#[from] serde_json::Error),
}

impl Kinded for DocumentError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::MissingGlyphs(_) | Self::Font { .. } => ErrorKind::FailedPrecondition,
            Self::NotExact { .. } | Self::TooManyRows(_) => ErrorKind::TooLarge,
            Self::Io(_) | Self::Csv(_) | Self::Parquet(_) | Self::Spreadsheet(_) => ErrorKind::Unavailable,
            Self::Unbalanced { .. }
            | Self::OtherLines { .. }
            | Self::AmountRange
            | Self::Row { .. }
            | Self::Focus { .. }
            | Self::Typeset(_)
            | Self::Arrow(_)
            | Self::Json(_) => ErrorKind::Internal,
        }
    }
}

/// The characters with their code points, at most twenty.
fn name_characters(characters: &[char]) -> String {
    const SHOWN: usize = 20;
    let mut names: Vec<String> = characters
        .iter()
        .take(SHOWN)
        .map(|c| format!("{} (U+{:04X})", c.escape_debug(), u32::from(*c)))
        .collect();
    if characters.len() > SHOWN {
        names.push("…".to_owned());
    }
    names.join(" ")
}
