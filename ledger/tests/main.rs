//! The ledger's rules, shown on the shipped state machine over a map.
//!
//! Every block of every test runs twice, with its records fetched in two ways, and must come out the
//! same; after it, quota must add up and no key may have two owners. See `support::Chain`.

mod support;

mod bounds;
mod calls;
mod clock;
mod codec;
mod conformance;
mod coverage;
mod dates;
mod disputes;
mod documentation;
mod due;
mod envelopes;
mod genesis;
mod governance;
mod keys;
mod laws;
mod lists;
mod members;
mod pauses;
mod precedence;
mod prices;
mod quota;
mod reading;
mod receipts;
mod refusals;
mod results;
mod sampling;
mod sessions;
mod supervision;
mod versions;
