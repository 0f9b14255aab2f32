//! Lines of a provider's bill, one file for each version.

use crate::batch::Batch;
use crate::column::{Column, schema_of};
use crate::reading::Reading;
use crate::writing::Content;
use crate::{Dataset, Lake, LakeError, LakeFile, LakeName};
use domain::reconcile::{BillLine, ProviderBill};
use kernel::{Day, Digest, Digester, Instant, Money, Month, Period, Quantity, UnitPrice};

const KEY_PROVIDER: &str = "yunheng.provider";
const KEY_MONTH: &str = "yunheng.month";
const KEY_VERSION: &str = "yunheng.version";

/// What all lines of a bill share.
type Head<'a> = (&'a str, Month, u32);

fn columns<'a>((provider, month, version): Head<'a>, rows: &'a [BillLine]) -> Vec<Column<'a>> {
    vec![
        Column::long("line", rows, |r| i64::from(r.line)),
        Column::text("provider", rows, move |_| provider),
        Column::month("month", rows, move |_| month),
        Column::long("version", rows, move |_| i64::from(version)),
        Column::text("resource", rows, |r| &r.resource),
        Column::text("item", rows, |r| r.item.as_str()),
        Column::text("organisation", rows, |r| r.organisation.as_str()),
        Column::long("from_s", rows, |r| r.period.from().unix_s()),
        Column::long("to_s", rows, |r| r.period.to().unix_s()),
        Column::long("quantity_micros", rows, |r| r.quantity.micros()),
        Column::long("unit_price_micros", rows, |r| r.unit_price.micros()),
        Column::long("amount_fen", rows, |r| r.amount.fen()),
    ]
}

fn decode(batch: &Batch<'_>) -> Result<Vec<BillLine>, LakeError> {
    let (from, to) = (batch.longs("from_s")?, batch.longs("to_s")?);
    let periods = from.iter().zip(to).map(|(from, to)| {
        let period = Period::new(Instant::from_unix_s(*from), Instant::from_unix_s(*to));
        period.map_err(|_| batch.wrong("to_s"))
    });
    let who = batch
        .words("resource", |text| Some(text.to_owned()))?
        .into_iter()
        .zip(batch.words("item", |text| text.parse().ok())?)
        .zip(batch.words("organisation", |text| text.parse().ok())?);
    let figures = batch
        .longs("quantity_micros")?
        .iter()
        .zip(batch.longs("unit_price_micros")?);
    let figures = figures.zip(batch.longs("amount_fen")?).zip(batch.longs("line")?);
    who.zip(periods)
        .zip(figures)
        .map(
            |((((resource, item), organisation), period), (((quantity, unit_price), amount), line))| {
                Ok(BillLine {
                    line: u32::try_from(*line).map_err(|_| batch.wrong("line"))?,
                    resource,
                    item,
                    organisation,
                    period: period?,
                    quantity: Quantity::from_micros(*quantity),
                    unit_price: UnitPrice::from_micros(*unit_price),
                    amount: Money::from_fen(*amount),
                })
            },
        )
        .collect()
}

fn digest(bill: &ProviderBill) -> Digest {
    let mut digester = Digester::new();
    digester
        .text(bill.provider.as_str())
        .text(&bill.month.to_string())
        .number(i64::from(bill.version));
    for line in &bill.lines {
        digester.number(i64::from(line.line));
        digester
            .text(&line.resource)
            .text(line.item.as_str())
            .text(line.organisation.as_str());
        digester
            .number(line.period.from().unix_s())
            .number(line.period.to().unix_s());
        digester
            .number(line.quantity.micros())
            .number(line.unit_price.micros())
            .number(line.amount.fen());
    }
    digester.finish()
}

impl Lake {
    /// Writes a version of a bill, its lines in the order they have.
    pub fn write_bill(&self, name: &LakeName, bill: &ProviderBill) -> Result<LakeFile, LakeError> {
        let notes = vec![
            (KEY_PROVIDER, bill.provider.to_string()),
            (KEY_MONTH, bill.month.to_string()),
            (KEY_VERSION, bill.version.to_string()),
        ];
        let columns = columns((bill.provider.as_str(), bill.month, bill.version), &bill.lines);
        let (rows, digest) = (bill.lines.len(), digest(bill));
        self.write(
            name,
            &Content {
                dataset: Dataset::Bills,
                columns,
                rows,
                digest,
                notes,
            },
        )
    }

    /// Reads a version of a bill and checks its digest.
    pub fn read_bill(&self, path: &str) -> Result<ProviderBill, LakeError> {
        let any_head = ("", Day::from_epoch_days(0).month(), 0);
        let reading = Reading::open(self.root(), path, Dataset::Bills, &schema_of(&columns(any_head, &[])))?;
        let mut lines = Vec::with_capacity(reading.rows());
        for group in reading.groups() {
            lines.append(&mut decode(&reading.group(group)?)?);
        }
        let (provider, month) = (reading.note(KEY_PROVIDER)?, reading.note(KEY_MONTH)?);
        let bill = ProviderBill {
            provider,
            month,
            version: reading.note(KEY_VERSION)?,
            lines,
        };
        reading.check(digest(&bill))?;
        Ok(bill)
    }
}
