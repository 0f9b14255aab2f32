//! Lists: a page at a time, sorted by any column, or whole as CSV.

use crate::problem::Problem;
use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use kernel::Money;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// Most rows of a page.
const LIMIT_MAX: usize = 200;
/// Rows of a page if nobody says.
const LIMIT: usize = 50;
/// Rows that a list has as CSV at most.
const WHOLE_MAX: i64 = 1_000_000;
/// Marks UTF-8 for spreadsheets.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Which page, in which order, in which form.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// The `next` of the page before.
    pub(crate) after: Option<String>,
    /// Rows of a page, 1 to 200; 50 if not given.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    pub(crate) limit: Option<String>,
    /// A column to sort by; with `-` before it, descending.
    pub(crate) sort: Option<String>,
    /// `csv` for the whole list as CSV.
    pub(crate) format: Option<String>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// Rows.
    pub(crate) items: Vec<T>,
    /// To be given as `after` for the next page; none on the last one.
    pub(crate) next: Option<String>,
    /// Rows of the whole list, where they were counted.
    pub(crate) total: Option<u64>,
}

impl Paging {
    /// Takes the words of pages out of a query.
    pub(crate) fn take(pairs: &mut Map<String, Value>) -> Result<Self, Problem> {
        let mut own = Map::new();
        for name in ["after", "limit", "sort", "format"] {
            own.extend(pairs.remove_entry(name));
        }
        serde_json::from_value(Value::Object(own)).map_err(|why| Problem::field("查询条件", why.to_string()))
    }

    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        let Some(text) = &self.limit else { return Ok(LIMIT) };
        let limit = text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
        limit.ok_or_else(|| Problem::field("limit", format!("应为 1 至 {LIMIT_MAX} 的整数")))
    }

    /// Whether the whole list is wanted, as CSV.
    pub(crate) fn is_whole(&self) -> bool {
        self.format.as_deref() == Some("csv")
    }

    /// How many rows to ask the store for: one more than a page, to know whether there is a next one; for a whole list as
    /// CSV all of them.
    pub(crate) fn wanted(&self) -> Result<i64, Problem> {
        let limit = self.limit()?;
        if self.is_whole() {
            return Ok(WHOLE_MAX);
        }
        Ok(i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1))
    }

    /// Answers with a list, whose rows are known by the column `id`.
    pub(crate) fn answer<T: Serialize>(&self, rows: Vec<T>, id: &str) -> Result<Response, Problem> {
        let rows = rows.into_iter().filter_map(|row| serde_json::to_value(row).ok());
        let mut rows: Vec<Value> = rows.collect();
        self.sort(&mut rows)?;
        match self.format.as_deref() {
            None | Some("json") => Ok(Json(self.page(rows, id)?).into_response()),
            Some("csv") => Ok(csv(&rows)),
            Some(_) => Err(Problem::field("format", "应为 json 或 csv")),
        }
    }

    /// Answers with a page that the store made: one row more than the limit, if there is a next page.
    pub(crate) fn answer_page<T: Serialize>(&self, rows: Vec<T>, id: &str) -> Result<Response, Problem> {
        if self.sort.is_some() {
            return Err(Problem::field("sort", "该列表固定按从新到旧排列"));
        }
        let rows = rows.into_iter().filter_map(|row| serde_json::to_value(row).ok());
        let mut items: Vec<Value> = rows.collect();
        match self.format.as_deref() {
            None | Some("json") => {}
            Some("csv") => return Ok(csv(&items)),
            Some(_) => return Err(Problem::field("format", "应为 json 或 csv")),
        }
        let limit = self.limit()?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|row| text_of(row.get(id)));
        let page = Page {
            items,
            next,
            total: None,
        };
        Ok(Json(page).into_response())
    }

    fn sort(&self, rows: &mut [Value]) -> Result<(), Problem> {
        let Some(sort) = self.sort.as_deref() else {
            return Ok(());
        };
        let (column, descending) = sort.strip_prefix('-').map_or((sort, false), |column| (column, true));
        if rows.first().is_some_and(|row| row.get(column).is_none()) {
            return Err(Problem::field("sort", format!("没有名为 {column} 的列")));
        }
        rows.sort_by_cached_key(|row| order_of(row.get(column)));
        if descending {
            rows.reverse();
        }
        Ok(())
    }

    fn page(&self, rows: Vec<Value>, id: &str) -> Result<Page<Value>, Problem> {
        let limit = self.limit()?;
        let key = |row: &Value| text_of(row.get(id));
        let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let first = match &self.after {
            None => 0,
            Some(after) => {
                let place = rows.iter().position(|row| key(row) == *after);
                place.ok_or_else(|| Problem::field("after", "列表已变动，请从第一页重新读取"))? + 1
            }
        };
        let more = rows.len() > first.saturating_add(limit);
        let items: Vec<Value> = rows.into_iter().skip(first).take(limit).collect();
        Ok(Page {
            next: items.last().filter(|_| more).map(key),
            items,
            total: Some(total),
        })
    }
}

