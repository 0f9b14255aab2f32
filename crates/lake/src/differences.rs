//! Differences between a provider's bill and our charges. A class is a column, empty where the difference has no
//! part of it, so that a sum over a column is the sum of the class.

use crate::batch::Batch;
use crate::column::{Column, schema_of};
use crate::reading::Reading;
use crate::writing::Content;
use crate::{Dataset, Lake, LakeError, LakeFile, LakeName};
use domain::reconcile::{Difference, DifferenceClass};
use kernel::{Digest, Digester, Money};

const fn column_of(class: DifferenceClass) -> &'static str {
    match class {
        DifferenceClass::Period => "period_fen",
        DifferenceClass::Quantity => "quantity_fen",
        DifferenceClass::Price => "price_fen",
        DifferenceClass::Owner => "owner_fen",
        DifferenceClass::Missing => "missing_fen",
        DifferenceClass::Extra => "extra_fen",
        DifferenceClass::Arithmetic => "arithmetic_fen",
    }
}

fn columns(rows: &[Difference]) -> Vec<Column<'_>> {
    let mut columns = vec![
        Column::text("resource", rows, |r| &r.resource),
        Column::text("item", rows, |r| &r.item),
        Column::text("organisation", rows, |r| &r.organisation),
        Column::optional_text("billed_to", rows, |r| r.billed_to.as_deref()),
        Column::optional_long("ours_fen", rows, |r| r.ours.map(Money::fen)),
        Column::optional_long("billed_fen", rows, |r| r.billed.map(Money::fen)),
        Column::long("difference_fen", rows, |r| r.difference.fen()),
        Column::flag("tolerated", rows, |r| r.tolerated),
    ];
    columns.extend(DifferenceClass::ALL.iter().map(|class| {
        let part = move |row: &Difference| row.parts.iter().find(|(of, _)| of == class).map(|(_, part)| part.fen());
        Column::optional_long(column_of(*class), rows, part)
    }));
    columns
}

fn decode(batch: &Batch<'_>) -> Result<Vec<Difference>, LakeError> {
    let text = |name| batch.words(name, |text| Some(text.to_owned()));
    let money = |fen: Option<i64>| fen.map(Money::from_fen);
    let who = text("resource")?
        .into_iter()
        .zip(text("item")?)
        .zip(text("organisation")?);
    let billed_to = batch.optional_words("billed_to", |text| Some(text.to_owned()))?;
    let sides = batch
        .optional_longs("ours_fen")?
        .into_iter()
        .zip(batch.optional_longs("billed_fen")?);
    let rest = batch.longs("difference_fen")?.iter().zip(batch.flags("tolerated")?);
    let mut rows: Vec<Difference> = who
        .zip(billed_to)
        .zip(sides)
        .zip(rest)
        .map(
            |(((((resource, item), organisation), billed_to), (ours, billed)), (difference, tolerated))| Difference {
                resource,
                item,
                organisation,
                billed_to,
                ours: money(ours),
                billed: money(billed),
                difference: Money::from_fen(*difference),
                parts: Vec::new(),
                tolerated,
            },
        )
        .collect();
    for class in DifferenceClass::ALL {
        for (row, fen) in rows.iter_mut().zip(batch.optional_longs(column_of(*class))?) {
            row.parts.extend(fen.map(|fen| (*class, Money::from_fen(fen))));
        }
    }
    Ok(rows)
}

fn digest(rows: &[Difference]) -> Digest {
    let mut digester = Digester::new();
    let optional = |digester: &mut Digester, money: Option<Money>| {
        digester
            .number(i64::from(money.is_some()))
            .number(money.map_or(0, Money::fen));
    };
    for row in rows {
        digester.text(&row.resource).text(&row.item).text(&row.organisation);
        digester
            .number(i64::from(row.billed_to.is_some()))
            .text(row.billed_to.as_deref().unwrap_or_default());
        optional(&mut digester, row.ours);
        optional(&mut digester, row.billed);
        digester.number(row.difference.fen()).number(i64::from(row.tolerated));
        for (class, part) in &row.parts {
            digester.text(class.word()).number(part.fen());
        }
        digester.text("");
    }
    digester.finish()
}

impl Lake {
    /// Writes differences in the order they have. Errors: parts that are not in the order of the classes, each once.
    pub fn write_differences(&self, name: &LakeName, rows: &[Difference]) -> Result<LakeFile, LakeError> {
        let in_order = |row: &&Difference| row.parts.windows(2).all(|w| matches!(w, [(a, _), (b, _)] if a < b));
        if let Some(row) = rows.iter().find(|row| !in_order(row)) {
            return Err(LakeError::Parts {
                resource: row.resource.clone(),
                item: row.item.clone(),
            });
        }
        let (count, digest) = (rows.len(), digest(rows));
        let columns = columns(rows);
        self.write(
            name,
            &Content {
                dataset: Dataset::Differences,
                columns,
                rows: count,
                digest,
                notes: Vec::new(),
            },
        )
    }

    /// Reads differences and checks their digest.
    pub fn read_differences(&self, path: &str) -> Result<Vec<Difference>, LakeError> {
        let reading = Reading::open(self.root(), path, Dataset::Differences, &schema_of(&columns(&[])))?;
        let mut rows = Vec::with_capacity(reading.rows());
        for group in reading.groups() {
            rows.append(&mut decode(&reading.group(group)?)?);
        }
        reading.check(digest(&rows))?;
        Ok(rows)
    }
}
