//! Rows on their way to a version.

use std::collections::HashSet;

use rayon::prelude::*;
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::oprf::{ENTRY_BYTES, Entry};
use tacit_circuits::scope::{ListVersion, TagEpoch};
use tacit_ledger::network::parameters::CategoryId;
use zeroize::Zeroize;

use crate::rows::{RawRow, RejectedRow, RowReader, RowRefusal};

/// An entry as the store keeps it: type code and field form.
pub(super) type EntryBytes = [u8; ENTRY_BYTES];

/// Which list, and how its rows are meant.
#[derive(Clone, Debug)]
pub struct ListSpec {
    /// The owner's name of the list.
    pub name: String,
    /// Its category. Only for a list that is new.
    pub category: Option<CategoryId>,
    /// The types that it accepts. Only for a list that is new.
    pub accepts: Vec<IdentifierType>,
    /// How the rows are meant.
    pub mode: DraftMode,
    /// Begin a new tag epoch: a fresh key, so that every tag changes.
    pub new_tag_epoch: bool,
    /// What leaves should never have been there: members that relied on it are told.
    pub corrected: bool,
    /// How the rows are read.
    pub reader: RowReader,
}

/// How the rows of a draft are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftMode {
    /// They are the whole list: what is missing is removed.
    Replace,
    /// They are added, or removed where they say so.
    Change,
}

/// What publishing a draft would change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Whether the list is not published yet.
    pub new_list: bool,
    /// Rows read.
    pub rows_read: u64,
    /// Rows kept out.
    pub rows_rejected: u64,
    /// Rows equal to another row after normalisation.
    pub rows_duplicate: u64,
    /// Entries that come.
    pub added: u64,
    /// Entries that leave.
    pub removed: u64,
    /// Entries that stay.
    pub unchanged: u64,
}

impl Difference {
    /// Entries after the change, without padding.
    pub fn entries(&self) -> u64 {
        self.unchanged + self.added
    }

    /// Whether publishing would change nothing.
    pub fn is_empty(&self) -> bool {
        self.added == 0 && self.removed == 0
    }
}

/// Rows collected for a version. Nothing is changed until it is published.
pub struct Draft {
    pub(super) spec: ListSpec,
    pub(super) local_id: Option<u64>,
    pub(super) accepts: Vec<IdentifierType>,
    /// The version that the draft changes.
    pub(super) based_on: Option<(TagEpoch, ListVersion)>,
    /// Entries of the version before, without padding.
    pub(super) before: HashSet<EntryBytes>,
    /// Padding entries of the version before.
    pub(super) padding: Vec<EntryBytes>,
    added: HashSet<EntryBytes>,
    named: HashSet<EntryBytes>,
    removed: HashSet<EntryBytes>,
    rows_read: u64,
    rows_rejected: u64,
    rows_duplicate: u64,
}

impl Draft {
    pub(super) fn new(
        spec: ListSpec,
        local_id: Option<u64>,
        accepts: Vec<IdentifierType>,
        based_on: Option<(TagEpoch, ListVersion)>,
        before: HashSet<EntryBytes>,
        padding: Vec<EntryBytes>,
    ) -> Self {
        Self {
            spec,
            local_id,
            accepts,
            based_on,
            before,
            padding,
            added: HashSet::new(),
            named: HashSet::new(),
            removed: HashSet::new(),
            rows_read: 0,
            rows_rejected: 0,
            rows_duplicate: 0,
        }
    }

    /// Takes rows in, and answers with those that were kept out. The others go on. Normalises on all cores.
    pub fn push(&mut self, rows: &[RawRow]) -> Vec<RejectedRow> {
        let read: Vec<_> = rows.par_iter().map(|row| self.entry(row)).collect();
        let mut rejected = Vec::new();
        for (raw, read) in rows.iter().zip(read) {
            self.rows_read += 1;
            let result = read.and_then(|entry| self.take(raw, entry));
            if let Err(row) = result {
                self.rows_rejected += 1;
                rejected.push(row);
            }
        }
        rejected
    }

    /// What publishing would change.
    pub fn difference(&self) -> Difference {
        let removed = self.leaving().count() as u64;
        Difference {
            new_list: self.based_on.is_none(),
            rows_read: self.rows_read,
            rows_rejected: self.rows_rejected,
            rows_duplicate: self.rows_duplicate,
            added: self.added.len() as u64,
            removed,
            unchanged: self.before.len() as u64 - removed,
        }
    }

    /// The list's name.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    fn entry(&self, raw: &RawRow) -> Result<EntryBytes, RejectedRow> {
        let row = self.spec.reader.read(raw)?;
        let kind = row.identifier.kind();
        if !self.accepts.contains(&kind) {
            let reason = RowRefusal::TypeNotAccepted(kind);
            return Err(RejectedRow {
                row: raw.row,
                reason,
            });
        }
        Ok(Entry::identifier(kind, row.identifier.field()).to_secret_bytes())
    }

    fn take(&mut self, raw: &RawRow, entry: EntryBytes) -> Result<(), RejectedRow> {
        let removes = raw.removes && self.spec.mode == DraftMode::Change;
        if removes {
            let listed = self.before.contains(&entry) && !self.removed.contains(&entry);
            if self.added.remove(&entry) {
                return Ok(());
            }
            if !listed {
                let reason = RowRefusal::NotListed;
                return Err(RejectedRow {
                    row: raw.row,
                    reason,
                });
            }
            self.removed.insert(entry);
            return Ok(());
        }
        self.removed.remove(&entry);
        let fresh = if self.before.contains(&entry) {
            // What is on the list already is only noted, so that a replacement keeps it.
            self.spec.mode == DraftMode::Change || self.named.insert(entry)
        } else {
            self.added.insert(entry)
        };
        if !fresh {
            self.rows_duplicate += 1;
        }
        Ok(())
    }

    /// Entries that come.
    pub(super) fn coming(&self) -> impl Iterator<Item = &EntryBytes> {
        self.added.iter()
    }

    /// Entries that leave.
    pub(super) fn leaving(&self) -> impl Iterator<Item = &EntryBytes> {
        let replaces = self.spec.mode == DraftMode::Replace;
        self.before.iter().filter(move |&entry| {
            if replaces {
                !self.named.contains(entry)
            } else {
                self.removed.contains(entry)
            }
        })
    }

    /// Entries that stay.
    pub(super) fn staying(&self) -> impl Iterator<Item = &EntryBytes> {
        let replaces = self.spec.mode == DraftMode::Replace;
        self.before.iter().filter(move |&entry| {
            if replaces {
                self.named.contains(entry)
            } else {
                !self.removed.contains(entry)
            }
        })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        for set in [
            &mut self.before,
            &mut self.added,
            &mut self.named,
            &mut self.removed,
        ] {
            set.drain().for_each(|mut entry| entry.zeroize());
        }
        self.padding.iter_mut().for_each(Zeroize::zeroize);
    }
}

impl std::fmt::Debug for Draft {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let difference = self.difference();
        formatter
            .debug_struct("Draft")
            .field("difference", &difference)
            .finish_non_exhaustive()
    }
}
