//! What supervisors are shown.

mod demands;
mod drawn;
mod laws;
mod views;
