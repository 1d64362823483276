//! A network in one process: the shipped state machine over a map, front ends over it, and real tonic
//! channels on loopback between them.

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each test file uses its part"
)]

mod chain;
mod databases;
mod halt;
mod network;
mod quota;
mod values;
mod wires;

use tacit_ledger::network::parameters::CategoryId;

pub use chain::{Chain, MemberLedger, Refuse};
pub use databases::Engine;
pub use halt::HaltAt;
pub use network::{Network, Node, Screened, candidate, collect, eventually, open_store};
pub use quota::{open_session, quota_key};
pub use values::{bounded, context, phone, phones, reader, rows, spec};
pub use wires::{MemberWires, Wires, serve};

/// The category of the tests' lists, and its price.
pub const CATEGORY: CategoryId = CategoryId(1);
pub const PRICE_MINOR: u32 = 100;
