//! Records of the ledger, by the names that people give them.

use std::fmt;
use std::str::FromStr;

use tacit_circuits::quota::Account;
use tacit_circuits::scope::{ListId, ListVersion, MemberId, TagEpoch};
use tacit_ledger::kernel::codec::{self, CodecError};
use tacit_ledger::kernel::state::StateKey;
use tacit_ledger::network::{
    Deposit, EpochRecord, List, LogHead, Profile, Publication, PublicationId, keys,
};

use crate::output::quota;

/// A record that can be asked for by name, and proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordName {
    /// `log`: root and length of the network's log.
    Log,
    /// `member/N`: where a party is reached.
    Member(MemberId),
    /// `account/N`: a party's confidential quota.
    Account(MemberId),
    /// `deposit/N`: a party's deposit.
    Deposit(MemberId),
    /// `list/N`.
    List(ListId),
    /// `epoch/LIST/EPOCH`: a list's key.
    Epoch(ListId, TagEpoch),
    /// `publication/LIST/EPOCH/VERSION`: a list's root.
    Publication(PublicationId),
}

/// A name that no kind of record has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} names no kind of record: name log, member/N, account/N, deposit/N, list/N, epoch/LIST/EPOCH or \
     publication/LIST/EPOCH/VERSION"
)]
pub struct UnknownRecord(String);

impl RecordName {
    /// Where it stands in state.
    pub fn key(self) -> StateKey {
        match self {
            Self::Log => keys::log_head(),
            Self::Member(member) => keys::profile(member),
            Self::Account(member) => keys::account(member),
            Self::Deposit(member) => keys::deposit(member),
            Self::List(list) => keys::list(list),
            Self::Epoch(list, epoch) => keys::epoch(list, epoch),
            Self::Publication(id) => keys::publication(id),
        }
    }

    /// The record that stands at a key of state, if it is one that has a name.
    pub fn of_key(key: &[u8]) -> Option<Self> {
        // Keys end in numbers of four bytes each, so the key itself says which ones to try.
        let number = |from_end: usize| {
            let start = key.len().checked_sub(4 * from_end)?;
            let bytes = key.get(start..start + 4)?.try_into().ok()?;
            Some(u32::from_be_bytes(bytes))
        };
        let last = number(1).unwrap_or_default();
        let mut tried = vec![
            Self::Log,
            Self::Member(MemberId(last)),
            Self::Account(MemberId(last)),
            Self::Deposit(MemberId(last)),
            Self::List(ListId(last)),
        ];
        if let Some(list) = number(2) {
            tried.push(Self::Epoch(ListId(list), TagEpoch(last)));
        }
        if let (Some(list), Some(epoch)) = (number(3), number(2)) {
            tried.push(Self::Publication(PublicationId {
                list: ListId(list),
                tag_epoch: TagEpoch(epoch),
                version: ListVersion(last),
            }));
        }
        tried.into_iter().find(|name| name.key().as_bytes() == key)
    }

    /// The fields of the record's value, by name, for people.
    ///
    /// # Errors
    /// [`CodecError`] where the bytes are no such record.
    pub fn fields(self, value: &[u8]) -> Result<Vec<(&'static str, String)>, CodecError> {
        Ok(match self {
            Self::Log => {
                let head: LogHead = codec::decode(value)?;
                vec![
                    ("root", head.root.to_string()),
                    ("length", head.length.to_string()),
                    ("height", head.height.to_string()),
                ]
            }
            Self::Member(_) => {
                let profile: Profile = codec::decode(value)?;
                vec![
                    ("front end", profile.front_end_address.as_str().to_owned()),
                    ("peer", profile.p2p_address.as_str().to_owned()),
                    ("node key", hex::encode(profile.consensus_key.0)),
                    ("certificate", hex::encode(profile.tls_spki_hash.0)),
                ]
            }
            Self::Account(_) => {
                let account: Account = codec::decode(value)?;
                vec![
                    ("available", hex::encode(account.available.to_vec())),
                    ("waiting", hex::encode(account.pending.to_vec())),
                    ("waiting in public", quota(account.granted_minor)),
                ]
            }
            Self::Deposit(_) => {
                let deposit: Deposit = codec::decode(value)?;
                vec![
                    ("free", quota(deposit.free_minor)),
                    ("staked", quota(deposit.staked_minor)),
                ]
            }
            Self::List(_) => list(&codec::decode(value)?),
            Self::Epoch(..) => {
                let epoch: EpochRecord = codec::decode(value)?;
                vec![
                    ("key", hex::encode(codec::encode(&epoch.key))),
                    ("registered", epoch.registered_height.to_string()),
                    ("status", format!("{:?}", epoch.status)),
                    ("versions", epoch.versions.to_string()),
                ]
            }
            Self::Publication(_) => publication(&codec::decode(value)?),
        })
    }
}

