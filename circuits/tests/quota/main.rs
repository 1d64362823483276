//! Confidential quota, from outside: what holds, and what a cheat would have to get past.

mod attacks;
mod conservation;
mod encodings;
mod proofs;
mod table;
mod transfers;
mod world;
