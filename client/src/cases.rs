//! Sets of cases as files: what a member grants a view of, and hands to the supervisor.
//!
//! ```text
//! tacit cases 1
//! salt 9c3f… (64 hexadecimal digits)
//! LOAN-2041
//! LOAN-2043
//! ```
//!
//! The salt hides the cases under their digest, which stands on the ledger. The file is for the supervisor and nobody
//! else.

use std::fmt::Write as _;
use std::path::Path;

use tacit_ledger::network::views::{CaseReference, CaseSet, MAX_CASES};

use crate::error::ClientError;
use crate::trust::read_file;

/// The first line; the digit is the format's version.
const HEADER: &str = "tacit cases 1";

/// What stands before the salt.
const SALT: &str = "salt ";

/// Longest file that is read: a full set of the longest references, whatever the line ends.
const MAX_FILE_BYTES: u64 = (MAX_CASES as u64 + 2) * 300;

/// A set as the text of its file.
pub fn to_text(set: &CaseSet) -> String {
    let mut text = format!("{HEADER}\n{SALT}{}\n", hex::encode(set.salt()));
    for case in set.cases() {
        // Memory takes everything, and no reference holds the end of a line.
        let _ = writeln!(text, "{case}");
    }
    text
}

/// A set from the text of its file; the error says which line is wrong.
///
/// # Errors
/// What is wrong.
pub fn from_text(text: &str) -> Result<CaseSet, String> {
    let mut lines = text.lines();
    if lines.next() != Some(HEADER) {
        return Err(format!("the first line is not \"{HEADER}\""));
    }
    let mut salt = [0; 32];
    let digits = lines.next().and_then(|line| line.strip_prefix(SALT));
    let decoded = digits.map(|digits| hex::decode_to_slice(digits, &mut salt));
    if !matches!(decoded, Some(Ok(()))) {
        return Err("the second line holds no salt of 64 hexadecimal digits".into());
    }
    set(salt, lines, 3)
}

/// A set of the cases of a plain list, one a line, under a fresh salt; empty lines are left out.
///
/// # Errors
/// What is wrong.
pub fn of_list(salt: [u8; 32], text: &str) -> Result<CaseSet, String> {
    set(salt, text.lines(), 1)
}

fn set<'a>(
    salt: [u8; 32],
    lines: impl Iterator<Item = &'a str>,
    first_line: usize,
) -> Result<CaseSet, String> {
    let mut cases = Vec::new();
    for (number, line) in (first_line..).zip(lines) {
        let line = line.trim();
        if !line.is_empty() {
            // The reference itself is not repeated: it may be anything.
            let case = CaseReference::new(line)
                .map_err(|error| format!("line {number} holds no reference of a case: {error}"))?;
            cases.push(case);
        }
    }
    CaseSet::new(salt, cases).map_err(|error| error.to_string())
}

/// Reads a set's file.
///
/// # Errors
/// [`ClientError::File`] or [`ClientError::Invalid`].
pub fn read(path: &Path) -> Result<CaseSet, ClientError> {
    let text = read_text(path)?;
    from_text(&text).map_err(|reason| invalid(path, &reason))
}

/// Reads a plain list of cases.
///
/// # Errors
/// [`ClientError::File`] or [`ClientError::Invalid`].
pub fn read_list(path: &Path, salt: [u8; 32]) -> Result<CaseSet, ClientError> {
    let text = read_text(path)?;
    of_list(salt, &text).map_err(|reason| invalid(path, &reason))
}

fn read_text(path: &Path) -> Result<String, ClientError> {
    let bytes = read_file(path, MAX_FILE_BYTES)?;
    String::from_utf8(bytes).map_err(|_| invalid(path, "it is no text in UTF-8"))
}

fn invalid(path: &Path, reason: &str) -> ClientError {
    ClientError::Invalid {
        path: path.into(),
        reason: format!("is no set of cases: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_reads_back_and_its_order_does_not_matter() {
        let set = of_list([7; 32], "LOAN-2\n\n  LOAN-10 \r\nLOAN-2\n").expect("a set");
        assert_eq!(set.cases().len(), 2);
        let text = to_text(&set);
        assert_eq!(from_text(&text).expect("its own"), set);
        let lines: Vec<_> = text.lines().collect();
        let turned = [lines[0], lines[1], lines[3], lines[2]].join("\r\n");
        assert_eq!(from_text(&turned).expect("the same").digest(), set.digest());
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line_and_no_reference_is_repeated() {
        for (text, told) in [
            ("", "first line"),
            ("tacit cases 2\n", "first line"),
            ("tacit cases 1\nsalt 00\nA", "second line"),
            ("tacit cases 1\nA\n", "second line"),
        ] {
            let error = from_text(text).expect_err(text);
            assert!(error.contains(told), "{error}");
        }
        let error = of_list([0; 32], "LOAN-1\nLOAN\u{200b}-2").expect_err("hidden");
        assert!(
            error.contains("line 2") && !error.contains("LOAN"),
            "{error}"
        );
        assert!(of_list([0; 32], "\n\n").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}") {
            let _ = from_text(&text);
            let _ = from_text(&format!("{HEADER}\n{text}"));
        }
    }
}
