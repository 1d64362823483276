//! The server of a member institution.
//!
//! Data flows one way: `run` reads the configuration and the keys, starts the ledger's driver, then
//! the front end over it, then what faces people: the read model, the operator's service and the
//! probes. `operators` says who may ask for what, `approvals` what waits for a second person, `reads` who looked;
//! `balances` keeps where statements of a period begin.

pub mod api;
pub mod approvals;
pub mod balances;
mod clock;
pub mod command;
pub mod config;
pub mod demo;
pub mod keys;
pub mod ledger;
pub mod operators;
pub mod peers;
pub mod reads;
pub mod run;
pub mod setup;
pub mod telemetry;
pub mod trial;
