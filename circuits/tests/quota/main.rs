//! Confidential quota, from outside: what holds, and what a cheat would have to get past.

mod transfers;
mod world;
