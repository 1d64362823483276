//! Makes what a node starts from: keys, card, certificates, configuration, genesis.

pub mod folder;
pub mod genesis;

pub use tacit_client::card;
