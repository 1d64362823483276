//! Makes what a node starts from: keys, card, certificates, configuration, genesis.

pub mod card;
pub mod folder;
pub mod genesis;
