//! Lists: a page at a time, sorted by any column, or whole as CSV.

use crate::problem::Problem;
use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use kernel::Money;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::future::Future;
use utoipa::{IntoParams, ToSchema};

/// Most rows of a page.
const LIMIT_MAX: usize = 200;
/// Rows of a page if nobody says.
const LIMIT: usize = 50;
/// Rows that are read at a time where the whole of a list is asked for.
const PIECE: usize = 1_000;
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

/// What a list is to read next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Only rows after this one in the order of the list.
    pub(crate) after: Option<String>,
    /// The oldest first; else the newest.
    pub(crate) oldest_first: bool,
    /// Rows at most.
    pub(crate) limit: i64,
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

    /// Answers with a list, whose rows are known by the column `id`.
    pub(crate) fn answer<T: Serialize>(&self, rows: Vec<T>, id: &str) -> Result<Response, Problem> {
        let mut rows = values(rows);
        self.sort(&mut rows)?;
        match self.format.as_deref() {
            None | Some("json") => Ok(Json(self.page(rows, id)?).into_response()),
            Some("csv") => {
                let mut table = Table::default();
                table.add(&rows);
                Ok(table.answer())
            }
            Some(_) => Err(Problem::field("format", "应为 json 或 csv")),
        }
    }

    /// Answers with a list that the store reads in the order of the column `id`, by which its rows are known: a page, or as
    /// CSV the whole of it, piece by piece.
    pub(crate) async fn answer_from<T, F, Read>(&self, id: &str, mut read: F) -> Result<Response, Problem>
    where
        T: Serialize,
        F: FnMut(Turn) -> Read,
        Read: Future<Output = Result<Vec<T>, Problem>>,
    {
        let oldest_first = self.oldest_first(id)?;
        let limit = self.limit()?;
        let turn = |after, limit| Turn {
            after,
            oldest_first,
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
        };
        match self.format.as_deref() {
            None | Some("json") => {
                // One row more than a page tells whether there is a next one.
                let mut items = values(read(turn(self.after.clone(), limit + 1)).await?);
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
            Some("csv") => {
                let (mut table, mut after) = (Table::default(), None);
                loop {
                    let rows = values(read(turn(after, PIECE)).await?);
                    table.add(&rows);
                    after = rows.last().map(|row| text_of(row.get(id)));
                    if rows.len() < PIECE {
                        return Ok(table.answer());
                    }
                }
            }
            Some(_) => Err(Problem::field("format", "应为 json 或 csv")),
        }
    }

    /// In which order such a list is read. Errors: one that no index serves.
    fn oldest_first(&self, id: &str) -> Result<bool, Problem> {
        match self.sort.as_deref() {
            None => Ok(false),
            Some(column) if column == id => Ok(true),
            Some(sort) if sort.strip_prefix('-') == Some(id) => Ok(false),
            Some(_) => {
                let why = format!("该列表只能按 {id} 排列：{id} 为从旧到新，-{id} 为从新到旧");
                Err(Problem::field("sort", why))
            }
        }
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

fn values<T: Serialize>(rows: Vec<T>) -> Vec<Value> {
    let rows = rows.into_iter().filter_map(|row| serde_json::to_value(row).ok());
    rows.collect()
}

/// A CSV that grows. Its columns are those of its first row.
struct Table {
    columns: Option<Vec<String>>,
    writer: csv::Writer<Vec<u8>>,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            columns: None,
            writer: csv::Writer::from_writer(BYTE_ORDER_MARK.as_bytes().to_vec()),
        }
    }
}

impl Table {
    /// Adds rows. Writing into memory does not fail.
    fn add(&mut self, rows: &[Value]) {
        let Some(first) = rows.first().and_then(Value::as_object) else {
            return;
        };
        if self.columns.is_none() {
            let columns: Vec<String> = first.keys().cloned().collect();
            let _ = self.writer.write_record(&columns);
            self.columns = Some(columns);
        }
        for row in rows {
            let columns = self.columns.iter().flatten();
            let _ = self
                .writer
                .write_record(columns.map(|column| cell(row.get(column.as_str()))));
        }
    }

    fn answer(self) -> Response {
        let bytes = self.writer.into_inner().unwrap_or_default();
        let headers = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"list.csv\""),
        ];
        (headers, bytes).into_response()
    }
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

    /// A list of the store: numbers in the order and from the place asked for.
    fn piece(all: &[usize], turn: &Turn) -> Vec<Value> {
        let key = |n: &usize| format!("{n:06}");
        let beyond = |n: &&usize| match &turn.after {
            None => true,
            Some(after) if turn.oldest_first => key(n) > *after,
            Some(after) => key(n) < *after,
        };
        let mut found: Vec<String> = all.iter().filter(beyond).map(key).collect();
        found.sort();
        if !turn.oldest_first {
            found.reverse();
        }
        found.truncate(usize::try_from(turn.limit).unwrap());
        found.into_iter().map(|number| json!({ "number": number })).collect()
    }

    async fn text(response: Response) -> String {
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_list_of_the_store_is_whole_as_csv_and_pages_in_both_orders() {
        let all: Vec<usize> = (0..PIECE * 2 + 7).collect();
        let ask = async |query: Value| {
            let paging = Paging::take(&mut query.as_object().unwrap().clone()).unwrap();
            let all = &all;
            let read = |turn: Turn| async move { Ok(piece(all, &turn)) };
            paging.answer_from("number", read).await
        };
        let whole = text(
            ask(json!({ "format": "csv", "limit": "1", "after": "000003" }))
                .await
                .unwrap(),
        )
        .await;
        assert_eq!(whole.lines().count(), 1 + all.len(), "a heading and every row");
        for (sort, first, then) in [("number", "000000", "000002"), ("-number", "002006", "002004")] {
            let page = text(ask(json!({ "sort": sort, "limit": "2" })).await.unwrap()).await;
            let page: Value = serde_json::from_str(&page).unwrap();
            assert_eq!(page["items"][0]["number"], first);
            let next = text(
                ask(json!({ "sort": sort, "limit": "2", "after": page["next"] }))
                    .await
                    .unwrap(),
            )
            .await;
            let next: Value = serde_json::from_str(&next).unwrap();
            assert_eq!(next["items"][0]["number"], then);
        }
        for wrong in [
            json!({ "sort": "unit" }),
            json!({ "format": "xml" }),
            json!({ "limit": "0", "format": "csv" }),
        ] {
            assert!(ask(wrong).await.is_err());
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(cell(Some(&json!("=1+1"))), "'=1+1");
        assert_eq!(cell(Some(&json!("-12.50"))), "-12.50");
        assert_eq!(cell(None), "");
    }
}
