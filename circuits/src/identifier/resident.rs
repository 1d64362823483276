//! Resident identity numbers: GB 11643-1999, eighteen characters.
//!
//! Six digits of region (GB/T 2260), eight of the date of birth, three of sequence, one check
//! character by ISO 7064 MOD 11-2. Residence permits of people from Hong Kong, Macao and Taiwan
//! (81, 82, 83) and of foreigners (9, then the province of issue) have the same shape. Of the
//! region only the province is checked: counties come and go, and a number outlives them. The
//! fifteen digits of the first generation, withdrawn in 2013, are refused by their length.
//!
//! Canonical form: the eighteen characters, `X` capital.

use zeroize::Zeroizing;

use super::checks::mod_11_2;
use super::fold::{Case, compact, fold, refuse_spreadsheet_number};
use super::{CalendarDate, Conventions, Refusal};

const CHARACTERS: usize = 18;

/// Nobody alive was born before; GB 11643 itself says nothing.
const MIN_YEAR: u16 = 1850;

pub(super) fn normalize(
    spelling: &str,
    conventions: &Conventions,
) -> Result<Zeroizing<String>, Refusal> {
    let folded = fold(spelling, Case::Upper)?;
    refuse_spreadsheet_number(&folded)?;
    let number = compact(&folded, &[]);
    let (body, check) = number
        .char_indices()
        .next_back()
        .map_or(("", ' '), |(at, check)| (&number[..at], check));
    if !body.bytes().all(|byte| byte.is_ascii_digit()) || !(check.is_ascii_digit() || check == 'X')
    {
        return Err(Refusal::ForbiddenCharacter {
            allowed: "digits, X at the end, spaces and dashes",
        });
    }
    if number.len() != CHARACTERS {
        return Err(Refusal::WrongLength {
            found: number.len(),
            expected: "18",
        });
    }
    if !is_province(body) {
        return Err(Refusal::UnknownRegion);
    }
    let date = date_of_birth(body).ok_or(Refusal::NoSuchDate)?;
    if mod_11_2(body) != Some(check) {
        return Err(Refusal::WrongCheckDigit {
            standard: "GB 11643 (ISO 7064 MOD 11-2)",
        });
    }
    if conventions.reference_date.is_some_and(|today| date > today) {
        return Err(Refusal::DateToCome);
    }
    Ok(number)
}

/// The first two digits of GB/T 2260; a foreigner's permit has them after a 9.
fn is_province(body: &str) -> bool {
    let code = |from: usize| {
        body.get(from..from + 2)
            .and_then(|two| two.parse::<u8>().ok())
    };
    let listed = |code: Option<u8>| {
        matches!(
            code,
            Some(11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65)
        )
    };
    listed(code(0))
        || matches!(code(0), Some(71 | 81..=83))
        || (body.starts_with('9') && listed(code(1)))
}

fn date_of_birth(body: &str) -> Option<CalendarDate> {
    let date = CalendarDate::new(
        body.get(6..10)?.parse().ok()?,
        body.get(10..12)?.parse().ok()?,
        body.get(12..14)?.parse().ok()?,
    )?;
    (date.year() >= MIN_YEAR).then_some(date)
}
