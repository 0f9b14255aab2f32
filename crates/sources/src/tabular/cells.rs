//! The rows of a CSV text, cell by cell.
//!
//! Our own scanner, because two things matter here that a general reader hides: the row as a spreadsheet counts it
//! (blank lines count, line breaks inside quotes do not), and a quote that never ends, which is how a truncated file
//! shows itself. Cells are borrowed from the text unless a doubled quote had to be undone.

use std::borrow::Cow;

/// A text that cannot be cut into cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The text ends inside quotes.
    Unfinished {
        /// Row in which the cell begins.
        row: u64,
    },
    /// Something follows a closing quote.
    Quote {
        /// Row in which the cell begins.
        row: u64,
    },
}

/// What ended a cell.
enum End {
    Cell,
    Row,
    Text,
}

/// Goes through the rows of a CSV text. Separator: whichever of comma, tab and semicolon the heading has most of.
pub(crate) struct CsvRows<'a> {
    rest: &'a str,
    separator: u8,
    /// Row that `rest` begins with, as a spreadsheet counts.
    row: u64,
}

impl<'a> CsvRows<'a> {
    /// At the first row of a text.
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            rest: text,
            separator: separator(text),
            row: 1,
        }
    }

    /// Reads the cells of the next row that is not blank, and tells its number; `None` after the last one.
    pub(crate) fn next(&mut self, cells: &mut Vec<Cow<'a, str>>) -> Result<Option<u64>, Broken> {
        cells.clear();
        self.skip_blank_lines();
        if self.rest.is_empty() {
            return Ok(None);
        }
        let number = self.row;
        self.row += 1;
        loop {
            let (cell, end) = match self.rest.strip_prefix('"') {
                Some(rest) => self.quoted(rest, number)?,
                None => self.unquoted(),
            };
            cells.push(cell);
            if !matches!(end, End::Cell) {
                return Ok(Some(number));
            }
        }
    }

    fn skip_blank_lines(&mut self) {
        loop {
            let rest = self
                .rest
                .strip_prefix("\r\n")
                .or_else(|| self.rest.strip_prefix(['\r', '\n']));
            let Some(rest) = rest else { return };
            self.rest = rest;
            self.row += 1;
        }
    }

    fn unquoted(&mut self) -> (Cow<'a, str>, End) {
        let separator = self.separator;
        let end = self
            .rest
            .bytes()
            .position(|b| b == separator || b == b'\n' || b == b'\r');
        let (cell, rest) = self
            .rest
            .split_at_checked(end.unwrap_or(self.rest.len()))
            .unwrap_or((self.rest, ""));
        (Cow::Borrowed(cell), self.pass_end(rest).unwrap_or(End::Text))
    }

    fn quoted(&mut self, text: &'a str, row: u64) -> Result<(Cow<'a, str>, End), Broken> {
        let mut cell = Cow::Borrowed("");
        let mut rest = text;
        loop {
            let (part, after) = rest.split_once('"').ok_or(Broken::Unfinished { row })?;
            match &mut cell {
                Cow::Owned(text) => text.push_str(part),
                Cow::Borrowed(text) => *text = part,
            }
            let Some(more) = after.strip_prefix('"') else {
                return Ok((cell, self.pass_end(after).ok_or(Broken::Quote { row })?));
            };
            cell.to_mut().push('"');
            rest = more;
        }
    }

    /// Steps over what ends a cell; `None` if something else stands there.
    fn pass_end(&mut self, rest: &'a str) -> Option<End> {
        let (end, width) = match rest.as_bytes() {
            [] => (End::Text, 0),
            [b'\r', b'\n', ..] => (End::Row, 2),
            [b'\r' | b'\n', ..] => (End::Row, 1),
            [b, ..] if *b == self.separator => (End::Cell, 1),
            _ => return None,
        };
        self.rest = rest.get(width..).unwrap_or_default();
        Some(end)
    }
}

fn separator(text: &str) -> u8 {
    let heading = text.trim_start_matches(['\r', '\n']);
    let (mut commas, mut tabs, mut semicolons, mut quoted) = (0_u32, 0_u32, 0_u32, false);
    for b in heading.bytes() {
        match b {
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'\r' | b'\n' => break,
            b',' => commas += 1,
            b'\t' => tabs += 1,
            b';' => semicolons += 1,
            _ => {}
        }
    }
    if commas >= tabs && commas >= semicolons {
        b','
    } else if tabs >= semicolons {
        b'\t'
    } else {
        b';'
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(text: &str) -> Result<Vec<(u64, Vec<String>)>, Broken> {
        let (mut reader, mut cells, mut all) = (CsvRows::new(text), Vec::new(), Vec::new());
        while let Some(row) = reader.next(&mut cells)? {
            all.push((row, cells.iter().map(|c| c.to_string()).collect()));
        }
        Ok(all)
    }

    fn row(number: u64, cells: &[&str]) -> (u64, Vec<String>) {
        (number, cells.iter().map(|c| (*c).to_owned()).collect())
    }

    #[test]
    fn rows_count_as_in_a_spreadsheet() {
        let text = "a,b\r\n\r\n\"x\ny\",\"say \"\"hi\"\"\"\n=1+1,5\" disk";
        let expected = vec![
            row(1, &["a", "b"]),
            row(3, &["x\ny", "say \"hi\""]),
            row(4, &["=1+1", "5\" disk"]),
        ];
        assert_eq!(rows(text).unwrap(), expected);
        assert_eq!(rows("a\rb\r").unwrap(), vec![row(1, &["a"]), row(2, &["b"])]);
        assert_eq!(rows("a,\n,\"\"").unwrap(), vec![row(1, &["a", ""]), row(2, &["", ""])]);
        assert_eq!(rows("\n\n").unwrap(), vec![]);
    }

    #[test]
    fn separator_is_that_of_the_heading() {
        assert_eq!(rows("a;b\n1,5;2").unwrap()[1], row(2, &["1,5", "2"]));
        assert_eq!(rows("\"x,y,z\"\tb\n1,5\t2").unwrap()[1], row(2, &["1,5", "2"]));
        assert_eq!(rows("a\n1;5").unwrap()[1], row(2, &["1;5"]));
    }

    #[test]
    fn quotes_must_end_where_the_cell_ends() {
        assert_eq!(rows("a,b\n1,\"two\n3,4\n"), Err(Broken::Unfinished { row: 2 }));
        assert_eq!(rows("a,b\n1,2\n\"x\"y,4\n"), Err(Broken::Quote { row: 3 }));
    }

    proptest! {
        #[test]
        fn what_a_csv_writer_writes_is_read(
            table in proptest::collection::vec(proptest::collection::vec("[a-z\"\r\n,;\t 云]{0,6}", 3), 1..8)
        ) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["h1", "h2", "h3"]).unwrap();
            table.iter().for_each(|cells| writer.write_record(cells).unwrap());
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let read: Vec<_> = rows(&text).unwrap().into_iter().skip(1).map(|(_, cells)| cells).collect();
            prop_assert_eq!(read, table);
        }
    }
}
