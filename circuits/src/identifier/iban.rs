//! International bank account numbers: ISO 13616, with the structures of SWIFT's registry.
//!
//! Canonical form: the electronic one, capitals without spaces. National check digits inside the
//! account part are not checked.

use iban::{BaseIban, Iban, ParseIbanError};
use zeroize::Zeroizing;

use super::Refusal;
use super::fold::{Case, compact, fold};

/// ISO 13616: country code, check digits, up to 30 characters of account.
const MAX_CHARACTERS: usize = 34;
/// The shortest registered (Norway).
const MIN_CHARACTERS: usize = 15;

pub(super) fn normalize(spelling: &str) -> Result<Zeroizing<String>, Refusal> {
    let folded = fold(spelling, Case::Upper)?;
    let text = compact(&folded, &[]);
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Refusal::ForbiddenCharacter {
            allowed: "letters, digits, spaces and dashes",
        });
    }
    if !(MIN_CHARACTERS..=MAX_CHARACTERS).contains(&text.len()) {
        return Err(Refusal::WrongLength {
            found: text.len(),
            expected: "15 to 34",
        });
    }
    let begins_well = text.bytes().take(2).all(|byte| byte.is_ascii_uppercase())
        && text
            .bytes()
            .skip(2)
            .take(2)
            .all(|byte| byte.is_ascii_digit());
    if !begins_well {
        return Err(Refusal::IbanStructure);
    }
    let Ok(base) = text.parse::<BaseIban>() else {
        return Err(Refusal::WrongCheckDigit {
            standard: "ISO 13616 (MOD 97-10)",
        });
    };
    match Iban::try_from(base) {
        Ok(_) => Ok(text),
        Err(ParseIbanError::UnknownCountry(_)) => Err(Refusal::UnknownIbanCountry),
        Err(_) => Err(Refusal::IbanStructure),
    }
}
