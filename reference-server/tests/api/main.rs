//! The reference server over a real connection, each answer judged by `specs/openapi.yaml`.

mod accounts;
mod codes;
mod devices;
mod flow;
mod input;
mod limits;
mod notices;
mod queue;
mod sources;
mod world;

use std::sync::Arc;

use reference_server::ports::{MemoryStore, Store};

/// Where the server of a test keeps its accounts. `api_on_files` runs the same tests over another one.
fn store() -> Arc<dyn Store> {
    Arc::new(MemoryStore::default())
}
