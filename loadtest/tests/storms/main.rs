//! Storms from the command line to the record, each as a process with a server of its own: the library in short, known-bad servers
//! under load, and what goes wrong outside.

mod faults;
mod hostile;
mod known_bad;
mod library;
mod program;
mod shared;
mod signals;
mod terminal;
