//! The OpenAPI document that is checked in is the one of the code.

use super::every_operation::body;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

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

/// Names of the types below a folder that have a schema.
fn names_of_schemas(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(names_of_schemas(&path));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let derives = text.split("#[derive(").skip(1).filter_map(|rest| rest.split_once(")]"));
        let with_schema = derives.filter(|(traits, _)| traits.split(", ").any(|name| name == "ToSchema"));
        names.extend(with_schema.map(|(_, rest)| {
            let (_, named) = rest.split_once("struct ").unwrap();
            named.chars().take_while(|c| c.is_alphanumeric()).collect::<String>()
        }));
    }
    names
}

/// Two types of one name would overwrite each other in the document, and nobody would say so.
#[test]
fn no_two_types_share_the_name_of_a_schema() {
    let names = names_of_schemas(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
    assert!(names.len() > 90, "{}", names.len());
    let mut seen = BTreeSet::new();
    let twice: Vec<_> = names.iter().filter(|name| !seen.insert(*name)).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn what_the_tests_send_is_what_the_document_describes() {
    let document = api::document();
    let mut checked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = format!("{method} {path}");
            let sample = body(&name);
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let (Some(sample), Some(reference)) = (sample.as_object(), schema["$ref"].as_str()) else {
                continue;
            };
            let schema = document.pointer(reference.trim_start_matches('#')).unwrap();
            let known = &schema["properties"];
            let unknown: Vec<_> = sample.keys().filter(|key| known[key.as_str()].is_null()).collect();
            assert!(unknown.is_empty(), "{name}: {unknown:?} is not in {reference}");
            let required = schema["required"].as_array().into_iter().flatten();
            let missing: Vec<_> = required
                .filter(|key| !sample.contains_key(key.as_str().unwrap()))
                .collect();
            assert!(missing.is_empty(), "{name}: {reference} needs {missing:?}");
            checked += 1;
        }
    }
    assert!(checked > 30, "{checked}");
}
