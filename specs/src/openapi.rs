//! Is this answer one that the API promises? `openapi.yaml` and `admin.yaml`, compiled in, as a judge of real answers.
//!
//! What is not written there is wrong: an unlisted path, method, status, content type or member, a missing header, a body
//! where there is none. A test that calls [`Contract::check_response`] on every exchange cannot drift from the contract.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

mod answer;
mod route;

use answer::Seen;
use route::Route;

/// The name under which the document's own schemas refer to each other.
const DOCUMENT: &str = "urn:stepproof:contract";

/// Why a document cannot serve as a contract.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// It is no YAML.
    #[error("the document cannot be read: {0}")]
    Yaml(#[from] yaml_serde::Error),
    /// A schema in it is no JSON Schema, or points to nothing.
    #[error("the document's schemas cannot be used: {0}")]
    Schema(String),
}

/// One call of the API.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// Its path, with placeholders such as `{id}`.
    pub path: String,
    pub method: String,
    /// Its `operationId`.
    pub id: String,
}

/// An OpenAPI document that answers are checked against.
pub struct Contract {
    document: Value,
    registry: Registry<'static>,
    validators: Mutex<BTreeMap<String, Arc<Validator>>>,
}

impl Contract {
    /// The reference API.
    #[expect(clippy::missing_panics_doc, reason = "the document is compiled in, and its tests read it")]
    pub fn load() -> Self {
        Self::parse(include_str!("../openapi.yaml")).expect("openapi.yaml is compiled in and its tests read it")
    }

    /// The control interface of the reference server.
    #[expect(clippy::missing_panics_doc, reason = "the document is compiled in, and its tests read it")]
    pub fn load_admin() -> Self {
        Self::parse(include_str!("../admin.yaml")).expect("admin.yaml is compiled in and its tests read it")
    }

    /// Any other OpenAPI 3.1 document. References have to stay inside it.
    pub fn parse(yaml: &str) -> Result<Self, ContractError> {
        let document: Value = yaml_serde::from_str(yaml)?;
        let registry = Registry::new()
            .add(DOCUMENT, document.clone())
            .and_then(|registry| registry.prepare())
            .map_err(|error| ContractError::Schema(error.to_string()))?;
        Ok(Self {
            document,
            registry,
            validators: Mutex::default(),
        })
    }

    /// The document as JSON.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Every call, by path and method.
    pub fn operations(&self) -> Vec<Operation> {
        let mut operations: Vec<Operation> = Route::all(&self.document).flat_map(|route| route.operations()).collect();
        operations.sort();
        operations
    }

