//! Storms from the command line to the record, each as a process with a server of its own: the library in short, mutants
//! under load, and what goes wrong outside.

mod faults;
mod hostile;
mod library;
mod mutant;
mod program;
mod shared;
mod signals;
mod terminal;
