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
