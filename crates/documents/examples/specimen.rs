//! Writes a specimen of every document into a folder:
//! `cargo run -p documents --example specimen -- FOLDER`.

use documents::focus::{FocusCsvWriter, FocusParquetWriter};
use documents::{Fonts, Renderer, specimen, statement_pdf, statement_xlsx};
use std::error::Error;
use std::fs::File;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: specimen FOLDER")?);
    std::fs::create_dir_all(&folder)?;
    let renderer = Renderer::new(Fonts::shipped())?;
    for (name, systems, whole_provider) in [("department", 4, false), ("provider", 60, true)] {
        let statement = specimen::statement(systems, whole_provider)?;
        let pdf = statement_pdf(&statement, &renderer)?;
        println!("{name}: {} pages, {} bytes", pdf.pages, pdf.bytes.len());
        std::fs::write(folder.join(format!("statement-{name}.pdf")), &pdf.bytes)?;
        let workbook = File::create(folder.join(format!("statement-{name}.xlsx")))?;
        statement_xlsx(&statement, statement.annex.iter().cloned(), workbook)?;
    }
    let rows = specimen::focus_rows()?;
    let mut parquet = FocusParquetWriter::new(File::create(folder.join("focus.parquet"))?)?;
    rows.iter().try_for_each(|row| parquet.write(row))?;
    parquet.finish()?;
    for (name, rows) in [("focus.csv", rows), ("focus-zh.csv", specimen::focus_rows_zh()?)] {
        let mut csv = FocusCsvWriter::new(File::create(folder.join(name))?)?;
        rows.iter().try_for_each(|row| csv.write(row))?;
        csv.finish()?;
    }
    Ok(())
}
