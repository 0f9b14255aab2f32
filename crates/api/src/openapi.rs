//! The OpenAPI document, from the code of the operations.
//!
//! What holds for every operation (who may ask, the key of a change, the form of errors) is added here, once.

use crate::v1;
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
    ("401", "Nobody is logged in"),
    ("403", "Not allowed"),
    ("404", "No such thing, or none of the asker's business"),
    ("405", "The address does not know the method"),
    (
        "409",
        "It exists, its state does not allow it, or a key was used for something else",
    ),
    ("413", "Too large"),
    ("422", "What was sent is not right"),
    ("429", "Too many requests; see Retry-After"),
    ("500", "A fault of ours; nothing was changed"),
    ("503", "Not available now"),
];

/// Errors of changes.
const ERRORS_OF_CHANGES: &[(&str, &str)] = &[
    ("412", "Somebody changed it meanwhile"),
    ("415", "Not JSON, or not a file"),
    ("428", "Idempotency-Key, If-Match or Content-Digest is missing"),
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
            "New for each change, the same when it is sent again",
        ));
    }
    if changes {
        headers.push(header("X-Yunheng-Request", false, "1; needed with a session's cookie"));
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
