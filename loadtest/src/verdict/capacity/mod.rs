//! The highest rate at which the promises are kept, and where it begins to bend.
//!
//! - `search`: bracketing and bisection over whatever measures one rate.
//! - `told`: the search as a table and a picture of the knee.

mod search;
mod told;

pub use search::{Bounds, Capacity, Probe, search};
pub use told::told;
