//! Results: as tables for people, as JSON for programs, as CSV for spreadsheets.

use crate::cli::Output;
use crate::exit::{Failure, INTERNAL};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use serde_json::Value;
use std::io::Write;

/// A table of texts.
#[derive(Debug, Default)]
pub(crate) struct Grid {
    title: String,
    columns: Vec<(String, bool)>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// With a title and columns; a column whose name begins with `>` is aligned to the right.
    pub(crate) fn new(title: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|c| {
            c.strip_prefix('>')
                .map_or(((*c).to_owned(), false), |c| (c.to_owned(), true))
        });
        Self {
            title: title.to_owned(),
            columns: columns.collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

/// What a command has to say.
#[derive(Debug)]
pub(crate) struct Report {
    json: Result<Value, serde_json::Error>,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Line(String),
    Grid(Grid),
}

impl Report {
    /// With the whole result as JSON.
    pub(crate) fn new(json: impl serde::Serialize) -> Self {
        Self {
            json: serde_json::to_value(json),
            parts: Vec::new(),
        }
    }

    /// Adds a line for people.
    pub(crate) fn line(&mut self, line: impl Into<String>) {
        self.parts.push(Part::Line(line.into()));
    }

    /// Adds a table.
    pub(crate) fn grid(&mut self, grid: Grid) {
        self.parts.push(Part::Grid(grid));
    }

    /// Prints it. CSV prints the tables only, one after another. Errors: the result has no JSON; stdout takes nothing.
    pub(crate) fn print(self, output: Output) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let written = match output {
            Output::Json => self
                .json
                .and_then(|json| serde_json::to_writer_pretty(&mut out, &json))
                .map_err(std::io::Error::from)
                .and_then(|()| writeln!(out)),
            Output::Table => self.parts.iter().try_for_each(|part| match part {
                Part::Line(line) => writeln!(out, "{line}"),
                Part::Grid(grid) => grid.print(&mut out),
            }),
            Output::Csv => self.parts.iter().try_for_each(|part| match part {
                Part::Line(_) => Ok(()),
                Part::Grid(grid) => grid.csv(&mut out),
            }),
        };
        match written {
            // Whoever reads stopped reading (`| head`): nothing to complain about.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Failure::new(INTERNAL, error.to_string())),
            Ok(()) => Ok(()),
        }
    }
}

impl Grid {
    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        if !self.title.is_empty() {
            writeln!(out, "\n{}", self.title)?;
        }
        let mut table = Table::new();
        table
            .load_style(presets::UTF8_FULL_CONDENSED)
            .set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.columns.iter().map(|(name, _)| name));
        for row in &self.rows {
            table.add_row(row.iter().zip(&self.columns).map(|(text, (_, right))| {
                let alignment = if *right {
                    CellAlignment::Right
                } else {
                    CellAlignment::Left
                };
                Cell::new(text).set_alignment(alignment)
            }));
        }
        writeln!(out, "{table}")
    }

    /// Text that a spreadsheet would take for a formula gets an apostrophe in front, as in our CSV documents.
    fn csv(&self, out: &mut impl Write) -> std::io::Result<()> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(self.columns.iter().map(|(name, _)| name))?;
        for row in &self.rows {
            let cells = row.iter().zip(&self.columns).map(|(text, (_, number))| {
                let formula = !*number && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
                if formula { format!("'{text}") } else { text.clone() }
            });
            writer.write_record(cells)?;
        }
        writer.flush()
    }
}

/// Prints a line.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        // Whoever reads stopped reading (`| head`): nothing to complain about.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(INTERNAL, error.to_string())),
        Ok(()) => Ok(()),
    }
}
