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
//! | `retention_period`, `retention_key`, `retention_hold` | until when what was asked is kept, and the keys that open it |
//! | `own_challenge` | entries of this member's lists that are disputed |
//! | `notice`, `notice_progress` | own answers that relied on an entry that was corrected |
//! | `custodian_copy` | copies for the custodian that are not in a file yet |

mod asked;
mod asked_history;
mod asked_sealed;
mod challenges;
mod copies;
mod database;
mod disclosures;
mod disputes;
mod holds;
mod index;
mod notices;
mod own;
mod period;
mod seal;
mod served;

pub use asked::{AskedBatch, AskedSession, AskedState, ErasedBatch, NewAsked};
pub use asked_history::{AskedFilter, Side};
pub(crate) use asked_sealed::{KeptBatch, Receivers, SealedBatch};
pub(crate) use copies::PendingCopy;
pub use database::{Store, StoreError};
pub use holds::Hold;
pub(crate) use notices::{KeptNotice, NewNotice};
pub use own::{Change, OwnEpoch, OwnList, OwnVersion, VersionStep};
pub use period::{Destruction, PeriodSummary};
pub(crate) use seal::SealedFile;
pub use seal::{MasterKey, SEAL_OVERHEAD_BYTES, SealError};
pub(crate) use served::{Collected, KnownCharge, UncollectedBatch};
pub use served::{ServedBatch, Settlement};
pub use tacit_sealing::BatchName;
