//! The server of a member institution.

pub mod config;
pub mod keys;
pub mod setup;
pub mod trial;
