//! What stands in state.

mod beacon;
mod dispute;
mod governance;
mod list;
mod member;
mod policy;
mod quota;
mod rating;
mod screening;
mod session;
mod supervision;
mod usage;
mod version;

pub use beacon::*;
pub use dispute::*;
pub use governance::*;
pub use list::*;
pub use member::*;
pub use policy::*;
pub use quota::*;
pub use rating::*;
pub use screening::*;
pub use session::*;
pub use supervision::*;
pub use usage::*;
pub use version::*;
