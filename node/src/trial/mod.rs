//! A whole network on one machine: folders, certificates, genesis and processes on loopback.
//!
//! The demo tells its story on one, and the end-to-end tests break one. Everything in it is what a
//! real network has: each node is a process of its own with its own folder, keys and listeners.

mod layout;
mod process;

pub use layout::{Institution, Layout, Node, TrialError};
pub use process::{NodeProcess, ProcessError};
