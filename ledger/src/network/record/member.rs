//! Members: where to reach them, and how they stand.

use borsh::{BorshDeserialize, BorshSerialize};
use std::fmt;
use tacit_circuits::scope::MemberId;

use crate::kernel::Reject;
use crate::kernel::codec::{BoundedVec, Text};
use crate::kernel::context::require;
use crate::kernel::party::{LedgerKey, Name, Party, PartyStatus, Role, key_bytes};

/// Longest address: the longest DNS name with a port.
pub const MAX_ADDRESS_BYTES: usize = 253 + 6;

/// `host:port`, without white space. Resolved by whoever connects, not by the ledger.
pub type Address = Text<MAX_ADDRESS_BYTES>;

/// Refuses what is not `host:port` with a port of 1 to 65535, in digits alone. Whether the host exists
/// is for whoever connects to find out.
pub(crate) fn check_address(address: &Address) -> Result<(), Reject> {
    let parts = address.as_str().rsplit_once(':');
    let well_formed = parts.is_some_and(|(host, port)| {
        let is_number = port.bytes().all(|digit| digit.is_ascii_digit());
        let port_fits = is_number && port.parse::<u16>().is_ok_and(|port| port > 0);
        port_fits && !host.is_empty() && !host.chars().any(char::is_whitespace)
    });
    require(well_formed, Reject::VALUE_OUT_OF_RANGE)
}

key_bytes! {
    /// Ed25519 key of a party's node: it names the node among its peers, and a validator votes with it.
    ConsensusKey
}

key_bytes! {
    /// SHA-256 of the DER form of a certificate's SubjectPublicKeyInfo (RFC 7469, section 2.4): the key
    /// of the party's front end, whoever signed its certificate.
    SpkiHash
}

/// Where a party is reached, and by which keys it is known there.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Profile {
    /// Key of its node.
    pub consensus_key: ConsensusKey,
    /// Key of its front end's certificate.
    pub tls_spki_hash: SpkiHash,
    /// Where its front end serves other members.
    pub front_end_address: Address,
    /// Where its node takes part in consensus.
    pub p2p_address: Address,
}

/// A party with its profile, as readers want it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Number.
    pub id: MemberId,
    /// The institution's name.
    pub name: Name,
    /// Corporate group.
    pub group: Name,
    /// What it may do.
    pub role: Role,
    /// Whether it belongs to the network now.
    pub status: PartyStatus,
    /// Key with which it signs.
    pub ledger_key: LedgerKey,
    /// Where it is reached.
    pub profile: Profile,
    /// Whether it validates.
    pub validator: bool,
}

impl Member {
    /// True when it belongs to the network now.
    pub fn is_active(&self) -> bool {
        self.status == PartyStatus::Active
    }

    pub(crate) fn new(party: Party, profile: Profile, validator: bool) -> Self {
        let Party {
            id,
            name,
            group,
            role,
            status,
            ledger_key,
        } = party;
        Self {
            id,
            name,
            group,
            role,
            status,
            ledger_key,
            profile,
            validator,
        }
    }
}

/// Validators of one network. A certificate of finality carries a signature of each that voted and is
/// bounded by this number; it may not exceed what the agreement engine forms committees of.
pub const MAX_VALIDATORS: usize = 128;

/// One validator of the network.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Validator {
    /// Party.
    pub member: MemberId,
    /// Key with which it votes.
    pub consensus_key: ConsensusKey,
}

/// The validators, by number. Consensus takes the set of an epoch from the state before it begins.
pub type Validators = BoundedVec<Validator, MAX_VALIDATORS>;

/// What a party asked and served so far. Details are in the events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct History {
    /// Calls that it made.
    pub asked_calls: u64,
    /// Batches of them.
    pub asked_batches: u64,
    /// Calls that it answered.
    pub served_calls: u64,
    /// Batches of them.
    pub served_batches: u64,
    /// What was minted to it when it collected their charges, in minor units.
    pub rewarded_minor: u64,
}
