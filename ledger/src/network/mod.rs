//! The risk network: who belongs to it, what they publish, what they ask, and what that costs.
//!
//! | Module | Content |
//! |---|---|
//! | [`action`] | what a party can do |
//! | [`record`] | what stands in state |
//! | [`event`] | what is said about it |
//! | [`movement`] | what of it moved whose quota |
//! | [`parameters`] | what the members govern |
//! | [`price`] | what a call costs |
//! | [`coverage`] | how far somebody could walk through all identifiers |
//! | [`samples`] | how a list's owner shows that its tags come from its key |
//! | [`disputes`] | who decides about an entry that is said to be wrong |
//! | [`supervision`] | which calls are opened to the supervisors |
//! | [`views`] | what a supervisor asks under a view, and whether it may be shown |
//! | [`receipts`] | what shows that a subject was clear on lists |
//! | [`screen`] | how another business ledger relies on that |
//! | [`quota`] | what proofs about quota are bound to, and how parties make them |
//! | [`request`] | a querier's signed request, and the batch that settles it |
//! | [`reject`] | refusals |
//! | [`audit`] | what the hash of a call's audit record commits to |
//! | [`read`] | typed reading of the records |

pub mod action;
pub mod audit;
pub mod coverage;
pub mod disputes;
pub mod event;
mod execute;
pub mod genesis;
pub mod keys;
pub mod movement;
pub mod parameters;
pub mod price;
pub mod quota;
pub mod read;
pub mod receipts;
pub mod record;
pub mod reject;
pub mod request;
pub mod samples;
pub mod screen;
pub mod session;
pub mod supervision;
pub mod views;

pub use action::Action;
pub use event::Event;
pub use genesis::{GenesisMember, NetworkGenesis};
pub use parameters::{Category, Parameters};
pub use receipts::{ReceiptContext, ReceiptSet};
pub use record::*;
pub use request::{CallBatch, Request, SignedRequest};
pub use samples::{SampleCalls, SampleProof, SampleProofs};

/// The risk network as a module of the kernel.
#[derive(Clone, Copy, Debug, Default)]
pub struct RiskNetwork;
