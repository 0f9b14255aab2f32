//! The OpenAPI document that is checked in is the one of the code.

use serde_json::Value;

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");

#[test]
#[expect(clippy::disallowed_methods, reason = "BLESS=1 writes the document anew, on purpose")]
fn the_document_is_the_one_of_the_code() {
    let text = serde_json::to_string_pretty(&api::document()).unwrap() + "\n";
    if std::env::var("BLESS").is_ok() {
        std::fs::write(KEPT, &text).unwrap();
    }
    let kept = std::fs::read_to_string(KEPT).unwrap_or_default();
    assert!(
        kept == text,
        "docs/openapi.json is not what the code says; write it anew with BLESS=1"
    );
}

#[test]
fn every_response_is_described_and_every_reference_leads_somewhere() {
    let document = api::document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut open = vec![(String::from("#"), &document)];
    let mut references = 0;
    while let Some((place, value)) = open.pop() {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{place}: {reference}");
            references += 1;
        }
        if place
            .rsplit_once('/')
            .is_some_and(|(above, _)| above.ends_with("/responses"))
        {
            let text = value["description"].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{place} has no description");
        }
        match value {
            Value::Object(fields) => open.extend(fields.iter().map(|(name, v)| (format!("{place}/{name}"), v))),
            Value::Array(items) => open.extend(items.iter().map(|v| (format!("{place}/-"), v))),
            _ => {}
        }
    }
    assert!(references > 50, "{references}");
}
