//! Real nodes as processes on loopback, with mutual TLS and a ledger among them, used through the commands
//! that people type and broken in the ways that machines and people break them.

mod consortium;
mod demo;
mod faults;
mod hostile;
mod membership;
mod tap;
mod wire;
