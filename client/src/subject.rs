//! Identifiers in the field form in which they travel.

/// The canonical form of an identifier that is short enough to stand in its field form.
pub(crate) fn canonical(x: &[u8; 32]) -> Option<&str> {
    let (length, rest) = x.split_first()?;
    let (text, padding) = rest.split_at_checked(usize::from(*length))?;
    let stands = padding.iter().all(|byte| *byte == 0) && !padding.is_empty();
    std::str::from_utf8(text).ok().filter(|_| stands)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_identifier_is_shown_and_a_long_one_is_not_guessed() {
        let mut x = [0; 32];
        x[0] = 3;
        x[1..4].copy_from_slice(b"+86");
        assert_eq!(canonical(&x), Some("+86"));
        x[9] = 1;
        assert_eq!(canonical(&x), None, "what follows is not zero");
        let mut long = [7; 32];
        long[31] = 1;
        assert_eq!(canonical(&long), None);
        assert_eq!(canonical(&[255; 32]), None);
    }
}
