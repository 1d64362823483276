//! `operators.toml`: which certificates may ask, in whose name, and for what.
//!
//! A certificate is known by its key, so that one that is renewed for the same key needs no change here. Several may
//! stand under one name: they are one person's, and count as one.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tacit_certs::SpkiHash;

/// The file's name in a node's folder.
pub const OPERATORS_FILE: &str = "operators.toml";

/// The largest file that is read: some five thousand operators.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Longest name: what the records of a screening take.
const MAX_NAME_BYTES: usize = 256;

/// Why a list of operators is not usable.
#[derive(Debug, thiserror::Error)]
pub enum OperatorsError {
    /// It cannot be read.
    #[error("cannot read {path}, which lists the operators' certificates and roles: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is far larger than any list of operators.
    #[error("{0} is larger than {MAX_FILE_BYTES} bytes; is it a list of operators?")]
    TooLarge(PathBuf),
    /// It is not what it should be.
    #[error("{path} is not a valid list of operators: {source}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// An entry is wrong.
    #[error("{path}: operator {number} {reason}")]
    Entry {
        /// The file.
        path: PathBuf,
        /// Its place in the file, from 1.
        number: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// What somebody may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Screens, publishes, makes receipts.
    Operator,
    /// Is the second pair of eyes.
    Approver,
    /// Reads and exports the records, opens calls, rules on disputes.
    Compliance,
    /// Votes on members and rules, withdraws lists and keys, sets policies.
    Administrator,
    /// Reads the records and who read them; changes nothing.
    Auditor,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Operator,
        Self::Approver,
        Self::Compliance,
        Self::Administrator,
        Self::Auditor,
    ];

    /// As the file writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Compliance => "compliance",
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A certificate that may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Whose it is, as it stands in the records.
    pub name: String,
    /// SHA-256 of its subject public key info, 64 hexadecimal digits.
    pub certificate_spki_sha256: String,
    /// What it may ask for.
    pub roles: Vec<Role>,
}

/// What holds for all operators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Whether exports of the history and bundles for examiners wait for a second person.
    pub exports_need_approval: bool,
    /// Rows that one operator may ask about in a day without a second person; without a limit where it is absent.
    pub bulk_limit_rows: Option<u64>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    exports_need_approval: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bulk_limit_rows: Option<u64>,
    #[serde(default)]
    operator: Vec<Listed>,
}

/// All certificates that may ask, by their keys, and the rules for all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operators {
    listed: BTreeMap<SpkiHash, Listed>,
    rules: Rules,
}

impl Operators {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`OperatorsError`]; the first that applies.
    pub fn read(path: &Path) -> Result<Self, OperatorsError> {
        let unreadable = |source| OperatorsError::Unreadable {
            path: path.into(),
            source,
        };
        if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_FILE_BYTES {
            return Err(OperatorsError::TooLarge(path.into()));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, OperatorsError> {
        let file: File = toml::from_str(text).map_err(|source| OperatorsError::Invalid {
            path: path.into(),
            source: source.into(),
        })?;
        let mut listed = BTreeMap::new();
        for (place, one) in file.operator.into_iter().enumerate() {
            let wrong = |reason| OperatorsError::Entry {
                path: path.into(),
                number: place + 1,
                reason,
            };
            if one.name.trim().is_empty() || one.name.len() > MAX_NAME_BYTES {
                return Err(wrong("has no name, or one of more than 256 bytes"));
            }
            let mut key = [0; 32];
            hex::decode_to_slice(&one.certificate_spki_sha256, &mut key).map_err(|_| {
                wrong("has a certificate_spki_sha256 that is not 64 hexadecimal digits")
            })?;
            if listed.insert(SpkiHash(key), one).is_some() {
                return Err(wrong("has a certificate that another entry has"));
            }
        }
        Ok(Self {
            listed,
            rules: Rules {
                exports_need_approval: file.exports_need_approval,
                bulk_limit_rows: file.bulk_limit_rows,
            },
        })
    }

    /// Who shows this key.
    pub fn by_key(&self, key: &SpkiHash) -> Option<&Listed> {
        self.listed.get(key)
    }

    /// What holds for all of them.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// The file with one operator who holds every role, for a new node.
    pub fn first(name: &str, key: &SpkiHash) -> String {
        format!(
            "# Who may ask what of this node. The node reads it again when it changes; a certificate that is taken \
             out is\n# refused from then on. Roles: operator, approver, compliance, administrator, auditor.\n\n\
             # Whether exports of the history and bundles for examiners wait for a second person.\n\
             exports_need_approval = false\n\n\
             # Rows that one operator may ask about in 24 hours without a second person. No limit where it is missing.\n\
             # bulk_limit_rows = 10000\n\n{}",
            Self::entry(name, key, &Role::ALL)
        )
    }

    /// One entry, to be added to a file.
    pub fn entry(name: &str, key: &SpkiHash, roles: &[Role]) -> String {
        let file = File {
            operator: vec![Listed {
                name: name.into(),
                certificate_spki_sha256: key.to_string(),
                roles: roles.to_vec(),
            }],
            ..File::default()
        };
        // Texts and lists of words can always be written as TOML.
        toml::to_string(&file).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Operators, String> {
        Operators::parse(text, Path::new(OPERATORS_FILE)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_new_node_gets_reads_back_with_every_role() {
        let (key, other) = (SpkiHash([7; 32]), SpkiHash([8; 32]));
        let text = Operators::first("the \"first\"", &key);
        let operators = parse(&text).unwrap();
        let listed = operators.by_key(&key).unwrap();
        assert_eq!(listed.name, "the \"first\"");
        assert_eq!(listed.roles, Role::ALL);
        assert_eq!(operators.by_key(&other), None);
        let more = text + &Operators::entry("bob", &other, &[Role::Approver]);
        let listed = parse(&more).unwrap().by_key(&other).cloned();
        assert_eq!(listed.unwrap().roles, [Role::Approver]);
        assert_eq!(parse("").unwrap(), Operators::default());
        assert_eq!(parse(&more).unwrap().rules(), Rules::default());
        let strict = more
            .replace(
                "exports_need_approval = false",
                "exports_need_approval = true",
            )
            .replace("# bulk_limit_rows = 10000", "bulk_limit_rows = 500");
        let rules = Rules {
            exports_need_approval: true,
            bulk_limit_rows: Some(500),
        };
        assert_eq!(parse(&strict).unwrap().rules(), rules);
    }

    #[test]
    fn a_wrong_entry_is_named() {
        let entry = |name: &str, key: &str, roles: &str| {
            format!(
                "[[operator]]\nname = \"{name}\"\ncertificate_spki_sha256 = \"{key}\"\nroles = [{roles}]\n"
            )
        };
        let (one, two) = ("07".repeat(32), "08".repeat(32));
        let good = entry("alice", &one, "\"auditor\"");
        parse(&good).unwrap();
        for (bad, why) in [
            (entry(" ", &two, ""), "operator 2 has no name"),
            (entry("bob", "08", ""), "64 hexadecimal digits"),
            (entry("bob", &one, ""), "another entry"),
            (entry("bob", &two, "\"king\""), "king"),
            ("[[operator]]\nname = \"bob\"\n".to_owned(), "missing field"),
            ("surprise = 1\n".to_owned(), "surprise"),
            ("bulk_limit_rows = -1\n".to_owned(), "bulk_limit_rows"),
        ] {
            let text = if !bad.starts_with('[') {
                bad + &good
            } else {
                good.clone() + &bad
            };
            let error = parse(&text).unwrap_err();
            assert!(error.contains(why), "{why}: {error}");
        }
    }
}
