//! What stands in state.

mod governance;
mod list;
mod member;
mod session;

pub use governance::*;
pub use list::*;
pub use member::*;
pub use session::*;
