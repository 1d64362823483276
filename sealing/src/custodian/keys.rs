//! The custodian's keys as files.
//!
//! The public ones are one text file, which the member's node reads: a first line that names the format, then a
//! line for each period with class, month and the key in hexadecimal digits, in the order of the periods. The
//! private ones are a file for each period, of 64 hexadecimal digits, so that one is destroyed without touching
//! the others.

use std::collections::BTreeMap;

use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use crate::hpke::{PrivateKey, PublicKey, SealError};
use crate::period::{ClassName, Month, Period};

/// The first line of the file; the digit is the format's version.
const FIRST_LINE: &str = "tacit custodian keys 1";

/// Largest file of public keys: some 40,000 periods, a hundred years of thirty classes.
pub const MAX_KEYS_BYTES: u64 = 4 << 20;

/// Label of the fingerprint that custodian and member compare.
const FINGERPRINT_LABEL: &str = "tacit v1 custodian keys";

/// Why bytes are no keys of a custodian.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// They begin otherwise.
    #[error("it does not begin with `{FIRST_LINE}`")]
    FirstLine,
    /// A line is no class, month and key.
    #[error("line {0} is not CLASS MONTH KEY, or its period does not come after the one before it")]
    Line(usize),
    /// No private key.
    #[error("it is no private key: 64 hexadecimal digits")]
    Private,
    /// A key that is none.
    #[error(transparent)]
    Key(#[from] SealError),
}

/// The public keys of a custodian, by period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustodianKeys(BTreeMap<Period, PublicKey>);

impl CustodianKeys {
    /// The key of a period.
    pub fn of(&self, period: &Period) -> Option<&PublicKey> {
        self.0.get(period)
    }

    /// The last month for which there is a key of a class.
    pub fn last_month(&self, class: &ClassName) -> Option<Month> {
        let months = self.0.keys().filter(|period| period.class == *class);
        months.map(|period| period.month).max()
    }

    /// All periods for which there is a key.
    pub fn periods(&self) -> impl Iterator<Item = &Period> {
        self.0.keys()
    }

    /// Draws a key for a period that has none, and answers with its private half; nothing where there is one.
    pub fn draw(&mut self, period: Period, rng: &mut impl CryptoRngCore) -> Option<PrivateKey> {
        if self.0.contains_key(&period) {
            return None;
        }
        let private = PrivateKey::random(rng);
        self.0.insert(period, private.public());
        Some(private)
    }

    /// The file.
    pub fn to_text(&self) -> String {
        let lines = self.0.iter().map(|(period, key)| {
            let digits = hex::encode(key.to_bytes());
            format!("{} {} {digits}\n", period.class, period.month)
        });
        std::iter::once(format!("{FIRST_LINE}\n"))
            .chain(lines)
            .collect()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`KeysError`], the first in the order of the lines.
    pub fn from_text(text: &str) -> Result<Self, KeysError> {
        let mut lines = text.lines();
        if lines.next() != Some(FIRST_LINE) {
            return Err(KeysError::FirstLine);
        }
        let mut keys = BTreeMap::new();
        for (number, line) in (2..).zip(lines) {
            let bad = || KeysError::Line(number);
            let (period, key) = key_line(line).ok_or_else(bad)?;
            if keys
                .last_key_value()
                .is_some_and(|(last, _)| *last >= period)
            {
                return Err(bad());
            }
            keys.insert(period, key);
        }
        Ok(Self(keys))
    }

    /// What custodian and member compare by telephone: 32 hexadecimal digits over all keys.
    pub fn fingerprint(&self) -> String {
        let digest = blake3::derive_key(FINGERPRINT_LABEL, self.to_text().as_bytes());
        hex::encode(&digest[..16])
    }
}

fn key_line(line: &str) -> Option<(Period, PublicKey)> {
    let mut words = line.split(' ');
    let class = words.next()?.parse().ok()?;
    let month = words.next()?.parse().ok()?;
    let mut key = [0; 32];
    hex::decode_to_slice(words.next()?, &mut key).ok()?;
    if words.next().is_some() {
        return None;
    }
    let key = PublicKey::from_bytes(&key).ok()?;
    Some((Period { class, month }, key))
}

/// A private key as the text of its file.
pub fn write_private(key: &PrivateKey) -> Zeroizing<String> {
    let mut text = Zeroizing::new(hex::encode(*key.to_secret_bytes()));
    text.push('\n');
    text
}

/// Reads a private key from the text of its file; white space around it is ignored.
///
/// # Errors
/// [`KeysError::Private`]
pub fn read_private(text: &str) -> Result<PrivateKey, KeysError> {
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), &mut *bytes).map_err(|_| KeysError::Private)?;
    PrivateKey::from_secret_bytes(&*bytes).map_err(|_| KeysError::Private)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;

    fn period(class: &str, month: &str) -> Period {
        Period {
            class: class.parse().unwrap(),
            month: month.parse().unwrap(),
        }
    }

    #[test]
    fn keys_read_as_they_are_written_and_have_one_fingerprint() {
        let mut keys = CustodianKeys::default();
        let drawn = ["2026-12", "2026-11"].map(|month| {
            let private = keys.draw(period("standard", month), &mut OsRng);
            private.expect("it had none")
        });
        assert!(
            keys.draw(period("standard", "2026-11"), &mut OsRng)
                .is_none()
        );
        let read = CustodianKeys::from_text(&keys.to_text()).unwrap();
        assert_eq!((&read, read.fingerprint()), (&keys, keys.fingerprint()));
        assert_eq!(
            read.of(&period("standard", "2026-12")),
            Some(&drawn[0].public())
        );
        assert_eq!(read.of(&period("marketing", "2026-12")), None);
        let last = read.last_month(&"standard".parse().unwrap());
        assert_eq!(last.map(|month| month.to_string()), Some("2026-12".into()));
        let private = read_private(&write_private(&drawn[0])).unwrap();
        assert_eq!(private.public(), drawn[0].public());
        assert_eq!(read_private("abc").unwrap_err(), KeysError::Private);
    }

    #[test]
    fn a_line_that_is_wrong_is_named() {
        let key = "09".repeat(32);
        let file = |lines: &str| CustodianKeys::from_text(&format!("{FIRST_LINE}\n{lines}"));
        assert_eq!(CustodianKeys::from_text(""), Err(KeysError::FirstLine));
        assert_eq!(
            CustodianKeys::from_text("tacit custodian keys 2\n"),
            Err(KeysError::FirstLine)
        );
        assert!(file(&format!("standard 2026-11 {key}\n")).is_ok());
        for bad in [
            "standard 2026-11\n".to_owned(),
            format!("Standard 2026-11 {key}\n"),
            format!("standard 2026-13 {key}\n"),
            format!("standard 2026-11 {key}0\n"),
            format!("standard 2026-11 {key} more\n"),
        ] {
            assert_eq!(file(&bad), Err(KeysError::Line(2)), "{bad}");
        }
        let twice = format!("standard 2026-11 {key}\nstandard 2026-11 {key}\n");
        assert_eq!(file(&twice), Err(KeysError::Line(3)));
    }
}
