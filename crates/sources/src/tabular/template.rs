//! Templates: which columns a kind of file has, what they are called, and whether a heading fits.

use super::{clip, note, text};
use kernel::Faults;

/// One column of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The name in commands and machine-made files.
    pub field: &'static str,
    /// The name in files for people.
    pub zh: &'static str,
    /// Whether the column must be there and every row must have something in it.
    pub required: bool,
    /// What belongs in it, for the notes of a template and for faults.
    pub note_zh: &'static str,
    /// A value that would be accepted.
    pub example: &'static str,
}

/// A kind of file that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    /// The word for it in commands.
    pub kind: &'static str,
    /// Its title; in a workbook, the name of the sheet.
    pub title_zh: &'static str,
    /// Its columns, in the order of the template; files may have them in any.
    pub columns: &'static [Column],
}

impl Template {
    /// The column of a field.
    pub fn column(&self, field: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.field == field)
    }
}

/// The template as a CSV file to fill in: byte order mark (so that a spreadsheet takes it for UTF-8), heading in
/// Chinese, one example row.
pub fn template_csv(template: &Template) -> Vec<u8> {
    let line = |text_of: fn(&Column) -> &'static str| {
        template
            .columns
            .iter()
            .map(|column| quoted(text_of(column)))
            .collect::<Vec<_>>()
            .join(",")
    };
    format!(
        "\u{FEFF}{}\r\n{}\r\n",
        line(|column| column.zh),
        line(|column| column.example)
    )
    .into_bytes()
}

fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Where the columns of a template are in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    template: &'static Template,
    places: Vec<Option<usize>>,
}

impl Places {
    /// The column of a field, and its place in the file if it is there.
    pub(crate) fn of(&self, field: &str) -> Option<(&'static Column, Option<usize>)> {
        let mut columns = self.template.columns.iter().zip(&self.places);
        columns
            .find(|(column, _)| column.field == field)
            .map(|(column, place)| (column, *place))
    }

    /// The place of a field, if it is there.
    pub(crate) fn place(&self, field: &str) -> Option<usize> {
        self.of(field).and_then(|(_, place)| place)
    }
}

/// Finds the columns of a template in a heading, by field or Chinese name, in any order.
///
/// Notes a fault for each heading that is unknown, blank or there twice, and for each required one that is missing;
/// `None` if there was any.
pub(crate) fn match_heading(
    heading: &[impl AsRef<str>],
    row: u64,
    template: &'static Template,
    faults: &mut Faults,
) -> Option<Places> {
    let before = faults.len();
    let mut places = vec![None; template.columns.len()];
    for (place, heading) in heading.iter().map(AsRef::as_ref).enumerate() {
        let plain = text::plain(heading);
        let known = |column: &Column| text::plain(column.field) == plain || text::plain(column.zh) == plain;
        let slot = template
            .columns
            .iter()
            .position(known)
            .and_then(|slot| places.get_mut(slot));
        match slot {
            _ if plain.is_empty() => note(
                faults,
                row,
                "",
                format!("第 {} 列没有标题，请补上或删去这一列", place + 1),
            ),
            None => note(faults, row, &clip(heading), unknown(&plain, template)),
            Some(Some(_)) => note(faults, row, &clip(heading), "这一栏出现了两次，请只保留一栏"),
            Some(free) => *free = Some(place),
        }
    }
    for (column, place) in template.columns.iter().zip(&places) {
        if column.required && place.is_none() {
            note(
                faults,
                row,
                column.zh,
                format!("缺少这一栏，请补上（{}）", column.note_zh),
            );
        }
    }
    (faults.len() == before).then_some(Places { template, places })
}

fn unknown(plain: &str, template: &Template) -> String {
    /// Longer headings are compared by their beginning.
    const COMPARED: usize = 24;
    let heading: Vec<char> = plain.chars().take(COMPARED).collect();
    let names = template.columns.iter().flat_map(|column| [column.zh, column.field]);
    let near = names
        .map(|name| (distance(&heading, &text::plain(name).chars().collect::<Vec<_>>()), name))
        .min();
    match near {
        Some((changes, name)) if changes < heading.len() => {
            format!("没有这一栏；最接近的是「{name}」，请改名或删去这一栏")
        }
        _ => {
            let names: Vec<_> = template.columns.iter().map(|column| column.zh).collect();
            format!("没有这一栏，请删去；可用的栏目: {}", names.join("、"))
        }
    }
}

/// How many characters must be put in, left out or replaced to make one text of the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (line, from) in a.iter().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (to, cell) in std::iter::once(None).chain(b.iter().map(Some)).zip(row.iter_mut()) {
            let Some(to) = to else {
                *cell = left;
                continue;
            };
            let best = (diagonal + usize::from(from != to)).min(*cell + 1).min(left + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
    }
    row.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_worked_by_hand() {
        let of = |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        assert_eq!(of("kitten", "sitting"), 3);
        assert_eq!(of("", "abc"), 3);
        assert_eq!(of("abc", ""), 3);
        assert_eq!(of("系统名称", "系统的名称"), 1);
        assert_eq!(of("same", "same"), 0);
    }
}