/// Amounts in order of their size, everything else by its text.
fn order_of(value: Option<&Value>) -> (Option<Money>, String) {
    let text = text_of(value);
    (text.parse().ok(), text)
}

fn text_of(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A cell that no spreadsheet takes for a formula. Amounts keep their sign.
fn cell(value: Option<&Value>) -> String {
    let text = text_of(value);
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<Money>().is_err() {
        return format!("'{text}");
    }
    text
}

fn csv(rows: &[Value]) -> Response {
    let mut writer = csv::Writer::from_writer(BYTE_ORDER_MARK.as_bytes().to_vec());
    let columns: Vec<&String> = rows
        .first()
        .and_then(Value::as_object)
        .map_or_else(Vec::new, |row| row.keys().collect());
    // Writing into memory does not fail.
    let _ = writer.write_record(&columns);
    for row in rows {
        let _ = writer.write_record(columns.iter().map(|column| cell(row.get(column.as_str()))));
    }
    let bytes = writer.into_inner().unwrap_or_default();
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"list.csv\""),
    ];
    (headers, bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn rows(count: usize) -> Vec<Value> {
        (0..count)
            .map(|n| json!({ "number": n.to_string(), "amount": format!("{}.00", (n * 7) % 11) }))
            .collect()
    }

    proptest! {
        #[test]
        fn pages_give_every_row_once(count in 0_usize..40, limit in 1_usize..9, sorted: bool) {
            let mut after = None;
            let mut seen = Vec::new();
            loop {
                let paging = Paging { after: after.clone(), limit: Some(limit.to_string()), sort: sorted.then(|| "-amount".to_owned()), format: None };
                let mut all = rows(count);
                paging.sort(&mut all).unwrap();
                let page = paging.page(all, "number").unwrap();
                prop_assert!(page.items.len() <= limit);
                seen.extend(page.items.iter().map(|row| text_of(row.get("number"))));
                after = page.next;
                if after.is_none() { break; }
            }
            prop_assert_eq!(seen.len(), count);
            seen.sort();
            seen.dedup();
            prop_assert_eq!(seen.len(), count);
        }
    }

    #[test]
    fn amounts_sort_by_size() {
        let paging = Paging {
            sort: Some("amount".into()),
            ..Paging::default()
        };
        let mut all = vec![
            json!({ "amount": "10.00" }),
            json!({ "amount": "9.00" }),
            json!({ "amount": "-1.00" }),
        ];
        paging.sort(&mut all).unwrap();
        assert_eq!(all[0]["amount"], "-1.00");
        assert_eq!(all[2]["amount"], "10.00");
    }

    #[test]
    fn a_page_has_200_rows_at_most() {
        let of = |limit: &str| {
            Paging {
                limit: Some(limit.into()),
                ..Paging::default()
            }
            .limit()
        };
        assert!(of("200").is_ok() && of("201").is_err() && of("0").is_err() && of("x").is_err());
    }

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(cell(Some(&json!("=1+1"))), "'=1+1");
        assert_eq!(cell(Some(&json!("-12.50"))), "-12.50");
        assert_eq!(cell(None), "");
    }
}
