//! What people type, made into what is screened: types, normalisation, checks, field form.

mod kind;

pub use kind::{IdentifierType, PADDING_TYPE_CODE, UnknownType};
