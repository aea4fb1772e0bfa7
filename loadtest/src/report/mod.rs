//! What is made of a [`Record`](crate::record::Record): for a person at a terminal, as a page, for machines, and several records beside each other.

mod comparison;
#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod hostile;
pub mod html;
pub mod json;
pub mod junit;
pub mod live;
pub mod probability;
pub(crate) mod table;
pub mod terminal;
pub(crate) mod words;
