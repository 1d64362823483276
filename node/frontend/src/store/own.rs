//! This member's own lists: names, keys, versions, and what each version changed.
//!
//! A list is kept as the changes of its versions, in sealed parts of bounded size: a version of a new tag
//! epoch begins with everything, later ones hold what they add and remove. So a small change costs a
//! small write, and what a version was made from is on the disk before anything else of it happens.

use borsh::{BorshDeserialize, BorshSerialize};
use sqlx::Row;
use sqlx::any::AnyRow;
use tacit_circuits::oprf::{ENTRY_BYTES, ListKey};
use tacit_circuits::scope::{ListId, ListVersion, TagEpoch};
use tacit_ledger::kernel::codec;
use zeroize::Zeroizing;

use super::database::{Statement, Store, StoreError, number, number_32, optional_number};
use super::seal::Place;
use crate::clock::now_ms;

/// Changes of one sealed part. A part of this size takes 300 kB and is opened in a millisecond.
const CHANGES_PER_PART: usize = 8_192;

/// An entry that a version adds or removes.
#[derive(Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Change {
    /// True when the entry leaves the list.
    pub removes: bool,
    /// True when the entry that leaves should never have been there.
    pub corrected: bool,
    /// The entry, as [`Entry::to_secret_bytes`](tacit_circuits::oprf::Entry::to_secret_bytes) has it.
    pub entry: [u8; ENTRY_BYTES],
}

/// A list of this member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnList {
    /// Its number in this database.
    pub local_id: u64,
    /// Its name, unique among this member's lists.
    pub name: String,
    /// Its category.
    pub category: u16,
    /// Codes of the types that it accepts.
    pub accepts: Vec<u16>,
    /// Its number on the ledger, once it has one.
    pub list_id: Option<ListId>,
}

/// A key of a list.
#[derive(Debug)]
pub struct OwnEpoch {
    /// The tag epoch.
    pub tag_epoch: TagEpoch,
    /// The key, until it is destroyed.
    pub key: Option<ListKey>,
}

/// How far a version has come. What is not there yet is done again after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VersionStep {
    /// Its changes, and its key, are on the disk.
    Drafted = 0,
    /// Its snapshot is on the disk.
    Built = 1,
    /// It stands on the ledger.
    Published = 2,
    /// The ledger refused it.
    Abandoned = 3,
}

/// A version of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnVersion {
    /// Tag epoch.
    pub tag_epoch: TagEpoch,
    /// Version within the epoch.
    pub version: ListVersion,
    /// How far it has come.
    pub step: VersionStep,
    /// Entries without padding.
    pub entries: u64,
    /// Entries that it added, without padding.
    pub added: u64,
    /// Entries that it removed, without padding.
    pub removed: u64,
    /// Parts of its changes.
    parts: u64,
    /// Height at which it was published.
    pub height: Option<u64>,
}

impl Store {
    /// All lists of this member, in the order in which they were made.
    pub async fn own_lists(&self) -> Result<Vec<OwnList>, StoreError> {
        let sql =
            "SELECT local_id, name, category, accepts, list_id FROM own_list ORDER BY local_id";
        self.rows(Statement::new(sql, []))
            .await?
            .iter()
            .map(own_list)
            .collect()
    }

    /// The list with this name.
    pub async fn own_list(&self, name: &str) -> Result<Option<OwnList>, StoreError> {
        let sql = "SELECT local_id, name, category, accepts, list_id FROM own_list WHERE name = $1";
        self.row(Statement::new(sql, [name.into()]))
            .await?
            .as_ref()
            .map(own_list)
            .transpose()
    }

    /// Makes a list that is not on the ledger yet.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where a list has the name.
    pub async fn create_own_list(
        &self,
        name: &str,
        category: u16,
        accepts: &[u16],
    ) -> Result<OwnList, StoreError> {
        let sql = "INSERT INTO own_list (local_id, name, category, accepts) \
                   SELECT COALESCE(MAX(local_id), 0) + 1, $1, $2, $3 FROM own_list";
        let values = [
            name.into(),
            u32::from(category).into(),
            codec::encode(accepts).into(),
        ];
        self.write(vec![Statement::new(sql, values)]).await?;
        self.own_list(name)
            .await?
            .ok_or(StoreError::Damaged("list"))
    }

    /// Notes the number that the ledger gave to a list.
    pub async fn number_own_list(&self, local_id: u64, list: ListId) -> Result<(), StoreError> {
        let sql = "UPDATE own_list SET list_id = $2 WHERE local_id = $1";
        self.write(vec![Statement::new(sql, [local_id.into(), list.0.into()])])
            .await
            .map(drop)
    }

    /// The key of a tag epoch.
    pub async fn own_epoch(
        &self,
        local_id: u64,
        tag_epoch: TagEpoch,
    ) -> Result<Option<OwnEpoch>, StoreError> {
        let sql = "SELECT sealed_key FROM own_epoch WHERE local_id = $1 AND tag_epoch = $2";
        let values = [local_id.into(), tag_epoch.0.into()];
        let Some(row) = self.row(Statement::new(sql, values)).await? else {
            return Ok(None);
        };
        let sealed: Option<Vec<u8>> = row.try_get("sealed_key")?;
        let key = sealed
            .map(|sealed| self.open_key(local_id, tag_epoch, &sealed))
            .transpose()?;
        Ok(Some(OwnEpoch { tag_epoch, key }))
    }

