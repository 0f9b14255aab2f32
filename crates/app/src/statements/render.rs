//! Rendering statements as PDF and XLSX.
//!
//! Owns where the figures of a statement come from: its sums from the store, its lines from the lake, names as they
//! were when the month ended. Changes nothing: a statement is rendered as often as one likes, and as long as nobody
//! gives an opinion about it, each time with the same bytes.

mod basis;
mod bill;
mod document;
mod items;
mod signing;

use crate::whole_file::write_whole;
use crate::{AppError, OpContext};
use basis::Basis;
use documents::{Renderer, StatementDocument, statement_pdf, statement_xlsx};
use kernel::Month;
use rayon::prelude::*;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A form of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// The paper form.
    Pdf,
    /// The workbook.
    Xlsx,
}

impl Format {
    /// The ending of its files.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Xlsx => "xlsx",
        }
    }
}

/// Which statements to render, how and where.
#[derive(Debug, Clone)]
pub struct RenderSelection {
    /// The month.
    pub month: Month,
    /// Numbers of the statements; empty for all of the month.
    pub numbers: Vec<String>,
    /// In which forms.
    pub formats: Vec<Format>,
    /// Into which folder; it is made if it is not there.
    pub folder: PathBuf,
    /// Whether everything is demo data, which is then said on every page.
    pub is_demo: bool,
}

/// Renders statements into files named by their numbers. Returns the files, in order of the numbers.
///
/// A file appears complete or not at all; files of statements before the one that failed stay.
pub async fn render(
    ctx: &OpContext,
    selection: RenderSelection,
    renderer: &Renderer,
) -> Result<Vec<PathBuf>, AppError> {
    let RenderSelection {
        month,
        numbers,
        formats,
        folder,
        is_demo,
    } = selection;
    ctx.progress().at("结算单：读取明细", 0, 0);
    let basis = Basis::load(ctx, month, &numbers, is_demo).await?;
    let all = u64::try_from(basis.statements().len()).unwrap_or(u64::MAX);
    let done = AtomicU64::new(0);
    ctx.progress().at("生成结算单", 0, all);
    let files: Result<Vec<Vec<PathBuf>>, AppError> = (0..basis.statements().len())
        .into_par_iter()
        .map(|place| {
            let files = match basis.document(place)? {
                Some(document) => write_all(&document, &formats, &folder, renderer)?,
                None => Vec::new(),
            };
            ctx.progress()
                .at("生成结算单", done.fetch_add(1, Ordering::Relaxed) + 1, all);
            Ok(files)
        })
        .collect();
    Ok(files?.into_iter().flatten().collect())
}

fn write_all(
    document: &StatementDocument,
    formats: &[Format],
    folder: &Path,
    renderer: &Renderer,
) -> Result<Vec<PathBuf>, AppError> {
    let mut files = Vec::with_capacity(formats.len());
    for format in formats {
        let bytes = match format {
            Format::Pdf => statement_pdf(document, renderer)?.bytes,
            Format::Xlsx => statement_xlsx(document)?,
        };
        let path = folder.join(format!("{}.{}", document.number, format.ending()));
        write_whole(&path, |file| file.write_all(&bytes).map_err(AppError::io(&path)))?;
        files.push(path);
    }
    Ok(files)
}
