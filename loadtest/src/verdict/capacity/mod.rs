//! The highest rate at which the SLO is met, and where it begins to bend.
//!
//! - `search`: bracketing and bisection over whatever measures one rate.
//! - `text`: the search as a table and a picture of the knee.

mod search;
mod text;

pub use search::{Bounds, Capacity, Probe, search};
pub use text::to_text;
