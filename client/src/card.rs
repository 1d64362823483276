//! A member's card: what an institution hands to the others so that they can let it in.
//!
//! It holds nothing secret. The founders put their cards into the genesis; whoever joins later
//! hands its card to a member, who proposes it.

use std::path::{Path, PathBuf};

use rand_core::{CryptoRng, RngCore};
use serde::{Deserialize, Serialize};
use tacit_circuits::quota::{EncodingError, QuotaKey, QuotaKeyProof, QuotaPublicKey};
use tacit_ledger::kernel::party::{LedgerKey, Name, Role};
use tacit_ledger::network::quota::prove_key;
use tacit_ledger::network::{Candidate, ConsensusKey, Profile, SpkiHash};

/// The largest card that is read: a hundred times what a full one needs.
const MAX_CARD_BYTES: u64 = 64 * 1024;

/// Why a card is not usable.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// The file cannot be read or written.
    #[error("cannot use {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not a card.
    #[error("{path} is not a member's card: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// A field holds what the ledger would refuse.
    #[error("the card's {field} is not usable: {reason}")]
    Field {
        /// The field, as in the file.
        field: &'static str,
        /// Why.
        reason: String,
    },
}

/// What an institution is to the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardRole {
    /// Votes on proposals, publishes lists and calls.
    Member,
    /// Sees and verifies.
    Observer,
}

impl CardRole {
    /// Whether it is a member, not an observer.
    pub const fn is_member(self) -> bool {
        matches!(self, Self::Member)
    }
}

/// A member's card, as its file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The institution's name.
    pub name: String,
    /// Corporate group; its members do not vouch for each other's lists.
    pub group: String,
    /// What it is to the network.
    pub role: CardRole,
    /// Whether it takes part in agreement.
    pub validator: bool,
    /// Ed25519 key of its transactions, 64 hexadecimal digits.
    pub ledger_key: String,
    /// Key to which its amounts of quota are sealed, 64 hexadecimal digits.
    pub quota_key: String,
    /// Shows that it has the quota key's secret, bound to its ledger key; 128 hexadecimal digits.
    pub quota_key_proof: String,
    /// Ed25519 key of its node, 64 hexadecimal digits.
    pub consensus_key: String,
    /// SHA-256 of its front end certificate's subject public key info, 64 hexadecimal digits.
    pub certificate_spki_sha256: String,
    /// `host:port` of its front end.
    pub frontend_address: String,
    /// `host:port` of its node among the peers.
    pub p2p_address: String,
}

/// Keys of a card that belong together, in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerKeys {
    /// [`Card::ledger_key`].
    pub ledger_key: String,
    /// [`Card::quota_key`].
    pub quota_key: String,
    /// [`Card::quota_key_proof`].
    pub quota_key_proof: String,
}

impl LedgerKeys {
    /// Of a ledger key, with the secret quota key that goes with it.
    pub fn new<R: RngCore + CryptoRng>(
        ledger_key: LedgerKey,
        quota_key: &QuotaKey,
        rng: &mut R,
    ) -> Self {
        let proof = prove_key(quota_key, &ledger_key, rng);
        Self {
            ledger_key: hex::encode(ledger_key.0),
            quota_key: hex::encode(quota_key.public().to_bytes()),
            quota_key_proof: hex::encode(proof.to_bytes()),
        }
    }
}

