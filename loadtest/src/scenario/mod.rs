//! A storm as a model: who comes, when, with what device, what they do, what fails meanwhile, and what is promised.

mod model;

pub use model::{
    Arrivals, Connection, DeviceKind, Event, Fault, Jitter, Journey, Objective, Party, Phase, Retry, Scenario, Shape, Slo, Think,
};
