//! Spelling taken away: width, compatibility forms, invisible characters, case, separators.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;
use icu_properties::CodePointSetData;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use zeroize::Zeroizing;

use super::Refusal;

/// Longest spelling that is looked at. The longest canonical form has 289 bytes, and no
/// reasonable spelling of it is four times as long; what is longer costs no more than this check.
pub const MAX_SPELLING_BYTES: usize = 1_024;

/// What is done with letter case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// Left as it is: what follows has rules of its own.
    Keep,
    /// ASCII letters become capitals: identifiers made of digits and capitals.
    Upper,
    /// Full case folding, so that `STRASSE` and `straße` are one.
    Fold,
}

/// Removes default-ignorable characters, applies NFKC and `case`, and trims white space.
///
/// Together with [`Case::Fold`] this is the map NFKC_Casefold of the Unicode Standard, section
/// 3.13, in the order that UAX #31 gives for identifiers. Only assigned characters pass, so that
/// by the stability policy of Unicode a later version gives the same result.
///
/// # Errors
/// [`Refusal::Empty`], [`Refusal::TooLong`], [`Refusal::UnassignedCharacter`], and
/// [`Refusal::ForbiddenCharacter`] for a control character that is not white space.
pub(super) fn fold(spelling: &str, case: Case) -> Result<Zeroizing<String>, Refusal> {
    if spelling.len() > MAX_SPELLING_BYTES {
        return Err(Refusal::TooLong {
            max_bytes: MAX_SPELLING_BYTES,
        });
    }
    let folded = if spelling.is_ascii() {
        let mut text = owned(spelling.trim_ascii());
        match case {
            Case::Keep => {}
            Case::Upper => text.make_ascii_uppercase(),
            Case::Fold => text.make_ascii_lowercase(),
        }
        text
    } else {
        fold_unicode(spelling, case)?
    };
    if folded.is_empty() {
        return Err(Refusal::Empty);
    }
    if folded.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err(Refusal::ForbiddenCharacter {
            allowed: "printable characters",
        });
    }
    Ok(folded)
}

/// Every buffer that has held the text is wiped, which is why this goes step by step.
fn fold_unicode(spelling: &str, case: Case) -> Result<Zeroizing<String>, Refusal> {
    let categories = icu_properties::CodePointMapData::<GeneralCategory>::new();
    if spelling
        .chars()
        .any(|c| categories.get(c) == GeneralCategory::Unassigned)
    {
        return Err(Refusal::UnassignedCharacter);
    }
    let composed = compose(spelling);
    let cased = match case {
        Case::Keep => composed,
        Case::Upper => {
            let mut text = composed;
            text.make_ascii_uppercase();
            text
        }
        Case::Fold => {
            let mapped = Zeroizing::new(CaseMapper::new().fold_string(&composed).into_owned());
            compose(&mapped)
        }
    };
    Ok(owned(cased.trim()))
}

/// NFKC without the default-ignorable characters.
fn compose(text: &str) -> Zeroizing<String> {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    // NFKC makes a character at most 18 times as long in UTF-8 (U+FDFA), hardly ever any longer;
    // growing leaves an unwiped copy behind, and this much room makes that rare.
    let mut visible = Zeroizing::new(String::with_capacity(text.len()));
    visible.extend(text.chars().filter(|c| !ignorable.contains(*c)));
    let mut composed = Zeroizing::new(String::with_capacity(3 * text.len()));
    composed.extend(ComposingNormalizer::new_nfkc().normalize_iter(visible.chars()));
    if composed.chars().any(|c| ignorable.contains(c)) {
        // Some compatibility decompositions hold an ignorable character themselves.
        let mut again = Zeroizing::new(String::with_capacity(composed.len()));
        again.extend(composed.chars().filter(|c| !ignorable.contains(*c)));
        return again;
    }
    composed
}

fn owned(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

/// Whether people write `c` between groups of digits: white space and every kind of dash.
pub(super) fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}')
}

/// What is left of `text` without separators and the characters of `extra`.
pub(super) fn compact(text: &str, extra: &[char]) -> Zeroizing<String> {
    let mut kept = Zeroizing::new(String::with_capacity(text.len()));
    kept.extend(
        text.chars()
            .filter(|c| !is_separator(*c) && !extra.contains(c)),
    );
    kept
}

/// Refuses what a spreadsheet makes of a long number: `1.38E+10` or `13800138000.0`.
///
/// The second would otherwise pass for a number with one digit more.
pub(super) fn refuse_spreadsheet_number(folded: &str) -> Result<(), Refusal> {
    let (mantissa, exponent) = folded.split_once(['E', 'e']).unwrap_or((folded, "0"));
    let Some((whole, fraction)) = mantissa.split_once('.') else {
        return if exponent != "0" && is_exponent(exponent) && all_digits(mantissa) {
            Err(Refusal::SpreadsheetNumber)
        } else {
            Ok(())
        };
    };
    let whole = whole.trim_start_matches('+');
    let long_whole_with_zeros = whole.len() >= MIN_LONG_NUMBER_DIGITS
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte == b'0');
    let scientific = exponent != "0" && is_exponent(exponent);
    if all_digits(whole) && all_digits(fraction) && (scientific || long_whole_with_zeros) {
        return Err(Refusal::SpreadsheetNumber);
    }
    Ok(())
}

/// Below this many digits `.0` may well be an area code with a dot after it.
const MIN_LONG_NUMBER_DIGITS: usize = 7;

fn is_exponent(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.len() <= 3 && all_digits(digits)
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(spelling: &str) -> String {
        fold(spelling, Case::Fold).unwrap().to_string()
    }

    #[test]
    fn full_width_case_and_invisible_characters_do_not_matter() {
        assert_eq!(folded("\u{feff}ＡＢＣ１２３"), "abc123");
        assert_eq!(folded("\u{202a}Straße\u{202c}"), folded("STRASSE"));
        assert_eq!(folded("  zero\u{200b}width\u{3000}"), "zerowidth");
        assert_eq!(folded("Ⅹ"), "x");
    }

    #[test]
    fn an_unassigned_code_point_is_refused_and_an_assigned_one_is_not() {
        assert_eq!(
            fold("a\u{0378}", Case::Fold),
            Err(Refusal::UnassignedCharacter)
        );
        assert_eq!(folded("a\u{0377}"), "a\u{0377}");
    }

    #[test]
    fn a_spreadsheet_number_is_recognised_and_a_dotted_one_is_not() {
        for text in [
            "1.38E+10",
            "1.38E10",
            "1E+11",
            "13800138000.0",
            "6225880100000000.00",
        ] {
            assert_eq!(
                refuse_spreadsheet_number(text),
                Err(Refusal::SpreadsheetNumber),
                "{text}"
            );
        }
        for text in [
            "13800138000",
            "138.0013.8000",
            "030.0",
            "1.555.0100",
            "+49.30.0000",
        ] {
            assert_eq!(refuse_spreadsheet_number(text), Ok(()), "{text}");
        }
    }
}
