//! Four eyes: what needs a second person's approval waits for it.
//!
//! An approval is bound by a digest to exactly what will run. It is asked for by one person and decided by another,
//! is used once, by whoever asked, and expires. Rows carry a code under a key of the node, so that whoever can only
//! write into the database grants nothing.
//!
//! | file | content |
//! |---|---|
//! | `allowance` | how many rows each operator asks about alone |
//! | `approval` | one approval: how it stands, and what may be done with it |
//! | `desk` | the table: approvals are asked for, decided, used |

mod allowance;
mod approval;
mod desk;

pub use allowance::{ALLOWANCE_HOURS, Allowance};
pub use approval::{Approval, ApprovalError, Decision, Kind, State};
pub use desk::Approvals;
