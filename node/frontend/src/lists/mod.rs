//! This member's own lists: from rows to a publication on the ledger.
//!
//! A [`Draft`] collects rows, says which were refused and why, and what publishing would change; only
//! [`Lists::publish`] changes anything. Publishing goes through steps, each of which is on the disk or on
//! the ledger before the next begins, and each of which is done again after a restart if it was
//! interrupted:
//!
//! 1. the changes, and the key where the tag epoch is new, are sealed into the database;
//! 2. the list gets its number on the ledger, where it has none;
//! 3. tags, tree, snapshot and delta are made and written;
//! 4. the key is registered, where it is new;
//! 5. the version is published.
//!
//! After that the beacon draws entries of it, and this member proves that they come from the list's key
//! (`samples`).
//!
//! Lists are padded to a [size class](tacit_circuits::list::SizeClass) and changes to a power of two, so
//! that neither a list's true size nor a small change of it shows. Keys of epochs whose calls can no
//! longer be settled are destroyed.

mod build;
mod draft;
mod keyring;
mod own;
mod padding;
mod publish;
mod samples;

pub use draft::{Difference, Draft, DraftMode, ListSpec};
pub use own::{ListSummary, Lists};
pub use publish::{ListError, Progress, Published, Stage};

pub(crate) use keyring::KeyRing;
pub(crate) use samples::Sampler;
