//! Audit records sealed for a retention period, and what is needed to open them.
//!
//! What a member keeps of its calls is sealed under HPKE (RFC 9180) to a key of the retention period to which
//! it belongs: the class of its purpose and the month in which it was made. When the period is over its private
//! key is destroyed, and with it all that was sealed to it. A custodian may hold keys of its own, to which the
//! same records are sealed a second time.
//!
//! | module | what |
//! |---|---|
//! | `period` | months, classes, and when a period is over |
//! | `hpke` | key pairs, sealing, opening |
//! | `export` | sealing and opening many values under one encapsulation |
//! | `records` | what is kept of a request, at a size that says nothing |
//! | `custodian` | the custodian's keys, and the files of copies |
//!
//! Pure: bytes in, bytes out. Who opens files and draws randomness is the caller.

pub mod custodian;
mod export;
mod hpke;
mod period;
mod records;

pub use export::{Encapsulation, Receiver, SEALED_OVERHEAD_BYTES, Sender, encapsulation};
pub use hpke::{Content, HPKE_OVERHEAD_BYTES, PrivateKey, PublicKey, SealError, open, seal};
pub use period::{BadPeriod, ClassName, MAX_CLASS_BYTES, MAX_KEEP_MONTHS, Month, Period};
pub use records::{BatchName, OwnRecords, RecordsError, padded_bytes};
