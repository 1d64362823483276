//! Unified social credit codes: GB 32100-2015, eighteen characters.
//!
//! Department, category, six digits of region, nine characters of subject, one check character.
//! The check character inside the subject part (GB 11714) is not checked: codes were issued that
//! break it.
//!
//! Canonical form: the eighteen characters, capitals.

use zeroize::Zeroizing;

use super::Refusal;
use super::checks::{CREDIT_CODE_ALPHABET, mod_31};
use super::fold::{Case, compact, fold};

const CHARACTERS: usize = 18;

pub(super) fn normalize(spelling: &str) -> Result<Zeroizing<String>, Refusal> {
    let folded = fold(spelling, Case::Upper)?;
    let code = compact(&folded, &[]);
    let region_is_digits = code.chars().skip(2).take(6).all(|c| c.is_ascii_digit());
    if !code.chars().all(|c| CREDIT_CODE_ALPHABET.contains(c)) || !region_is_digits {
        return Err(Refusal::ForbiddenCharacter {
            allowed: "digits and the capitals A to Y without I, O, S and V, with digits in places \
                      3 to 8",
        });
    }
    if code.len() != CHARACTERS {
        return Err(Refusal::WrongLength {
            found: code.len(),
            expected: "18",
        });
    }
    let (body, check) = code.split_at(CHARACTERS - 1);
    if mod_31(body) != check.chars().next() {
        return Err(Refusal::WrongCheckDigit {
            standard: "GB 32100 (MOD 31)",
        });
    }
    Ok(code)
}
