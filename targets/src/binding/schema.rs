//! The JSON Schema of binding files, for editors. `targets/bindings/binding.schema.json` is this, written out.

use serde_json::{Value, json};
use specs::{Parameters, Refusal};

use super::format::BindingFile;
use super::names;
use crate::operation::OperationKind;

/// The schema, as the file has it.
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(BindingFile).to_value();
    if let Some(properties) = schema.pointer_mut("/properties") {
        let names: Vec<&str> = OperationKind::ALL.iter().map(|kind| kind.name()).collect();
        properties["operations"]["propertyNames"] = json!({ "enum": names });
        properties["capabilities"]["items"] = json!({ "enum": specs::Capability::ALL });
        properties["parameters"] = parameters();
    }
    for (definition, field, known) in [
        ("StepFile", "facts", names::FACTS),
        ("StepFile", "challenge", names::CHALLENGE),
    ] {
        if let Some(field) = schema.pointer_mut(&format!("/$defs/{definition}/properties/{field}")) {
            field["propertyNames"] = json!({ "enum": known });
        }
    }
    if let Some(reason) = schema.pointer_mut("/$defs/MatcherFile/properties/reason") {
        reason["enum"] = Refusal::ALL.iter().map(|refusal| json!(refusal)).collect();
    }
    // The order of keys must not depend on which features other crates of a build switch on.
    schema.sort_all_objects();
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// The parameters have no schema of their own: the kinds of their defaults are what a file may write.
fn parameters() -> Value {
    let defaults = serde_json::to_value(Parameters::default()).unwrap_or_default();
    let fields = defaults.as_object().into_iter().flatten().map(|(name, value)| {
        let kind = match value {
            Value::String(_) => "string",
            _ => "integer",
        };
        (name.clone(), json!({ "type": kind, "default": value }))
    });
    json!({
        "description": "What it declares about itself; what is left out has the value of the specification.",
        "type": "object",
        "properties": fields.collect::<serde_json::Map<_, _>>(),
        "additionalProperties": false,
    })
}