    /// The tag epochs of a list whose keys still exist, oldest first.
    pub async fn own_epochs_with_key(&self, local_id: u64) -> Result<Vec<TagEpoch>, StoreError> {
        let sql = "SELECT tag_epoch FROM own_epoch \
                   WHERE local_id = $1 AND sealed_key IS NOT NULL ORDER BY tag_epoch";
        let rows = self.rows(Statement::new(sql, [local_id.into()])).await?;
        rows.iter()
            .map(|row| number_32(row, "tag_epoch").map(TagEpoch))
            .collect()
    }

    /// Destroys a key. SQLite overwrites what is deleted; on PostgreSQL the sealed key stays in dead rows and
    /// in the log of writes until the server has vacuumed and recycled them.
    pub async fn destroy_key(&self, local_id: u64, tag_epoch: TagEpoch) -> Result<(), StoreError> {
        let sql = "UPDATE own_epoch SET sealed_key = NULL WHERE local_id = $1 AND tag_epoch = $2";
        self.write(vec![Statement::new(
            sql,
            [local_id.into(), tag_epoch.0.into()],
        )])
        .await
        .map(drop)
    }

    /// Deletes what was listed in epochs before this one whose keys are destroyed. Answers with the number of
    /// parts that were deleted.
    pub async fn forget_entries_before(
        &self,
        local_id: u64,
        tag_epoch: TagEpoch,
    ) -> Result<u64, StoreError> {
        let sql =
            "SELECT DISTINCT tag_epoch FROM own_change WHERE local_id = $1 AND tag_epoch < $2";
        let values = [local_id.into(), tag_epoch.0.into()];
        let with_key = self.own_epochs_with_key(local_id).await?;
        let mut statements = Vec::new();
        for row in self.rows(Statement::new(sql, values)).await? {
            let over = number_32(&row, "tag_epoch")?;
            if !with_key.contains(&TagEpoch(over)) {
                let sql = "DELETE FROM own_change WHERE local_id = $1 AND tag_epoch = $2";
                statements.push(Statement::new(sql, [local_id.into(), over.into()]));
            }
        }
        // Mostly there is nothing, and nothing is written.
        if statements.is_empty() {
            return Ok(0);
        }
        self.write(statements).await
    }