fn list(list: &List) -> Vec<(&'static str, String)> {
    let types: Vec<_> = list.accepts.iter().map(ToString::to_string).collect();
    let active = list
        .active
        .map(|id| RecordName::Publication(id).to_string());
    vec![
        ("name", list.name.as_str().to_owned()),
        ("owner", format!("M{}", list.owner.0)),
        ("types", types.join(", ")),
        ("status", format!("{:?}", list.status)),
        ("active", active.unwrap_or_else(|| "none".into())),
    ]
}

fn publication(publication: &Publication) -> Vec<(&'static str, String)> {
    let attesters: Vec<_> = publication
        .attestations
        .iter()
        .map(|attestation| format!("M{}", attestation.attester.0))
        .collect();
    vec![
        ("owner", format!("M{}", publication.owner.0)),
        ("root", publication.root.to_string()),
        (
            "entries",
            format!("{} with padding", publication.size_class.capacity()),
        ),
        ("published", publication.published_height.to_string()),
        ("status", format!("{:?}", publication.status)),
        ("attested by", attesters.join(" ")),
    ]
}

impl FromStr for RecordName {
    type Err = UnknownRecord;

    fn from_str(name: &str) -> Result<Self, UnknownRecord> {
        let unknown = || UnknownRecord(name.into());
        let mut parts = name.split('/');
        let kind = parts.next().unwrap_or_default();
        let numbers: Vec<u32> = parts
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|_| unknown())?;
        Ok(match (kind, numbers.as_slice()) {
            ("log", []) => Self::Log,
            ("member", [member]) => Self::Member(MemberId(*member)),
            ("account", [member]) => Self::Account(MemberId(*member)),
            ("deposit", [member]) => Self::Deposit(MemberId(*member)),
            ("list", [list]) => Self::List(ListId(*list)),
            ("epoch", [list, epoch]) => Self::Epoch(ListId(*list), TagEpoch(*epoch)),
            ("publication", [list, epoch, version]) => Self::Publication(PublicationId {
                list: ListId(*list),
                tag_epoch: TagEpoch(*epoch),
                version: ListVersion(*version),
            }),
            _ => return Err(unknown()),
        })
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log => f.write_str("log"),
            Self::Member(member) => write!(f, "member/{}", member.0),
            Self::Account(member) => write!(f, "account/{}", member.0),
            Self::Deposit(member) => write!(f, "deposit/{}", member.0),
            Self::List(list) => write!(f, "list/{}", list.0),
            Self::Epoch(list, epoch) => write!(f, "epoch/{}/{}", list.0, epoch.0),
            Self::Publication(id) => write!(
                f,
                "publication/{}/{}/{}",
                id.list.0, id.tag_epoch.0, id.version.0
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 7] = [
        "log",
        "member/2",
        "account/2",
        "deposit/2",
        "list/3",
        "epoch/3/1",
        "publication/3/1/2",
    ];

    #[test]
    fn a_name_leads_to_a_key_and_the_key_back_to_the_name() {
        for name in NAMES {
            let record: RecordName = name.parse().unwrap();
            assert_eq!(record.to_string(), name);
            assert_eq!(RecordName::of_key(record.key().as_bytes()), Some(record));
        }
        assert_eq!(RecordName::of_key(keys::parameters().as_bytes()), None);
        assert_eq!(RecordName::of_key(b""), None);
    }

    #[test]
    fn what_names_no_record_is_refused_with_the_kinds_that_there_are() {
        for bad in ["", "list", "list/x", "list/1/2", "unheard/1", "log/1"] {
            let error = bad.parse::<RecordName>().unwrap_err().to_string();
            assert!(error.contains("publication/LIST"), "{bad}: {error}");
        }
    }

    #[test]
    fn bytes_that_are_no_such_record_have_no_fields() {
        let deposit = codec::encode(&Deposit {
            free_minor: 7,
            staked_minor: 0,
        });
        let name = RecordName::Deposit(MemberId(2));
        let fields = name.fields(&deposit).unwrap();
        assert_eq!(fields[0], ("free", "0.007".into()));
        assert!(name.fields(&deposit[1..]).is_err());
    }
}
