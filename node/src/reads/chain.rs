//! Digests of the account, and what they show.

use std::fmt;

use tacit_certs::SpkiHash;
use zeroize::Zeroizing;

/// Label under which the account's key is derived from the node's store key.
const KEY_LABEL: &str = "tacit v1 node privileged reads key";

/// What stands before the first entry.
pub(super) const FIRST: [u8; 32] = [0; 32];

/// An entry of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From 1, without gaps.
    pub number: u64,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// Whose certificate was shown.
    pub operator: String,
    /// The certificate's key.
    pub certificate: SpkiHash,
    /// Such as `history`.
    pub action: String,
    /// Which records: filters and numbers.
    pub what: String,
    /// `begun`, `done: …` or `failed: …`.
    pub outcome: String,
    /// Of an entry that says how a read ended, the one that says that it began; else 0.
    pub begun: u64,
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its fields are not those that were recorded.
    Altered,
    /// Entries before it are missing, from this one on.
    MissingFrom(u64),
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered => formatter.write_str("was altered"),
            Self::MissingFrom(first) => {
                write!(
                    formatter,
                    "follows a gap: entries from {first} on are missing"
                )
            }
        }
    }
}

/// The key of the digests.
pub(super) struct ChainKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for ChainKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ChainKey(<redacted>)")
    }
}

impl ChainKey {
    pub(super) fn derive(store_key: &[u8; 32]) -> Self {
        Self(Zeroizing::new(blake3::derive_key(KEY_LABEL, store_key)))
    }

    /// The digest of an entry behind the one with digest `before`. Every field has a fixed length or its length
    /// before it, so that no two entries are the same bytes.
    pub(super) fn digest(&self, before: &[u8; 32], entry: &Entry) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(before);
        for number in [entry.number, entry.time_ms, entry.begun] {
            hasher.update(&number.to_be_bytes());
        }
        hasher.update(&entry.certificate.0);
        for text in [&entry.operator, &entry.action, &entry.what, &entry.outcome] {
            hasher.update(&(text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.finalize().into()
    }

    /// A word that stands for a text: the same for the same text, and nobody without the key finds the text.
    pub(super) fn word(&self, text: &str) -> String {
        let hash = blake3::keyed_hash(&self.0, text.as_bytes());
        hex::encode(&hash.as_bytes()[..8])
    }
}

/// Goes through the entries in their order.
pub(super) struct Walk {
    next: u64,
    before: [u8; 32],
}

impl Walk {
    pub(super) fn new() -> Self {
        Self {
            next: 1,
            before: FIRST,
        }
    }

    /// Number and digest of the last entry.
    pub(super) fn at(&self) -> (u64, [u8; 32]) {
        (self.next - 1, self.before)
    }

    /// What is wrong with the next entry, which carries this digest.
    pub(super) fn step(
        &mut self,
        key: &ChainKey,
        entry: &Entry,
        digest: [u8; 32],
    ) -> Option<Fault> {
        let expected = self.next;
        let fits = key.digest(&self.before, entry) == digest;
        self.next = entry.number.saturating_add(1);
        self.before = digest;
        if entry.number != expected {
            // Nothing to compare it with: what stood before it is gone.
            Some(Fault::MissingFrom(expected))
        } else {
            (!fits).then_some(Fault::Altered)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(key: &ChainKey) -> Vec<(Entry, [u8; 32])> {
        let mut before = FIRST;
        let entries = (1..=5).map(|number| {
            let entry = Entry {
                number,
                time_ms: 1_000 + number,
                operator: "alice".into(),
                certificate: SpkiHash([3; 32]),
                action: "history".into(),
                what: format!("member={number}"),
                outcome: "begun".into(),
                begun: 0,
            };
            before = key.digest(&before, &entry);
            (entry, before)
        });
        entries.collect()
    }

    fn faults(key: &ChainKey, entries: &[(Entry, [u8; 32])]) -> Vec<(u64, Fault)> {
        let mut walk = Walk::new();
        let mut found = Vec::new();
        for (entry, digest) in entries {
            let fault = walk.step(key, entry, *digest);
            found.extend(fault.map(|fault| (entry.number, fault)));
        }
        found
    }

    #[test]
    fn whatever_is_changed_in_an_entry_is_found_at_that_entry_alone() {
        let key = ChainKey::derive(&[1; 32]);
        let good = entries(&key);
        assert_eq!(faults(&key, &good), []);
        let changes: [fn(&mut Entry); 7] = [
            |entry| entry.time_ms += 1,
            |entry| entry.operator = "bob".into(),
            |entry| entry.certificate = SpkiHash([4; 32]),
            |entry| entry.action = "historymember".into(),
            |entry| entry.what.clear(),
            |entry| entry.outcome = "done".into(),
            |entry| entry.begun = 1,
        ];
        for change in changes {
            let mut altered = good.clone();
            change(&mut altered[2].0);
            assert_eq!(faults(&key, &altered), [(3, Fault::Altered)]);
        }
        // Text that moves from one field to the next.
        let mut moved = good.clone();
        moved[2].0.action.push_str("mem");
        moved[2].0.what = "ber=3".into();
        assert_eq!(faults(&key, &moved), [(3, Fault::Altered)]);
    }

    #[test]
    fn what_is_removed_swapped_or_made_with_another_key_is_found() {
        let key = ChainKey::derive(&[1; 32]);
        let good = entries(&key);
        let mut removed = good.clone();
        removed.remove(1);
        assert_eq!(faults(&key, &removed), [(3, Fault::MissingFrom(2))]);
        // Numbered anew, so that there is no gap: every digest behind it gives it away.
        for (place, (entry, _)) in removed.iter_mut().enumerate() {
            entry.number = place as u64 + 1;
        }
        assert_eq!(
            faults(&key, &removed),
            [
                (2, Fault::Altered),
                (3, Fault::Altered),
                (4, Fault::Altered)
            ]
        );
        let forged = entries(&ChainKey::derive(&[2; 32]));
        assert_eq!(faults(&key, &forged).len(), 5);
    }

    #[test]
    fn a_word_hides_its_text_and_the_key_prints_nothing() {
        let key = ChainKey::derive(&[1; 32]);
        assert_eq!(key.word("LOAN-1"), key.word("LOAN-1"));
        assert_ne!(key.word("LOAN-1"), key.word("LOAN-2"));
        assert_ne!(
            key.word("LOAN-1"),
            ChainKey::derive(&[2; 32]).word("LOAN-1")
        );
        assert_eq!(format!("{key:?}"), "ChainKey(<redacted>)");
    }
}