    /// Puts a version's changes onto the disk, and the key with them where its epoch is new, all or
    /// nothing. A draft of the same version that was never published is replaced.
    pub async fn draft_version(
        &self,
        local_id: u64,
        version: &OwnVersion,
        changes: &[Change],
        new_key: Option<&ListKey>,
    ) -> Result<OwnVersion, StoreError> {
        let (epoch, number) = (version.tag_epoch, version.version);
        let version = OwnVersion {
            step: VersionStep::Drafted,
            parts: changes.len().div_ceil(CHANGES_PER_PART) as u64,
            ..version.clone()
        };
        let name = || [local_id.into(), epoch.0.into(), number.0.into()];
        let mut statements = vec![
            Statement::new(
                "DELETE FROM own_change WHERE local_id = $1 AND tag_epoch = $2 AND version = $3",
                name(),
            ),
            Statement::new(
                "DELETE FROM own_version WHERE local_id = $1 AND tag_epoch = $2 AND version = $3",
                name(),
            ),
        ];
        if let Some(key) = new_key {
            let sealed = self.sealer.seal(
                key_place(&[local_id, epoch.0.into()]),
                &*key.to_secret_bytes(),
            );
            statements.push(Statement::new(
                "DELETE FROM own_epoch WHERE local_id = $1 AND tag_epoch = $2",
                [local_id.into(), epoch.0.into()],
            ));
            statements.push(Statement::new(
                "INSERT INTO own_epoch (local_id, tag_epoch, public_key, sealed_key) \
                 VALUES ($1, $2, $3, $4)",
                [
                    local_id.into(),
                    epoch.0.into(),
                    key.public().to_wire().0.to_vec().into(),
                    sealed.into(),
                ],
            ));
        }
        for (part, changes) in changes.chunks(CHANGES_PER_PART).enumerate() {
            let plain = Zeroizing::new(codec::encode(changes));
            let row = [local_id, epoch.0.into(), number.0.into(), part as u64];
            let sealed = self.sealer.seal(change_place(&row), &plain);
            statements.push(Statement::new(
                "INSERT INTO own_change (local_id, tag_epoch, version, part, sealed_changes) \
                 VALUES ($1, $2, $3, $4, $5)",
                row.map(Into::into).into_iter().chain([sealed.into()]),
            ));
        }
        statements.push(Statement::new(
            "INSERT INTO own_version (local_id, tag_epoch, version, step, entries, added, removed, \
             parts, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            [
                local_id.into(),
                epoch.0.into(),
                number.0.into(),
                (version.step as u32).into(),
                version.entries.into(),
                version.added.into(),
                version.removed.into(),
                version.parts.into(),
                now_ms().into(),
            ],
        ));
        self.write(statements).await?;
        Ok(version)
    }

    /// Notes how far a version has come.
    pub async fn advance_version(
        &self,
        local_id: u64,
        version: &OwnVersion,
        step: VersionStep,
        height: Option<u64>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE own_version SET step = $4, height = $5 \
                   WHERE local_id = $1 AND tag_epoch = $2 AND version = $3";
        let values = [
            local_id.into(),
            version.tag_epoch.0.into(),
            version.version.0.into(),
            (step as u32).into(),
            height.into(),
        ];
        self.write(vec![Statement::new(sql, values)])
            .await
            .map(drop)
    }

    /// The versions of a list, oldest first.
    pub async fn own_versions(&self, local_id: u64) -> Result<Vec<OwnVersion>, StoreError> {
        let sql = "SELECT tag_epoch, version, step, entries, added, removed, parts, height \
                   FROM own_version WHERE local_id = $1 ORDER BY tag_epoch, version";
        let rows = self.rows(Statement::new(sql, [local_id.into()])).await?;
        rows.iter().map(own_version).collect()
    }

    /// What a version changed.
    pub async fn own_changes(
        &self,
        local_id: u64,
        version: &OwnVersion,
    ) -> Result<Vec<Change>, StoreError> {
        let sql = "SELECT part, sealed_changes FROM own_change \
                   WHERE local_id = $1 AND tag_epoch = $2 AND version = $3 ORDER BY part";
        let (epoch, number) = (version.tag_epoch, version.version);
        let values = [local_id.into(), epoch.0.into(), number.0.into()];
        let rows = self.rows(Statement::new(sql, values)).await?;
        if rows.len() as u64 != version.parts {
            return Err(StoreError::Damaged("version of a list"));
        }
        let mut changes = Vec::with_capacity(rows.len() * CHANGES_PER_PART);
        for row in &rows {
            let part = self::number(row, "part")?;
            let place = [local_id, epoch.0.into(), number.0.into(), part];
            let sealed: Vec<u8> = row.try_get("sealed_changes")?;
            let plain = self.sealer.open(change_place(&place), &sealed)?;
            let part: Vec<Change> =
                codec::decode(&plain).map_err(|_| StoreError::Damaged("part of a list"))?;
            changes.extend(part);
        }
        Ok(changes)
    }

    fn open_key(
        &self,
        local_id: u64,
        tag_epoch: TagEpoch,
        sealed: &[u8],
    ) -> Result<ListKey, StoreError> {
        let plain = self
            .sealer
            .open(key_place(&[local_id, tag_epoch.0.into()]), sealed)?;
        let bytes = plain
            .as_slice()
            .try_into()
            .map_err(|_| StoreError::Damaged("key"))?;
        ListKey::from_secret_bytes(bytes).map_err(|_| StoreError::Damaged("key"))
    }
}

impl OwnVersion {
    /// A version that is about to be drafted.
    pub(crate) fn new(
        tag_epoch: TagEpoch,
        version: ListVersion,
        entries: u64,
        added: u64,
        removed: u64,
    ) -> Self {
        let step = VersionStep::Drafted;
        Self {
            tag_epoch,
            version,
            step,
            entries,
            added,
            removed,
            parts: 0,
            height: None,
        }
    }
}

fn key_place(row: &[u64]) -> Place<'_> {
    Place {
        table: "own_epoch",
        column: "sealed_key",
        row,
    }
}

fn change_place(row: &[u64]) -> Place<'_> {
    Place {
        table: "own_change",
        column: "sealed_changes",
        row,
    }
}

fn own_list(row: &AnyRow) -> Result<OwnList, StoreError> {
    let accepts: Vec<u8> = row.try_get("accepts")?;
    let category = number_32(row, "category")?;
    Ok(OwnList {
        local_id: number(row, "local_id")?,
        name: row.try_get("name")?,
        category: u16::try_from(category).map_err(|_| StoreError::Damaged("category"))?,
        accepts: codec::decode(&accepts).map_err(|_| StoreError::Damaged("list"))?,
        list_id: optional_number(row, "list_id")?
            .map(|id| u32::try_from(id).map(ListId))
            .transpose()
            .map_err(|_| StoreError::Damaged("list"))?,
    })
}

fn own_version(row: &AnyRow) -> Result<OwnVersion, StoreError> {
    let step = match number(row, "step")? {
        0 => VersionStep::Drafted,
        1 => VersionStep::Built,
        2 => VersionStep::Published,
        3 => VersionStep::Abandoned,
        _ => return Err(StoreError::Damaged("version's step")),
    };
    Ok(OwnVersion {
        tag_epoch: TagEpoch(number_32(row, "tag_epoch")?),
        version: ListVersion(number_32(row, "version")?),
        step,
        entries: number(row, "entries")?,
        added: number(row, "added")?,
        removed: number(row, "removed")?,
        parts: number(row, "parts")?,
        height: optional_number(row, "height")?,
    })
}
