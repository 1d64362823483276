//! What a member's front end keeps in its own SQL database.
//!
//! SQLite by default, PostgreSQL by configuration; one set of statements for both. Entries and keys of
//! lists, and what a query was about, are sealed under the member's master key (see [`MasterKey`]).
//!
//! | Table | Content |
//! |---|---|
//! | `own_list`, `own_epoch`, `own_version`, `own_change` | this member's lists, their keys and versions |
//! | `served_batch` | requests of others that were evaluated, until they are final on the ledger and after |
//! | `asked_session`, `asked_batch` | this member's sessions and requests |
//! | `dispute_package` | what this member has to show in disputes |

mod asked;
mod asked_history;
mod database;
mod disputes;
mod index;
mod own;
mod seal;
mod served;

pub use asked::{AskedBatch, AskedSession, AskedState};
pub use asked_history::{AskedFilter, KeptBatch};
pub use database::{Store, StoreError};
pub use own::{Change, OwnEpoch, OwnList, OwnVersion, VersionStep};
pub(crate) use seal::SealedFile;
pub use seal::{MasterKey, SEAL_OVERHEAD_BYTES, SealError};
pub(crate) use served::{Collected, UncollectedBatch};
pub use served::{ServedBatch, Settlement};
