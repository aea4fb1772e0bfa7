//! The bindings that come with the project, and the schema that editors check them against.

use std::path::{Path, PathBuf};

use targets::binding;

fn bindings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bindings")
}

#[test]
fn every_shipped_binding_loads() {
    let files = std::fs::read_dir(bindings()).expect("the folder is there");
    let mut seen = 0;
    for file in files {
        let path = file.expect("can be read").path();
        if path.extension().is_some_and(|kind| kind == "toml") {
            let loaded = binding::load(&path);
            assert!(loaded.is_ok(), "{:?}", loaded.err());
            seen += 1;
        }
    }
    assert!(seen > 0, "no binding was found");
}

/// Run with `UPDATE_SCHEMA=1` to write it anew.
#[test]
fn the_schema_file_is_what_the_format_says() {
    let path = bindings().join("binding.schema.json");
    let schema = binding::schema::schema();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &schema).expect("can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == schema,
        "{} is stale: run this test with UPDATE_SCHEMA=1",
        path.display()
    );
}

#[test]
fn every_shipped_binding_fits_the_schema() {
    let schema = serde_json::from_str(&binding::schema::schema()).expect("is JSON");
    let validator = jsonschema::validator_for(&schema).expect("is a schema");
    let text = std::fs::read_to_string(bindings().join("better-auth.toml")).expect("is there");
    let mut value: serde_json::Value = toml::from_str(&text).expect("is TOML");
    let errors: Vec<String> = validator
        .iter_errors(&value)
        .map(|e| format!("{} at {}", e, e.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    value["operations"]["sign_inn"] = value["operations"]["sign_in"].clone();
    assert!(
        !validator.is_valid(&value),
        "the schema takes an operation that does not exist"
    );
}
