//! The log: one append-only tree of the network, with a leaf for every call whose answer was proven.
//!
//! A leaf is `H3(call; scope, X(B), X(Z))`. Validators keep a [`LogFrontier`], which grows and yields
//! the root; whoever proves about a call keeps its [`CompleteNodes`], which also yield paths, in memory as a
//! [`LogTree`]. Arity 4, depth 16.

mod frontier;
mod nodes;
mod tree;

use rayon::prelude::*;

use crate::curve::poseidon2::{Domain, hash_3};
use crate::curve::{Field, Point};
use crate::scope::Scope;

pub use frontier::LogFrontier;
pub use nodes::{CompleteNodes, path_at, root_at};
pub use tree::{LogPath, LogTree, NotInLog};

/// Height of the log's tree.
pub const LOG_DEPTH: usize = 16;

/// Calls that a log can hold: 4^16.
pub const MAX_LOG_LEAVES: u64 = 1 << (2 * LOG_DEPTH);

/// Leaves per step of a thread's work.
const CHUNK: usize = 32;

/// The log has no free slot left. Nobody is at fault; the network starts a new log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log is full: it holds at most {MAX_LOG_LEAVES} calls")]
pub struct LogFull;

/// The leaf of one call: `H3(call; pack(scope), X(B), X(Z))`.
///
/// Only for a pair whose DLEQ holds against the key that the ledger registered for the scope's list
/// and epoch.
#[must_use]
pub fn log_leaf(scope: &Scope, blinded: &Point, evaluated: &Point) -> Field {
    hash_3(
        Domain::Call,
        scope.pack(),
        blinded.montgomery_u(),
        evaluated.montgomery_u(),
    )
}

/// The leaves of a batch, in its order, on all cores. The slices are of one length, as
/// [`oprf::verify`](crate::oprf::verify) has seen to; a longer one's rest is left out.
#[must_use]
pub fn log_leaves(scope: &Scope, blinded: &[Point], evaluated: &[Point]) -> Vec<Field> {
    let scope = scope.pack();
    blinded
        .par_chunks(CHUNK)
        .zip(evaluated.par_chunks(CHUNK))
        .flat_map_iter(|(blinded, evaluated)| {
            Point::montgomery_u_batch(blinded)
                .into_iter()
                .zip(Point::montgomery_u_batch(evaluated))
                .map(move |(b, z)| hash_3(Domain::Call, scope, b, z))
        })
        .collect()
}
