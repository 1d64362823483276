//! Disputes about entries, and the ratings of members.

mod correction;
mod deadlines;
mod laws;
mod meanwhile;
mod outcomes;
mod panels;
mod ratings;
mod recusal;