    /// Checks the answer to a call that the contract lists. The path may be concrete (`/v1/devices/dev_…`, with or without a
    /// query) or the template itself. All that is wrong is told, not only the first thing.
    pub fn check_response(
        &self,
        method: &str,
        path: &str,
        status: u16,
        content_type: Option<&str>,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<(), Vec<String>> {
        let seen = Seen {
            status,
            content_type,
            headers,
            body,
        };
        let call = format!("{method} {path}");
        let Some(route) = Route::find(&self.document, path) else {
            return Err(vec![format!("{call}: the contract has no such path")]);
        };
        let Some(operation) = route.operation(method) else {
            return Err(vec![format!("{call}: the contract has no such method on {}", route.template)]);
        };
        let Some((pointer, response)) = self.resolve(&operation.child("responses").child(&status.to_string())) else {
            let known = operation.keys(&self.document, "responses");
            return Err(vec![format!("{call}: status {status} is not among {}", known.join(", "))]);
        };
        self.complaints(&call, &seen, &pointer, response)
    }

    /// Checks the answer to a call that the contract does *not* list: 404 for a path, 405 with the true `Allow` for a method.
    pub fn check_unlisted(
        &self,
        method: &str,
        path: &str,
        status: u16,
        content_type: Option<&str>,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<(), Vec<String>> {
        let seen = Seen {
            status,
            content_type,
            headers,
            body,
        };
        let call = format!("{method} {path}");
        let route = Route::find(&self.document, path);
        if route.as_ref().is_some_and(|route| route.operation(method).is_some()) {
            return Err(vec![format!("{call}: the contract lists this call")]);
        }
        let (wanted, name) = if route.is_some() {
            (405, "MethodNotAllowed")
        } else {
            (404, "NotFound")
        };
        let mut wrong = Vec::new();
        if status != wanted {
            wrong.push(format!("{call}: status {status} where {wanted} is due"));
        } else if let Some((pointer, response)) = self.resolve(&Pointer::new(&["components", "responses", name])) {
            wrong.extend(self.complaints(&call, &seen, &pointer, response).err().unwrap_or_default());
        }
        if let Some(route) = route {
            wrong.extend(seen.wrong_allow(&route).map(|reason| format!("{call}: {reason}")));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// Checks a request body against what the call takes.
    pub fn check_request(&self, method: &str, path: &str, body: &Value) -> Result<(), Vec<String>> {
        let call = format!("{method} {path}");
        let schema = Route::find(&self.document, path)
            .and_then(|route| route.operation(method))
            .map(|operation| {
                operation
                    .child("requestBody")
                    .child("content")
                    .child("application/json")
                    .child("schema")
            });
        match schema {
            Some(schema) if schema.of(&self.document).is_some() => {
                let wrong = self.violations(&schema, body);
                if wrong.is_empty() {
                    Ok(())
                } else {
                    Err(wrong.into_iter().map(|reason| format!("{call}: {reason}")).collect())
                }
            }
            _ => Err(vec![format!("{call}: the contract takes no body here")]),
        }
    }

    fn complaints(&self, call: &str, seen: &Seen<'_>, pointer: &Pointer, response: &Value) -> Result<(), Vec<String>> {
        let wrong: Vec<String> = seen
            .wrong_headers(self, response)
            .into_iter()
            .chain(seen.wrong_body(self, pointer, response))
            .map(|reason| format!("{call} -> {}: {reason}", seen.status))
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// What stands at the pointer, through one `$ref` after another.
    fn resolve(&self, pointer: &Pointer) -> Option<(Pointer, &Value)> {
        let mut pointer = pointer.clone();
        // A chain of references longer than this is a circle.
        for _ in 0..8 {
            let value = pointer.of(&self.document)?;
            match value.get("$ref").and_then(Value::as_str) {
                Some(reference) => pointer = Pointer(reference.strip_prefix('#')?.to_owned()),
                None => return Some((pointer, value)),
            }
        }
        None
    }

    /// What the schema at the pointer has against this value.
    fn violations(&self, schema: &Pointer, value: &Value) -> Vec<String> {
        match self.validator(schema) {
            Ok(validator) => validator
                .iter_errors(value)
                .map(|error| format!("`{}`: {error}", error.instance_path()))
                .collect(),
            Err(reason) => vec![reason],
        }
    }

    fn validator(&self, schema: &Pointer) -> Result<Arc<Validator>, String> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = validators.get(&schema.0) {
            return Ok(Arc::clone(validator));
        }
        let reference = json!({ "$ref": format!("{DOCUMENT}#{}", schema.in_fragment()) });
        let validator = jsonschema::options()
            .with_registry(&self.registry)
            .should_validate_formats(true)
            .build(&reference)
            .map_err(|error| format!("the schema at {} cannot be used: {error}", schema.0))?;
        Ok(Arc::clone(validators.entry(schema.0.clone()).or_insert(Arc::new(validator))))
    }
}

/// A JSON pointer into the document.
#[derive(Clone, Debug)]
struct Pointer(String);

impl Pointer {
    fn new(segments: &[&str]) -> Self {
        segments
            .iter()
            .fold(Self(String::new()), |pointer, segment| pointer.child(segment))
    }

    fn child(&self, segment: &str) -> Self {
        Self(format!("{}/{}", self.0, segment.replace('~', "~0").replace('/', "~1")))
    }

    fn of<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        document.pointer(&self.0)
    }

    fn keys(&self, document: &Value, child: &str) -> Vec<String> {
        let object = self.child(child).of(document).and_then(Value::as_object).cloned();
        object.into_iter().flatten().map(|(key, _)| key).collect()
    }

    /// As the fragment of a URI: braces of a path template are not allowed there as they are.
    fn in_fragment(&self) -> String {
        self.0.replace('{', "%7B").replace('}', "%7D")
    }
}

/// The example in the README, tried.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
