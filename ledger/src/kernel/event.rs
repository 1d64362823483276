//! What happened, typed by the module that says it.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::kernel::codec::{self, Bytes, CodecError};
use crate::kernel::module::ModuleId;

/// Largest encoded event. The largest of the risk network names an institution and its addresses.
pub const MAX_EVENT_BYTES: usize = 1024;

/// One event: a module's own type, encoded. Modules offer a typed reading, such as
/// [`network::Event::read`](crate::network::Event::read).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Event {
    /// Module whose event it is.
    pub module: ModuleId,
    /// Its canonical encoding there.
    pub body: Bytes<MAX_EVENT_BYTES>,
}

impl Event {
    /// The body as the type `T` of the module that wrote it.
    pub fn decode<T: BorshDeserialize>(&self) -> Result<T, CodecError> {
        codec::decode(&self.body)
    }
}
