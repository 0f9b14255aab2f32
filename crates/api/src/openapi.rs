//! The OpenAPI document, from the code of the operations.
//!
//! What holds for every operation (who may ask, the key of a change, the form of errors) is added here, once, and the
//! Chinese of [`wording`] comes before the English of the code.

use crate::{v1, wording};
use serde_json::{Value, json};

/// The operations that nobody has to log in for.
const PUBLIC: &[&str] = &[
    "begin_session",
    "begin_sign_in",
    "finish_sign_in",
    "finish_with_code",
    "accept_invitation",
    "health",
];

/// Errors that every operation may answer with.
const ERRORS: &[(&str, &str)] = &[
    ("401", "未登录 | Nobody is logged in"),
    ("403", "无权办理 | Not allowed"),
    (
        "404",
        "不存在，或无权查看 | No such thing, or none of the asker's business",
    ),
    ("405", "该地址不支持这种方法 | The address does not know the method"),
    (
        "409",
        "已存在、状态不允许，或同一个键用于不同内容 | It exists, its state does not allow it, or a key was used for \
         something else",
    ),
    ("413", "内容过大 | Too large"),
    ("422", "内容有误 | What was sent is not right"),
    (
        "429",
        "请求过于频繁，见 Retry-After | Too many requests; see Retry-After",
    ),
    ("500", "平台故障，未作任何改动 | A fault of ours; nothing was changed"),
    ("503", "暂不可用 | Not available now"),
];

/// Errors of changes.
const ERRORS_OF_CHANGES: &[(&str, &str)] = &[
    ("412", "已被他人修改 | Somebody changed it meanwhile"),
    ("415", "不是 JSON，或不是文件 | Not JSON, or not a file"),
    (
        "428",
        "缺少 Idempotency-Key、If-Match 或 Content-Digest | Idempotency-Key, If-Match or Content-Digest is missing",
    ),
];

/// The document, OpenAPI 3.1.
pub fn document() -> Value {
    let openapi = v1::operations().into_openapi();
    let mut document = serde_json::to_value(openapi).unwrap_or_default();
    set(
        &mut document,
        "info",
        json!({
            "title": "云衡 Yunheng",
            "version": "1",
            "description": "政务云运营管理平台接口。金额一律为以元为单位、两位小数的文本；时刻为带时区的文本。",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        }),
    );
    let areas = wording::AREAS.iter();
    let areas: Vec<_> = areas
        .map(|(tag, zh)| json!({ "name": tag, "description": zh }))
        .collect();
    set(&mut document, "tags", json!(areas));
    if let Some(components) = document.get_mut("components") {
        set(
            components,
            "securitySchemes",
            json!({
                "session": { "type": "apiKey", "in": "cookie", "name": "yh_session" },
                "token": { "type": "http", "scheme": "bearer" },
            }),
        );
    }
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for operations in paths.into_iter().flat_map(|paths| paths.values_mut()) {
        for (method, operation) in operations.as_object_mut().into_iter().flatten() {
            complete(method, operation);
        }
    }
    document
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}

fn complete(method: &str, operation: &mut Value) {
    let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
    let public = PUBLIC.contains(&id);
    let changes = method != "get";
    let zh = wording::OPERATIONS.iter().find(|(of, _)| *of == id).map(|(_, zh)| *zh);
    if let (Some(zh), Some(english)) = (zh, operation.get("summary").cloned()) {
        set(operation, "summary", json!(zh));
        set(operation, "description", english);
    }
    if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        let of_changes = ERRORS_OF_CHANGES.iter().filter(|_| changes);
        for (status, description) in ERRORS.iter().chain(of_changes) {
            let problem = json!({ "schema": { "$ref": "#/components/schemas/ProblemBody" } });
            let known = json!({ "description": description, "content": { "application/problem+json": problem } });
            responses.entry(*status).or_insert(known);
        }
    }
    if public {
        set(operation, "security", json!([]));
        return;
    }
    set(operation, "security", json!([{ "session": [] }, { "token": [] }]));
    let mut headers = Vec::new();
    if method == "post" {
        headers.push(header(
            "Idempotency-Key",
            true,
            "每次改动一个新值，重发时不变 | New for each change, the same when it is sent again",
        ));
    }
    if changes {
        headers.push(header(
            "X-Yunheng-Request",
            false,
            "取 1；以会话 Cookie 登录时必填 | 1; needed with a session's cookie",
        ));
    }
    if let Some(object) = operation.as_object_mut() {
        let parameters = object.entry("parameters").or_insert_with(|| json!([]));
        if let Some(parameters) = parameters.as_array_mut() {
            parameters.extend(headers);
        }
        if object
            .get("parameters")
            .and_then(Value::as_array)
            .is_some_and(Vec::is_empty)
        {
            object.remove("parameters");
        }
    }
}

fn header(name: &str, required: bool, description: &str) -> Value {
    let schema = json!({ "type": "string", "maxLength": 100, "minLength": 1 });
    json!({ "name": name, "in": "header", "required": required, "description": description, "schema": schema })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_operation_and_area_is_worded_once_and_nothing_else() {
        let document = document();
        let operations = document["paths"].as_object().unwrap().values();
        let operations: Vec<&Value> = operations.flat_map(|path| path.as_object().unwrap().values()).collect();
        let texts = |what: &Value| what.as_str().unwrap().to_owned();
        let worded = |words: &[(&str, &str)]| words.iter().map(|(of, _)| (*of).to_owned()).collect::<Vec<_>>();
        let mut ids: Vec<_> = operations
            .iter()
            .map(|operation| texts(&operation["operationId"]))
            .collect();
        ids.sort();
        assert_eq!(ids, worded(wording::OPERATIONS));
        let tags = operations
            .iter()
            .flat_map(|operation| operation["tags"].as_array().unwrap());
        let tags: BTreeSet<String> = tags.map(texts).collect();
        assert_eq!(Vec::from_iter(tags), worded(wording::AREAS));
        for operation in operations {
            let (zh, english) = (texts(&operation["summary"]), texts(&operation["description"]));
            assert!(!zh.is_ascii() && english.is_ascii(), "{zh} / {english}");
        }
    }
}
