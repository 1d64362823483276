//! A front end among others, in one process: what it does, and what is done to it.
//!
//! One program, because each would link the whole front end.

#[path = "../support/mod.rs"]
mod support;

mod adversary;
mod copies;
mod crash;
mod databases;
mod differential;
mod disclosures;
mod follow_up;
mod notices;
mod publishing;
mod quota;
mod retention;
mod screening;
mod sessions;
