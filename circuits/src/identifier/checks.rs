//! Check digits.

/// Whether decimal `digits` pass the Luhn test (ISO/IEC 7812-1, annex B). Anything that is not a
/// digit fails.
pub(super) fn luhn_holds(digits: &str) -> bool {
    luhn_sum(digits.bytes().rev()).is_some_and(|sum| sum % 10 == 0)
}

/// The Luhn check digit that belongs after `digits`.
pub(super) fn luhn_check_digit(digits: &str) -> Option<char> {
    let sum = luhn_sum(std::iter::once(b'0').chain(digits.bytes().rev()))?;
    char::from_digit((10 - sum % 10) % 10, 10)
}

/// Sum of the digits from the right, each second one doubled and its digits added.
fn luhn_sum(from_the_right: impl Iterator<Item = u8>) -> Option<u32> {
    from_the_right
        .enumerate()
        .try_fold(0, |sum, (place, byte)| {
            let digit = char::from(byte).to_digit(10)?;
            let weighted = if place % 2 == 0 { digit } else { 2 * digit };
            Some(sum + weighted / 10 + weighted % 10)
        })
}

/// The check character of ISO 7064 MOD 11-2 for seventeen digits, as GB 11643 uses it.
pub(super) fn mod_11_2(digits: &str) -> Option<char> {
    let remainder = digits
        .chars()
        .try_fold(0, |sum, c| Some((sum + c.to_digit(10)?) * 2 % 11))?;
    match (12 - remainder) % 11 {
        10 => Some('X'),
        value => char::from_digit(value, 10),
    }
}

/// The characters of GB 32100, whose places are their values: no I, O, S, V or Z.
pub(super) const CREDIT_CODE_ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/// The check character of GB 32100 for the first seventeen of a credit code: weights 3^i mod 31.
pub(super) fn mod_31(characters: &str) -> Option<char> {
    let mut weight = 1;
    let mut sum = 0;
    for c in characters.chars() {
        sum += CREDIT_CODE_ALPHABET.find(c)? * weight;
        weight = weight * 3 % 31;
    }
    CREDIT_CODE_ALPHABET.chars().nth((31 - sum % 31) % 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_pass() {
        // ISO/IEC 7812-1 annex B; GB 11643 annex A; a listed company's public code.
        assert!(luhn_holds("79927398713"));
        assert_eq!(luhn_check_digit("7992739871"), Some('3'));
        assert_eq!(mod_11_2("11010519491231002"), Some('X'));
        assert_eq!(mod_11_2("44052418800101001"), Some('4'));
        assert_eq!(mod_31("91110000600037341"), Some('L'));
    }

    #[test]
    fn every_single_wrong_digit_and_most_swaps_are_found() {
        let digits = "622588010000000";
        let card = format!("{digits}{}", luhn_check_digit(digits).unwrap());
        for place in 0..card.len() {
            for other in '0'..='9' {
                let mut wrong = card.clone();
                wrong.replace_range(place..=place, &other.to_string());
                assert_eq!(luhn_holds(&wrong), wrong == card);
            }
        }
    }

    #[test]
    fn what_is_not_a_digit_fails() {
        assert!(!luhn_holds("4111 1111"));
        assert_eq!(mod_11_2("1101051949123100x"), None);
        assert_eq!(mod_31("9111000060003734I"), None);
    }
}
