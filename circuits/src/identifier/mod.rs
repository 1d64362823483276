//! What people type, made into what is screened: types, normalisation, checks, field form.
//!
//! ```
//! use tacit_circuits::identifier::{Conventions, IdentifierType, Refusal, normalize};
//!
//! let here = Conventions {
//!     region: Some("CN".parse()?),
//!     ..Conventions::default()
//! };
//! let typed = normalize(IdentifierType::Phone, "138-0013 8000", &here)?;
//! let noted = normalize(IdentifierType::Phone, "＋８６ １３８００１３８０００", &here)?;
//! assert_eq!(typed, noted);
//! assert_eq!(typed.expose(), "+8613800138000");
//! assert_eq!(typed.field(), noted.field());
//!
//! let wrong = normalize(IdentifierType::Card, "6225 8801 0000 0001", &here);
//! assert!(matches!(wrong, Err(Refusal::WrongCheckDigit { .. })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Laws
//! 1. A canonical form normalises to itself, under any [`Conventions`] that its type accepts.
//! 2. Spellings of one identifier that differ in width, case, spaces, dashes, compatibility forms
//!    or invisible characters have one canonical form.
//! 3. A value that fails its check is refused with the reason, and the reason holds no part of it.
//! 4. Different canonical forms have different field forms (see `field`), short of a collision of
//!    BLAKE3 between two that are longer than [`MAX_PACKED_BYTES`].
//!
//! # Agreement between members
//! Two members find each other's entries only if both compute the same canonical form. That form
//! is part of the format and changes only with its version. What may differ between releases is
//! the set of values *accepted*: numbering plans and IBAN structures grow. A release behind the
//! others refuses what it does not know yet, with a reason, and never maps it to something else.

mod account;
mod card;
mod checks;
mod credit_code;
mod date;
mod device;
mod email;
mod field;
mod fold;
mod iban;
mod kind;
mod phone;
mod refusal;
mod resident;
mod text;
mod value;

pub use date::CalendarDate;
pub use field::MAX_PACKED_BYTES;
pub use fold::MAX_SPELLING_BYTES;
pub use kind::{IdentifierType, PADDING_TYPE_CODE, UnknownType};
pub use phone::{Region, UnknownRegionCode};
pub use refusal::Refusal;
pub use value::Identifier;

/// What a value that does not say so means in the place it comes from: a file, a branch, a
/// country. What the value does say takes precedence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conventions {
    /// The region of phone numbers that are written without a country code.
    pub region: Option<Region>,
    /// The bank of account numbers, the scheme of device numbers, the namespace of free text.
    pub namespace: Option<String>,
    /// The day after which nobody is born yet. Without it, dates of birth need only exist.
    pub reference_date: Option<CalendarDate>,
}

/// The identifier that `spelling` is, as a value of type `kind`.
///
/// # Errors
/// The first [`Refusal`] that applies.
pub fn normalize(
    kind: IdentifierType,
    spelling: &str,
    conventions: &Conventions,
) -> Result<Identifier, Refusal> {
    let canonical = match kind {
        IdentifierType::Phone => phone::normalize(spelling, conventions),
        IdentifierType::Card => card::normalize(spelling),
        IdentifierType::Iban => iban::normalize(spelling),
        IdentifierType::BankAccount => account::normalize(spelling, conventions),
        IdentifierType::ResidentId => resident::normalize(spelling, conventions),
        IdentifierType::CreditCode => credit_code::normalize(spelling),
        IdentifierType::Email => email::normalize(spelling),
        IdentifierType::Device => device::normalize(spelling, conventions),
        IdentifierType::Text => text::normalize(spelling, conventions),
    }?;
    Ok(Identifier::new(kind, canonical))
}
