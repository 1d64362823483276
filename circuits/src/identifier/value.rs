//! The value that a person's identifier is held in.

use std::fmt;

use ark_bls12_381::Fr;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::IdentifierType;
use super::field::field_form;

/// An identifier that passed the checks of its type, in canonical form.
///
/// Only [`normalize`](super::normalize) makes one, so two that are equal denote the same thing
/// whatever their spelling was. Prints as `<redacted>`, compares in constant time for equal
/// lengths, and is wiped from memory when dropped.
#[derive(Clone)]
pub struct Identifier {
    kind: IdentifierType,
    canonical: Zeroizing<String>,
}

impl Identifier {
    /// The caller has normalised and checked `canonical`.
    pub(super) fn new(kind: IdentifierType, canonical: Zeroizing<String>) -> Self {
        Self { kind, canonical }
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> IdentifierType {
        self.kind
    }

    /// Its canonical form. The name reminds the caller that this is personal data: it belongs in
    /// no log and no message to anybody else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.canonical
    }

    /// Its form in the field, `x` of the protocol; the type is not part of it.
    #[must_use]
    pub fn field(&self) -> Fr {
        field_form(self.canonical.as_bytes())
    }
}

impl PartialEq for Identifier {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
            && bool::from(self.canonical.as_bytes().ct_eq(other.canonical.as_bytes()))
    }
}

impl Eq for Identifier {}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({}, <redacted>)", self.kind)
    }
}
