//! The institution's own people and systems: their certificates, and the roles that each holds.
//!
//! | file | content |
//! |---|---|
//! | `file` | `operators.toml` |
//! | `live` | the file as it is now, looked at again while the node runs |

mod file;
mod live;

pub use file::{Listed, OPERATORS_FILE, Operators, OperatorsError, Role, Rules};
pub use live::LiveOperators;
