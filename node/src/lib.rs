//! The server of a member institution.

pub mod config;
pub mod keys;
