//! What supervisors are shown.

mod demands;
mod drawn;
mod laws;
mod questions;
mod views;
