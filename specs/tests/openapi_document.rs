//! The documents themselves: valid OpenAPI 3.1, no dangling reference, nothing listed that nobody uses.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use specs::Operation;
use specs::api::{Credential, ProblemKind, Told};
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
fn the_admin_api_has_its_9_calls() {
    assert_eq!(Contract::load_admin().operations().len(), 9);
}

/// A call as one line, from the table and from the document alike.
fn line(method: &str, path: &str, bearer: Option<&str>, fields: &BTreeMap<String, bool>, successes: &BTreeSet<String>) -> String {
    format!("{method} {path} by {bearer:?} takes {fields:?} answers {successes:?}")
}

#[test]
fn the_document_and_the_table_have_the_same_calls() {
    let table: BTreeSet<String> = Operation::ALL
        .iter()
        .map(|operation| {
            let call = operation.call();
            let bearer = call.credential.map(|credential| match credential {
                Credential::Handle => "handle",
                Credential::Access => "access",
            });
            let fields = call.fields.iter().map(|field| (field.name.to_owned(), field.required));
            let statuses = call.answers.iter().map(|answer| answer.status.to_string());
            line(call.method, call.path, bearer, &fields.collect(), &statuses.collect())
        })
        .collect();
    let contract = Contract::load();
    let document = contract.document();
    let written: BTreeSet<String> = contract
        .operations()
        .iter()
        .map(|operation| {
            let item = &document["paths"][&operation.path][operation.method.to_lowercase()];
            let bearer = item["security"][0].as_object().and_then(|scheme| scheme.keys().next());
            let mut fields = BTreeMap::new();
            members(
                document,
                &item["requestBody"]["content"]["application/json"]["schema"],
                &mut fields,
            );
            let statuses = item["responses"].as_object().into_iter().flat_map(|all| all.keys());
            let successes = statuses.filter(|status| status.starts_with('2')).cloned().collect();
            line(
                &operation.method,
                &operation.path,
                bearer.map(String::as_str),
                &fields,
                &successes,
            )
        })
        .collect();
    assert_eq!(table, written);
}

/// The members of an object's schema, each with whether it has to be there.
fn members(document: &Value, schema: &Value, found: &mut BTreeMap<String, bool>) {
    let schema = resolved(document, schema);
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for name in schema["properties"].as_object().into_iter().flat_map(|all| all.keys()) {
        found.insert(name.clone(), required.contains(&name.as_str()));
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        members(document, part, found);
    }
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let reference = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    reference.map_or(value, |pointer| {
        resolved(document, document.pointer(pointer).expect("leads somewhere"))
    })
}

#[test]
fn what_makes_a_success_is_required_by_the_document() {
    let contract = Contract::load();
    let document = contract.document();
    for operation in Operation::ALL {
        let call = operation.call();
        let responses = &document["paths"][call.path][call.method.to_lowercase()]["responses"];
        for answer in call.answers {
            let response = resolved(document, &responses[answer.status.to_string()]);
            let body = &response["content"]["application/json"]["schema"];
            assert_eq!(body.is_null(), answer.told.is_empty(), "{operation} {}", answer.status);
            for told in answer.told {
                let (pointer, kind) = match told {
                    Told::Text(pointer) => (pointer, "string"),
                    Told::List(pointer) => (pointer, "array"),
                    Told::Flag(pointer) => (pointer, "boolean"),
                };
                let mut schema = body.clone();
                for name in pointer[1..].split('/') {
                    schema = required(document, &schema, name).unwrap_or_else(|| panic!("{operation}: {pointer}"));
                }
                let schema = resolved(document, &schema);
                let is = schema["type"] == kind || kind == "string" && schema["const"].is_string();
                assert!(is, "{operation}: {pointer} is {schema}");
            }
        }
    }
}

/// The schema of a member that has to be there.
fn required(document: &Value, schema: &Value, name: &str) -> Option<Value> {
    let schema = resolved(document, schema);
    let mut all = BTreeMap::new();
    members(document, schema, &mut all);
    if !*all.get(name)? {
        return None;
    }
    let parts = schema["allOf"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|part| resolved(document, part));
    parts.chain([schema]).find_map(|part| part["properties"].get(name)).cloned()
}

#[test]
fn the_document_and_the_table_have_the_same_problems() {
    let table: BTreeSet<(String, u16)> = ProblemKind::ALL.iter().map(|kind| (kind.uri(), kind.status())).collect();
    let contract = Contract::load();
    let schemas = contract.document()["components"]["schemas"].as_object().into_iter().flatten();
    let written: BTreeSet<(String, u16)> = schemas
        .filter_map(|(_, schema)| {
            let status = schema["properties"]["status"]["const"].as_u64()?;
            Some((
                schema["properties"]["type"]["const"].as_str()?.to_owned(),
                u16::try_from(status).ok()?,
            ))
        })
        .collect();
    assert_eq!(table, written);
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