impl Card {
    /// Reads a card.
    ///
    /// # Errors
    /// [`CardError`]. Whether the ledger would take it shows only in [`candidate`](Self::candidate).
    pub fn read(path: &Path) -> Result<Self, CardError> {
        let file = |source| CardError::File {
            path: path.into(),
            source,
        };
        let invalid = |reason: String| CardError::Invalid {
            path: path.into(),
            reason,
        };
        if std::fs::metadata(path).map_err(file)?.len() > MAX_CARD_BYTES {
            return Err(invalid(format!("it is larger than {MAX_CARD_BYTES} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(file)?;
        toml::from_str(&text).map_err(|error| invalid(error.to_string()))
    }

    /// Writes the card.
    ///
    /// # Errors
    /// [`CardError`].
    pub fn write(&self, path: &Path) -> Result<(), CardError> {
        let text = toml::to_string_pretty(self).map_err(|error| CardError::Invalid {
            path: path.into(),
            reason: error.to_string(),
        })?;
        std::fs::write(path, text).map_err(|source| CardError::File {
            path: path.into(),
            source,
        })
    }

    /// The card as the ledger wants it.
    ///
    /// # Errors
    /// [`CardError::Field`] for the first field that the ledger would refuse.
    pub fn candidate(&self) -> Result<Candidate, CardError> {
        let text_error = |field: &'static str| {
            move |error: tacit_ledger::kernel::codec::CodecError| CardError::Field {
                field,
                reason: error.to_string(),
            }
        };
        Ok(Candidate {
            name: Name::new(&self.name).map_err(text_error("name"))?,
            group: Name::new(&self.group).map_err(text_error("group"))?,
            role: match self.role {
                CardRole::Member => Role::Member,
                CardRole::Observer => Role::Observer,
            },
            ledger_key: LedgerKey(key("ledger_key", &self.ledger_key)?),
            quota_key: quota("quota_key", &self.quota_key, QuotaPublicKey::from_bytes)?,
            quota_key_proof: quota(
                "quota_key_proof",
                &self.quota_key_proof,
                QuotaKeyProof::from_bytes,
            )?,
            profile: Profile {
                consensus_key: ConsensusKey(key("consensus_key", &self.consensus_key)?),
                tls_spki_hash: SpkiHash(key(
                    "certificate_spki_sha256",
                    &self.certificate_spki_sha256,
                )?),
                front_end_address: tacit_ledger::network::Address::new(&self.frontend_address)
                    .map_err(text_error("frontend_address"))?,
                p2p_address: tacit_ledger::network::Address::new(&self.p2p_address)
                    .map_err(text_error("p2p_address"))?,
            },
        })
    }
}

fn key<const N: usize>(field: &'static str, digits: &str) -> Result<[u8; N], CardError> {
    let mut bytes = [0; N];
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| CardError::Field {
        field,
        reason: format!("it must be {} hexadecimal digits", 2 * N),
    })?;
    Ok(bytes)
}

fn quota<const N: usize, T>(
    field: &'static str,
    digits: &str,
    read: impl FnOnce(&[u8; N]) -> Result<T, EncodingError>,
) -> Result<T, CardError> {
    read(&key(field, digits)?).map_err(|error| CardError::Field {
        field,
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> Card {
        let quota_key = QuotaKey::derive(&[1; 32], 0);
        let keys = LedgerKeys::new(LedgerKey([1; 32]), &quota_key, &mut rand_core::OsRng);
        Card {
            name: "示例银行".into(),
            group: "example".into(),
            role: CardRole::Member,
            validator: true,
            ledger_key: keys.ledger_key,
            quota_key: keys.quota_key,
            quota_key_proof: keys.quota_key_proof,
            consensus_key: "02".repeat(32),
            certificate_spki_sha256: "03".repeat(32),
            frontend_address: "bank.example:7102".into(),
            p2p_address: "bank.example:7101".into(),
        }
    }

    #[test]
    fn a_card_reads_back_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.toml");
        let card = card();
        card.write(&path).unwrap();
        assert_eq!(Card::read(&path).unwrap(), card);
        card.candidate().unwrap();
    }

    #[test]
    fn a_key_of_the_wrong_length_is_refused_by_its_field() {
        let short = Card {
            consensus_key: "02".repeat(31),
            ..card()
        };
        assert!(matches!(
            short.candidate(),
            Err(CardError::Field {
                field: "consensus_key",
                ..
            })
        ));
    }
}
