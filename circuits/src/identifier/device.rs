//! Numbers that devices carry, each with the scheme that issued it.
//!
//! Canonical form: `scheme:number`. An IMEI without its check digit gets it, and the software
//! version of an IMEISV gives way to it, so that the three spellings of one device are one.
//! Values that operating systems hand out in place of a refused one are refused here too: half a
//! customer base would share them.

use zeroize::Zeroizing;

use super::checks::{luhn_check_digit, luhn_holds};
use super::fold::{Case, compact, fold, refuse_spreadsheet_number};
use super::{Conventions, Refusal};

/// Who issued the number, and therefore what it looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    /// 3GPP TS 23.003: fourteen digits and a Luhn check digit.
    Imei,
    /// IEEE EUI-48.
    Mac,
    /// `Settings.Secure.ANDROID_ID`: 64 bits.
    AndroidId,
    /// Apple's identifier for advertisers: a UUID.
    Idfa,
    /// Apple's identifier for vendors: a UUID.
    Idfv,
    /// Google's advertising identifier: a UUID.
    Gaid,
    /// Open anonymous device identifier of the Mobile Security Alliance: 16, 32 or 64
    /// hexadecimal digits, by manufacturer.
    Oaid,
}

const SCHEMES: [(&str, Scheme); 7] = [
    ("imei", Scheme::Imei),
    ("mac", Scheme::Mac),
    ("android-id", Scheme::AndroidId),
    ("idfa", Scheme::Idfa),
    ("idfv", Scheme::Idfv),
    ("gaid", Scheme::Gaid),
    ("oaid", Scheme::Oaid),
];

/// `02:00:00:00:00:00`, which Android 6 and later return for every device, and broadcast.
const SHARED_MACS: [&str; 2] = ["020000000000", "ffffffffffff"];
/// Returned by a whole generation of Android 2.2 devices.
const SHARED_ANDROID_ID: &str = "9774d56d682e549c";

pub(super) fn normalize(
    spelling: &str,
    conventions: &Conventions,
) -> Result<Zeroizing<String>, Refusal> {
    let folded = fold(spelling, Case::Fold)?;
    let named = folded
        .split_once(':')
        .and_then(|(name, number)| Some((scheme(name.trim())?, number)));
    let ((name, scheme), number) = match (named, conventions.namespace.as_deref()) {
        (Some(named), _) => named,
        (None, Some(name)) => (scheme(name).ok_or(Refusal::SchemeNeeded)?, folded.as_str()),
        (None, None) => return Err(Refusal::SchemeNeeded),
    };
    let number = match scheme {
        Scheme::Imei => imei(number)?,
        Scheme::Mac => hexadecimal(number, &[':', '.'], &[12], "12")?,
        Scheme::AndroidId => hexadecimal(number, &[], &[16], "16")?,
        Scheme::Idfa | Scheme::Idfv | Scheme::Gaid => {
            hexadecimal(number, &['{', '}'], &[32], "32")?
        }
        Scheme::Oaid => hexadecimal(number, &[], &[16, 32, 64], "16, 32 or 64")?,
    };
    let shared = number.bytes().all(|byte| byte == b'0')
        || (scheme == Scheme::Mac && SHARED_MACS.contains(&number.as_str()))
        || (scheme == Scheme::AndroidId && *number == SHARED_ANDROID_ID);
    if shared {
        return Err(Refusal::Placeholder);
    }
    Ok(Zeroizing::new(format!("{name}:{}", number.as_str())))
}

fn scheme(name: &str) -> Option<(&'static str, Scheme)> {
    SCHEMES
        .into_iter()
        .find(|(known, _)| name.eq_ignore_ascii_case(known))
}

fn imei(number: &str) -> Result<Zeroizing<String>, Refusal> {
    refuse_spreadsheet_number(number.trim())?;
    let mut digits = compact(number, &['/', '.']);
    if digits.is_empty() {
        return Err(Refusal::Empty);
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::ForbiddenCharacter {
            allowed: "digits, spaces, dashes, dots and slashes after the scheme",
        });
    }
    match digits.len() {
        15 if luhn_holds(&digits) => Ok(digits),
        15 => Err(Refusal::WrongCheckDigit {
            standard: "3GPP TS 23.003 (Luhn)",
        }),
        14 | 16 => {
            digits.truncate(14);
            let check = luhn_check_digit(&digits);
            digits.extend(check);
            Ok(digits)
        }
        found => Err(Refusal::WrongLength {
            found,
            expected: "14 to 16",
        }),
    }
}

fn hexadecimal(
    number: &str,
    also_between: &[char],
    lengths: &[usize],
    expected: &'static str,
) -> Result<Zeroizing<String>, Refusal> {
    let digits = compact(number, also_between);
    if digits.is_empty() {
        return Err(Refusal::Empty);
    }
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Refusal::ForbiddenCharacter {
            allowed: "hexadecimal digits and separators after the scheme",
        });
    }
    if !lengths.contains(&digits.len()) {
        return Err(Refusal::WrongLength {
            found: digits.len(),
            expected,
        });
    }
    Ok(digits)
}
