//! A chain in one process, and fresh databases to read it into.

pub mod chain;
pub mod fresh;
pub mod quota;
