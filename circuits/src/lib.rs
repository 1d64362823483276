//! Everything that proves or hides: curve, blind evaluation, identifiers, lists.

pub mod identifier;
