//! Telephone numbers: ITU-T E.164, with the numbering plans of libphonenumber's metadata.
//!
//! Canonical form: `+`, country calling code, national significant number. Only digits and a
//! leading `+` reach the numbering plans, whatever else people write between them is taken away
//! first; an extension is refused, because it is not part of the number.

use std::fmt;
use std::str::FromStr;

use rlibphonenumber::{
    PHONE_NUMBER_UTIL, ParseError, PhoneNumberFormat, Region as PlanRegion, ValidationError,
};
use zeroize::Zeroizing;

use super::fold::{Case, compact, fold, refuse_spreadsheet_number};
use super::{Conventions, Refusal};

/// E.164 allows fifteen digits; an international prefix and a trunk prefix may stand before them.
const MAX_DIALLED_DIGITS: usize = 22;

/// `+` and fifteen digits.
const MAX_CANONICAL_BYTES: usize = 16;

const ALLOWED: &str = "digits, a leading +, spaces, dashes, dots, slashes and parentheses";

/// A region with a numbering plan, as its ISO 3166-1 code of two letters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Region(PlanRegion);

/// No numbering plan is known for this region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such region; give an ISO 3166 code of two letters, such as CN")]
pub struct UnknownRegionCode;

impl FromStr for Region {
    type Err = UnknownRegionCode;

    fn from_str(code: &str) -> Result<Self, UnknownRegionCode> {
        let region = PlanRegion::from_str(&code.to_ascii_uppercase())
            .map_err(|_unlisted| UnknownRegionCode)?;
        match PHONE_NUMBER_UTIL.get_country_code_for_region(region) {
            Some(_) => Ok(Self(region)),
            None => Err(UnknownRegionCode),
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({})", self.0)
    }
}

pub(super) fn normalize(
    spelling: &str,
    conventions: &Conventions,
) -> Result<Zeroizing<String>, Refusal> {
    let folded = fold(spelling, Case::Upper)?;
    refuse_spreadsheet_number(&folded)?;
    let dialled = compact(&folded, &['(', ')', '.', '/']);
    let digits = dialled.strip_prefix('+').unwrap_or(&dialled);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::ForbiddenCharacter { allowed: ALLOWED });
    }
    if digits.len() > MAX_DIALLED_DIGITS {
        return Err(Refusal::PhoneLength);
    }
    let international = digits.len() < dialled.len();
    if !international && conventions.region.is_none() {
        return Err(Refusal::RegionNeeded);
    }
    let region = conventions.region.map(|Region(region)| region);
    let number = PHONE_NUMBER_UTIL
        .parse(&*dialled, region)
        .map_err(|error| refusal_of(&error))?;
    match PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number) {
        Err(ValidationError::InvalidCountryCode) => return Err(Refusal::UnknownCallingCode),
        Err(_) => return Err(Refusal::PhoneLength),
        Ok(_) => {}
    }
    if !PHONE_NUMBER_UTIL.is_valid_number(&number) {
        return Err(Refusal::PhoneNotAssigned);
    }
    let canonical = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164);
    if canonical.len() > MAX_CANONICAL_BYTES {
        return Err(Refusal::PhoneLength);
    }
    Ok(Zeroizing::new(canonical.into_owned()))
}

fn refusal_of(error: &ParseError) -> Refusal {
    match error {
        ParseError::InvalidCountryCode => Refusal::UnknownCallingCode,
        ParseError::NotANumber(_)
        | ParseError::TooShortAfterIdd
        | ParseError::TooShortNsn
        | ParseError::TooLongNsn => Refusal::PhoneLength,
        #[allow(
            unreachable_patterns,
            reason = "the crate may gain further kinds of error"
        )]
        _ => Refusal::PhoneNotAssigned,
    }
}
