//! Whether the service kept its security promises while it was under load.

mod happened;

pub use happened::{Act, Happened, Presented, Seen};
