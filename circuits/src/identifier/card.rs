//! Payment card numbers: the PAN of ISO/IEC 7812-1, 12 to 19 digits with a Luhn check digit.
//!
//! Canonical form: the digits. Which issuer a number belongs to is not looked up.

use zeroize::Zeroizing;

use super::Refusal;
use super::checks::luhn_holds;
use super::fold::{Case, compact, fold, refuse_spreadsheet_number};

/// The shortest in use (Maestro).
const MIN_DIGITS: usize = 12;
/// The longest that ISO/IEC 7812-1 allows.
const MAX_DIGITS: usize = 19;

pub(super) fn normalize(spelling: &str) -> Result<Zeroizing<String>, Refusal> {
    let folded = fold(spelling, Case::Upper)?;
    refuse_spreadsheet_number(&folded)?;
    let digits = compact(&folded, &[]);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::ForbiddenCharacter {
            allowed: "digits, spaces and dashes",
        });
    }
    if !(MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()) {
        return Err(Refusal::WrongLength {
            found: digits.len(),
            expected: "12 to 19",
        });
    }
    if digits.bytes().all(|byte| byte == b'0') {
        return Err(Refusal::Placeholder);
    }
    if !luhn_holds(&digits) {
        return Err(Refusal::WrongCheckDigit {
            standard: "ISO/IEC 7812-1 (Luhn)",
        });
    }
    Ok(digits)
}
