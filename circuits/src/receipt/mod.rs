//! Receipts: a third party relies on an answer without learning which call it was.
//!
//! A receipt is a [`Statement`] and a [`Proof`]: Groth16 over BLS12-381 (Groth, *On the size of
//! pairing-based non-interactive arguments*, EUROCRYPT 2016), one circuit, one key.
//!
//! # The relation
//! Public: C, type, epoch = `list·2^32 + tag_epoch`, querier, root of the log, root R of the list,
//! answer m, q, context. Witness: t, x, s, odd a and b of 130 digits ±1, B, Z, N₀, low, next, both
//! paths, o.
//!
//! 1. `C = H3(commit; t, x, s)`
//! 2. `u = H3(h2c; t, x, epoch)`, `H = 8·Elligator2(u)`. The sign of H is free: only X enters
//!    anything.
//! 3. B, Z and N₀ are on the curve, `N = 8·N₀`, `a·H = b·B` and `a·N = b·Z`.
//! 4. `H3(call; epoch·2^32 + querier, X(B), X(Z))` is a leaf under the log's root. Its slot is
//!    hidden.
//! 5. `T = H2(tag; x, X(N)) = tag·2^127 + rest`, the tag of 128 bits and at most `⌊p/2^127⌋ − 1`, the
//!    rest of 127 bits. A T above that is given up: it has probability 2^-128.
//! 6. `H2(leaf; low, next)` is in slot i under R. m is 0 or 1. With m = 1, `low = tag`; with m = 0,
//!    `low < tag`. `tag < next`.
//! 7. o is 0 or 1, `q = o·(i + 1)`, `(1 − o)·(type − t) = 0`.
//! 8. The context is multiplied with itself, so that it is in the relation and not only beside it.
//!
//! By 7, a receipt (q = 0) shows the type of its subject. Where an owner proves a sampled entry
//! (q = i + 1), the verifier demands m = 1 and puts 0 for the type: shown, it would tell which slots
//! of a padded list hold padding, and so the list's true size. q decides o, since i + 1 is never 0.
//!
//! The ranges of 6 are those of differences: that low and next have 128 bits follows from R, which
//! is the root of leaves that its attesters rebuilt.
//!
//! # From call to verdict
//! [`Witness::check`] says natively what can be proven, or which part does not hold; a [`Prover`]
//! proves it, a [`Verifier`] decides, one at a time or in batches. Keys come from a ceremony over
//! [`circuit_for_setup`]; [`development_keys`] are for tests and demonstrations only.

mod assignment;
mod buckets;
mod circuit;
mod commitment;
mod development;
mod gadget;
mod groth16;
mod key;
mod montgomery;
mod msm;
mod points;
mod proof;
mod prove;
mod proving_key;
mod quotient;
mod relation;
mod shape;
pub mod snarkjs;
mod statement;
mod verify;
mod witness;
mod workers;

pub use assignment::{Assignment, Digits, TreePath};
pub use circuit::{circuit_for_setup, circuit_over};
pub use commitment::{CommitmentSecret, SubjectCommitment, commit, commit_entry};
pub use development::development_keys;
pub use key::{KeyError, KeyId, VERIFYING_KEY_BYTES, VerifyingKey};
pub use montgomery::MontgomeryPoint;
pub use proof::{PROOF_BYTES, Proof, ProofError};
pub use prove::{ProveError, Prover};
pub use proving_key::{CacheDigest, PROVING_KEY_CACHE_MAGIC, PROVING_KEY_MAGIC, ProvingKey};
pub use relation::Violation;
pub use shape::{CircuitSize, circuit_size};
pub use statement::{
    Claim, ContextHash, MAX_STATEMENT_BYTES, PUBLIC_INPUT_NAMES, PUBLIC_INPUTS, Statement,
};
pub use verify::{BatchError, Verifier, VerifyError};
pub use witness::{Purpose, Witness, call_tag};
