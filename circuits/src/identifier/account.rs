//! Account numbers within a bank that is named.
//!
//! An account number means something only together with its bank, so the canonical form is
//! `BANK:NUMBER`. `BANK` is either the first eight characters of the BIC (ISO 9362; the branch is
//! dropped, because it says nothing about the account) or the ISO 3166 country code, a dash and
//! the national bank code, such as `CN-102100099996`. The two namings of one bank do not become
//! equal: the members of a network agree on one. `NUMBER` is capitals and digits; there is no
//! check digit that holds for all banks.

use zeroize::Zeroizing;

use super::fold::{Case, compact, fold, refuse_spreadsheet_number};
use super::{Conventions, Refusal};

const BIC_PREFIX_CHARACTERS: usize = 8;
const BIC_WITH_BRANCH_CHARACTERS: usize = 11;
/// National bank codes: 3 digits at the shortest (Sweden has 4, Slovenia 5), 12 in China.
const NATIONAL_CODE_CHARACTERS: std::ops::RangeInclusive<usize> = 3..=12;
/// Shorter numbers are more likely to be fragments.
const MIN_CHARACTERS: usize = 4;
/// As long as the longest account part of an IBAN, with room for corporate sub-accounts.
const MAX_CHARACTERS: usize = 34;

pub(super) fn normalize(
    spelling: &str,
    conventions: &Conventions,
) -> Result<Zeroizing<String>, Refusal> {
    let folded = fold(spelling, Case::Upper)?;
    let (bank, number) = match (folded.split_once(':'), conventions.namespace.as_deref()) {
        (Some((bank, number)), _) => (canonical_bank(bank)?, number),
        (None, Some(bank)) => (canonical_bank(&bank.to_ascii_uppercase())?, folded.as_str()),
        (None, None) => return Err(Refusal::BankNeeded),
    };
    refuse_spreadsheet_number(number.trim())?;
    let number = compact(number, &['.', '/']);
    if number.is_empty() {
        return Err(Refusal::Empty);
    }
    if !number.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Refusal::ForbiddenCharacter {
            allowed: "letters, digits, spaces, dashes, dots and slashes after the bank",
        });
    }
    if !(MIN_CHARACTERS..=MAX_CHARACTERS).contains(&number.len()) {
        return Err(Refusal::WrongLength {
            found: number.len(),
            expected: "4 to 34",
        });
    }
    if number.bytes().all(|byte| byte == b'0') {
        return Err(Refusal::Placeholder);
    }
    Ok(Zeroizing::new(format!("{bank}:{}", number.as_str())))
}

/// The bank as the canonical form names it.
fn canonical_bank(bank: &str) -> Result<String, Refusal> {
    let bank = bank.trim();
    if let Some((country, code)) = bank.split_once('-') {
        let well_formed = country.len() == 2
            && country.bytes().all(|byte| byte.is_ascii_uppercase())
            && NATIONAL_CODE_CHARACTERS.contains(&code.len())
            && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        return if well_formed {
            Ok(bank.to_owned())
        } else {
            Err(Refusal::WrongBank)
        };
    }
    let length_fits = matches!(
        bank.len(),
        BIC_PREFIX_CHARACTERS | BIC_WITH_BRANCH_CHARACTERS
    );
    if !length_fits || !bank.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Refusal::WrongBank);
    }
    let (prefix, _branch) = bank.split_at(BIC_PREFIX_CHARACTERS);
    if !prefix
        .bytes()
        .skip(4)
        .take(2)
        .all(|byte| byte.is_ascii_uppercase())
    {
        return Err(Refusal::WrongBank);
    }
    Ok(prefix.to_owned())
}
