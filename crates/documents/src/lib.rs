//! Documents: settlement statements as paper forms (PDF) and workbooks (XLSX), tables as XLSX and CSV, templates for
//! imports, and the FOCUS export.
//!
//! Owns how figures look on paper and in files. Owns no figure: inputs are plain structs that the application fills,
//! and a document whose sums disagree is refused. The same input and fonts give the same bytes; the only date in a
//! file is the one handed in. Nothing of what users wrote is ever run: not as markup, not as a formula.

pub mod capitals;
pub mod difference;
mod display;
pub mod error;
pub mod focus;
pub mod fonts;
mod long_sheet;
pub mod renderer;
pub mod sheet;
pub mod specimen;
pub mod statement;
pub mod statement_pdf;
pub mod statement_xlsx;
pub mod table;

pub use capitals::capitals;
pub use error::DocumentError;
pub use fonts::Fonts;
pub use renderer::{Pdf, Renderer};
pub use sheet::{Cell, Column, ColumnKind};
pub use statement::StatementDocument;
pub use statement_pdf::statement_pdf;
pub use statement_xlsx::statement_xlsx;
pub use table::{
    TableCsvWriter, TableDocument, TableXlsxWriter, TemplateColumn, table_csv, table_xlsx, template_csv, template_xlsx,
};
