//! What of two bodies differs, field by field.

use serde_json::{Map, Value};

/// Fields that never stand in the chain. That they changed does.
const SECRETS: &[&str] = &["password", "secret", "totp", "totp_step", "token"];
/// What stands in their place.
const CONCEALED: &str = "（不记录）";

/// The fields that changed by their path, each with what it was and what it is; what is not there is null.
pub type Changed = Map<String, Value>;

/// The fields in which `before` and `after` differ. Fields of objects are compared each by itself, their path is written
/// with dots; lists are compared as a whole. `Value::Null` as `before` is a thing that is new.
pub fn changes(before: &Value, after: &Value) -> Changed {
    let mut changed = Changed::new();
    walk("", before, after, &mut changed);
    changed
}

fn walk(path: &str, before: &Value, after: &Value, changed: &mut Changed) {
    if before == after {
        return;
    }
    let name = path.rsplit('.').next().unwrap_or(path);
    if SECRETS.contains(&name) {
        let shown = |value: &Value| if value.is_null() { Value::Null } else { CONCEALED.into() };
        changed.insert(path.to_owned(), Value::Array(vec![shown(before), shown(after)]));
        return;
    }
    let empty = Map::new();
    let (old, new) = match (before, after) {
        (Value::Object(old), Value::Object(new)) => (old, new),
        (Value::Null, Value::Object(new)) => (&empty, new),
        (Value::Object(old), Value::Null) => (old, &empty),
        _ => {
            changed.insert(path.to_owned(), Value::Array(vec![before.clone(), after.clone()]));
            return;
        }
    };
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    for name in names {
        let below = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        let of = |fields: &Map<String, Value>| fields.get(name).cloned().unwrap_or(Value::Null);
        walk(&below, &of(old), &of(new), changed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_by_path_with_before_and_after() {
        let before = json!({ "name": "甲", "source": { "folder": "a", "kind": "files" }, "zones": [1], "old": 1 });
        let after = json!({ "name": "乙", "source": { "folder": "b", "kind": "files" }, "zones": [1, 2], "new": 2 });
        let expected = json!({
            "name": ["甲", "乙"], "source.folder": ["a", "b"], "zones": [[1], [1, 2]], "old": [1, null], "new": [null, 2],
        });
        assert_eq!(Value::Object(changes(&before, &after)), expected);
        assert!(changes(&before, &before).is_empty());
    }

    #[test]
    fn a_new_thing_has_no_before() {
        let expected = json!({ "code": [null, "D01"] });
        assert_eq!(
            Value::Object(changes(&Value::Null, &json!({ "code": "D01" }))),
            expected
        );
    }

    #[test]
    fn secrets_are_never_shown() {
        for name in SECRETS {
            let before = json!({ "login": "wang", *name: "geheim-1" });
            let after = json!({ "login": "wang", *name: "geheim-2" });
            let text = Value::Object(changes(&before, &after)).to_string();
            assert!(text.contains(name) && !text.contains("geheim"), "{text}");
        }
        let nested = changes(&json!({}), &json!({ "account": { "password": { "hash": "geheim" } } }));
        assert!(!Value::Object(nested).to_string().contains("geheim"));
    }
}
