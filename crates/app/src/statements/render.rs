//! Rendering statements as PDF and XLSX.
//!
//! Owns where the figures of a statement come from: its sums from the store, its lines from the lake, names as they
//! were when the month ended; and how many statements are in memory at a time. Changes nothing: a statement is rendered as often as one likes, and as long as nobody
//! gives an opinion about it, each time with the same bytes.

mod basis;
mod bill;
mod document;
mod items;
mod signing;

use crate::whole_file::write_whole;
use crate::{AppError, OpContext};
use basis::{Basis, MonthBasis, Stated};
use documents::{Renderer, statement_pdf, statement_xlsx};
use kernel::Month;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

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
    let of_month = MonthBasis::load(ctx, month, &numbers, is_demo).await?;
    let desk = Desk {
        ctx,
        renderer,
        formats: &formats,
        folder: &folder,
        all: u64::try_from(of_month.count()).unwrap_or(u64::MAX),
        done: AtomicU64::new(0),
    };
    desk.tell();
    let mut files = Vec::new();
    for statements in of_month.by_provider() {
        let basis = Basis::load(ctx, &of_month, statements)?;
        files.append(&mut desk.render_all(&basis)?);
    }
    Ok(files)
}

/// Where statements are written, and how many are done.
struct Desk<'a> {
    ctx: &'a OpContext,
    renderer: &'a Renderer,
    formats: &'a [Format],
    folder: &'a Path,
    all: u64,
    done: AtomicU64,
}

impl Desk<'_> {
    /// Renders the statements of a provider, as many at a time as there are processors.
    ///
    /// Threads of their own, not the pool's: the typesetter divides its work within the pool, and a pool's thread that
    /// waits for its part takes up whatever else the pool has to do. Were statements that, each would begin the next
    /// before it ends, until all of them are in memory.
    fn render_all(&self, basis: &Basis<'_>) -> Result<Vec<PathBuf>, AppError> {
        let next = AtomicUsize::new(0);
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let parts: Vec<Result<Vec<(usize, PathBuf)>, AppError>> = std::thread::scope(|scope| {
            let hands: Vec<_> = (0..workers.min(basis.statements().len()))
                .map(|_| scope.spawn(|| self.render_some(basis, &next)))
                .collect();
            let ended = hands.into_iter().map(std::thread::ScopedJoinHandle::join);
            ended
                .map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        let mut files = Vec::new();
        for part in parts {
            files.append(&mut part?);
        }
        files.sort_by_key(|(place, _)| *place);
        Ok(files.into_iter().map(|(_, path)| path).collect())
    }

    /// Takes statements until there is none left, or one fails.
    fn render_some(&self, basis: &Basis<'_>, next: &AtomicUsize) -> Result<Vec<(usize, PathBuf)>, AppError> {
        let mut files = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(stated) = basis.statements().get(place) else {
                return Ok(files);
            };
            let written = self.write_all(basis, stated).inspect_err(|_| {
                next.store(basis.statements().len(), Ordering::Relaxed);
            })?;
            files.extend(written.into_iter().map(|path| (place, path)));
            self.done.fetch_add(1, Ordering::Relaxed);
            self.tell();
        }
    }

    fn write_all(&self, basis: &Basis<'_>, stated: &Stated) -> Result<Vec<PathBuf>, AppError> {
        let document = basis.document(stated)?;
        let mut files = Vec::with_capacity(self.formats.len());
        for format in self.formats {
            let path = self.folder.join(format!("{}.{}", document.number, format.ending()));
            write_whole(&path, |file| match format {
                Format::Pdf => {
                    let pdf = statement_pdf(&document, self.renderer)?;
                    file.write_all(&pdf.bytes).map_err(AppError::io(&path))
                }
                Format::Xlsx => {
                    let lines = basis.annex_lines(&stated.record.statement);
                    Ok(statement_xlsx(&document, lines, file)?)
                }
            })?;
            files.push(path);
        }
        Ok(files)
    }

    fn tell(&self) {
        let done = self.done.load(Ordering::Relaxed);
        self.ctx.progress().at("生成结算单", done, self.all);
    }
}
