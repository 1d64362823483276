//! What stands in state.

mod beacon;
mod governance;
mod list;
mod member;
mod policy;
mod screening;
mod session;

pub use beacon::*;
pub use governance::*;
pub use list::*;
pub use member::*;
pub use policy::*;
pub use screening::*;
pub use session::*;
