//! The documents themselves: valid OpenAPI 3.1, no dangling reference, nothing listed that nobody uses.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use specs::openapi::Contract;

fn contracts() -> [(&'static str, Contract); 2] {
    [("openapi.yaml", Contract::load()), ("admin.yaml", Contract::load_admin())]
}

/// Every `$ref` in the value.
fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("$ref").and_then(Value::as_str));
            object.values().for_each(|child| references(child, found));
        }
        Value::Array(items) => items.iter().for_each(|child| references(child, found)),
        _ => {}
    }
}

/// Every reference that can be reached from the value, through the references in between.
fn reachable<'a>(document: &'a Value, from: &'a Value) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(value) = open.pop() {
        let mut found = BTreeSet::new();
        references(value, &mut found);
        for reference in found {
            if reached.insert(reference) {
                open.extend(reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer)));
            }
        }
    }
    reached
}

#[test]
fn both_are_openapi_3_1() {
    for (name, contract) in contracts() {
        let text = contract.document().to_string();
        let parsed = oas3::from_json(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let version = parsed.validate_version().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((version.major, version.minor), (3, 1), "{name}");
        assert_eq!(parsed.operations().count(), contract.operations().len(), "{name}");
    }
}

#[test]
fn the_reference_api_has_its_24_calls_and_the_control_interface_its_9() {
    let [(_, api), (_, control)] = contracts();
    assert_eq!((api.operations().len(), control.operations().len()), (24, 9));
}

#[test]
fn every_reference_leads_somewhere() {
    for (name, contract) in contracts() {
        let mut found = BTreeSet::new();
        references(contract.document(), &mut found);
        assert!(found.len() > 20, "{name}: {}", found.len());
        for reference in found {
            let target = reference
                .strip_prefix('#')
                .and_then(|pointer| contract.document().pointer(pointer));
            assert!(target.is_some(), "{name}: {reference} leads nowhere");
        }
    }
}

#[test]
fn every_component_is_used() {
    for (name, contract) in contracts() {
        let document = contract.document();
        let reached = reachable(document, &document["paths"]);
        for (kind, components) in document["components"].as_object().into_iter().flatten() {
            if kind == "securitySchemes" {
                continue;
            }
            for component in components.as_object().into_iter().flatten().map(|(key, _)| key) {
                let reference = format!("#/components/{kind}/{component}");
                assert!(reached.contains(reference.as_str()), "{name}: nobody uses {reference}");
            }
        }
    }
}

#[test]
fn operation_ids_are_given_and_unique() {
    for (name, contract) in contracts() {
        let operations = contract.operations();
        let ids: BTreeSet<&str> = operations.iter().map(|operation| operation.id.as_str()).collect();
        assert_eq!(ids.len(), operations.len(), "{name}");
        assert!(!ids.contains(""), "{name}");
    }
}

#[test]
fn every_problem_type_is_listed_and_has_one_schema_whose_status_is_that_of_its_answers() {
    for (name, contract) in contracts() {
        let document = contract.document();
        let listed: BTreeSet<&str> = document["components"]["schemas"]["ProblemType"]["enum"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut told = BTreeMap::new();
        for operation in contract.operations() {
            let responses = &document["paths"][&operation.path][operation.method.to_lowercase()]["responses"];
            for (status, response) in responses.as_object().into_iter().flatten() {
                for reference in reachable(document, response) {
                    let schema = document.pointer(&reference[1..]).unwrap_or(&Value::Null);
                    if let Some(problem) = schema["properties"]["type"]["const"].as_str() {
                        assert_eq!(
                            schema["properties"]["status"]["const"].to_string(),
                            *status,
                            "{name}: {problem}"
                        );
                        told.entry(problem).or_insert_with(BTreeSet::new).insert(reference);
                    }
                }
            }
        }
        assert_eq!(told.keys().copied().collect::<BTreeSet<_>>(), listed, "{name}");
        assert!(told.values().all(|schemas| schemas.len() == 1), "{name}: {told:?}");
    }
}

#[test]
fn every_call_lists_what_any_call_may_answer() {
    let contract = Contract::load();
    for operation in contract.operations() {
        let responses = &contract.document()["paths"][&operation.path][operation.method.to_lowercase()]["responses"];
        for status in ["400", "404", "405", "408", "413", "415", "503"] {
            assert!(
                responses[status].is_object(),
                "{} {}: {status}",
                operation.method,
                operation.path
            );
        }
        let with_credential =
            contract.document()["paths"][&operation.path][operation.method.to_lowercase()]["security"].is_array();
        assert!(!with_credential || responses["401"].is_object(), "{}", operation.id);
    }
}

#[test]
fn objects_that_travel_are_closed() {
    for (name, contract) in contracts() {
        let schemas = contract.document()["components"]["schemas"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        for (key, schema) in schemas {
            let is_open = schema["additionalProperties"] != false && schema["unevaluatedProperties"] != false;
            let is_object = schema["properties"].is_object() || schema["type"] == "object";
            // The two bases are closed by the schemas that build on them.
            assert!(
                !is_object || !is_open || key.ends_with("Fields"),
                "{name}: {key} takes any member"
            );
        }
    }
}
