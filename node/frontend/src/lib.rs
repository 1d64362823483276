//! Screening, lists and snapshots beside a member's core systems.
//!
//! A front end is what an institution runs beside its own systems. It publishes the institution's lists,
//! answers other members' blinded questions about them, keeps verified copies of the others' lists, and
//! screens identifiers against these. Everything that must outlive the process is in an SQL database
//! ([`store`]) and in snapshot files ([`snapshots`]).
//!
//! ```text
//!            rows                                       rows
//!              │                                          │
//!        ┌─────▼────┐      Publish, Attest          ┌─────▼─────┐
//!        │  lists   ├────────────► ledger ◄─────────┤ snapshots │ copies of the others
//!        └─────┬────┘                 ▲             └─────┬─────┘
//!         keys │                      │ CallBatch         │ look-up
//!        ┌─────▼──────┐   peer.proto  │             ┌─────▼─────┐
//!        │ evaluation │◄──────────────┼─────────────┤ screening │
//!        └────────────┘   B, a ──► Z, DLEQ          └───────────┘
//!           provider                                   querier
//! ```
//!
//! [`Frontend::start`] puts the parts together over two ports: a [`ports::Ledger`] and
//! [`ports::Peers`].

mod audit;
mod clock;
mod compute;
pub mod crash;
pub mod disclosures;
pub mod disputes;
pub mod evaluation;
mod frontend;
mod history;
mod key_change;
pub mod lists;
pub mod notices;
pub mod peer;
mod places;
pub mod ports;
pub mod receipts;
pub mod retention;
pub mod rows;
pub mod screening;
pub mod snapshots;
pub mod store;
mod tasks;
mod telemetry;
pub mod wallet;

pub use audit::{OpenedCall, OpenedCalls, Opening};
pub use frontend::{CopyVerified, Frontend, FrontendConfig, StartError, VerifyError};
pub use history::{OwnBatch, OwnBatches, OwnRecord};
