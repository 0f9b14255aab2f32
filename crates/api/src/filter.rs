//! What is asked for in the query of an address. A word that nobody knows is an error, never passed over: a mistyped
//! filter would show too much.

use crate::page::Paging;
use crate::problem::Problem;
use crate::session::Asker;
use crate::state::Api;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Filters of one operation, without pages.
#[derive(Debug)]
pub(crate) struct Filter<T>(pub(crate) T);

/// Filters of a list, and which page.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    /// Which.
    pub(crate) filter: T,
    /// Which page of them, in which order.
    pub(crate) paging: Paging,
}

/// No filter at all: every word is one too many.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

async fn pairs<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Map<String, Value>, Problem> {
    let pairs = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
    let Query(pairs) = pairs.map_err(|_| Problem::field("查询条件", "无法识别，请核对地址"))?;
    let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    Ok(given.map(|(name, value)| (name, Value::String(value))).collect())
}

fn read<T: DeserializeOwned>(pairs: Map<String, Value>) -> Result<T, Problem> {
    serde_json::from_value(Value::Object(pairs)).map_err(|why| Problem::field("查询条件", format!("不可用：{why}")))
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Filter<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(read(pairs(parts, state).await?)?))
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for Listed<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let mut pairs = pairs(parts, api).await?;
        let paging = Paging::take(&mut pairs)?;
        let filter = read(pairs)?;
        if paging.is_whole() {
            note_export(&Asker::from_request_parts(parts, api).await?, parts).await?;
        }
        Ok(Self { filter, paging })
    }
}

/// Whoever takes a whole list away leaves an entry in the audit chain, before it is known whether they may. Files that
/// are no lists note for themselves what is taken, and empty forms take nothing away.
async fn note_export(asker: &Asker, parts: &Parts) -> Result<(), Problem> {
    let detail = serde_json::json!({ "query": parts.uri.query().unwrap_or_default() });
    app::audit::note(&asker.ctx, ("list.export", parts.uri.path()), &detail).await?;
    Ok(())
}
