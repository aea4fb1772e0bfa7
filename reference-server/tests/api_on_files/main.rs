//! Every test of `api`, over a store that writes each account to a file and reads it back: what the service needs of a store is
//! what the port says, and an account is all in what it serialises to.

#[path = "../api/accounts.rs"]
mod accounts;
#[path = "../api/codes.rs"]
mod codes;
#[path = "../api/devices.rs"]
mod devices;
mod file_store;
#[path = "../api/flow.rs"]
mod flow;
#[path = "../api/input.rs"]
mod input;
#[path = "../api/limits.rs"]
mod limits;
#[path = "../api/notices.rs"]
mod notices;
#[path = "../api/queue.rs"]
mod queue;
#[path = "../api/sources.rs"]
mod sources;
#[path = "../api/world.rs"]
mod world;

use std::sync::Arc;

use reference_server::ports::Store;

fn store() -> Arc<dyn Store> {
    Arc::new(file_store::FileStore::new())
}
