//! Real nodes as processes on loopback, with mutual TLS and a ledger among them, used through the commands
//! that people type and broken in the ways that machines and people break them.

mod audit;
#[cfg(target_os = "linux")]
mod bounds;
mod consortium;
mod demo;
mod disputes;
mod drawn;
mod faults;
mod four_eyes;
mod hostile;
mod leak;
mod membership;
mod quota;
mod receipts;
mod records;
mod retention;
mod samples;
mod supervision;
mod tap;
mod views;
mod wire;
