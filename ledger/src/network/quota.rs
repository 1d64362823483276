//! What proofs about quota are bound to, and how parties make them.
//!
//! A member holds quota in two places: confidentially in its *account*, from which it opens sessions, and in
//! the plain in its *deposit*, from which penalties and the stakes of disputes are taken without asking
//! it. It moves quota from one to the other itself.
//!
//! # Charges
//! Each request of a session charges its price for every call that is not padding. One call's price is
//! public, for no request charges less; what is above it is in the request's commitment. Querier and
//! provider know the opening from the secret that their keys share, under [`charge_context`]; the sum
//! of a session's commitments is what its provider collects, by one proof.
//!
//! # Contexts
//! Every proof names all that it must not be moved away from. None names a sequence number: what an
//! amount is taken from stands in the statement, and never comes back.

use rand_core::{CryptoRng, RngCore};
use tacit_circuits::quota::transfer::{Kind, Parties, ProveError, Transfer};
use tacit_circuits::quota::{
    Account, BurnProof, BurnStatement, Ciphertext, KeyChange, KeyChangeStatement, OWNER,
    Opening as AmountOpening, QuotaKey, QuotaKeyProof, QuotaPublicKey,
};

use crate::kernel::ChainId;
use crate::kernel::MemberId;
use crate::kernel::codec::Bytes;
use crate::kernel::hash::{self, label};
use crate::kernel::party::LedgerKey;
use crate::network::action::{Action, Opening, SessionTerms};
use crate::network::record::{Session, SessionId};

/// Bytes of an escrow with its proof.
pub const ESCROW_TRANSFER_BYTES: usize = Kind::Open.transfer_bytes();

/// Bytes of a collected charge with its proof.
pub const CHARGE_TRANSFER_BYTES: usize = Kind::Settle.transfer_bytes();

/// What the proof of possession of a quota key is bound to: the ledger key of the same institution.
#[must_use]
pub fn key_context(ledger_key: &LedgerKey) -> [u8; 32] {
    hash::hash_encoded(&label::QUOTA_KEY, ledger_key).0
}

/// Proves possession of a quota key, for an institution's candidacy.
pub fn prove_key<R: RngCore + CryptoRng>(
    key: &QuotaKey,
    ledger_key: &LedgerKey,
    rng: &mut R,
) -> QuotaKeyProof {
    QuotaKeyProof::prove(key, &key_context(ledger_key), rng)
}

/// What the escrow of a session is bound to.
#[must_use]
pub fn escrow_context(chain_id: ChainId, querier: MemberId, terms: &SessionTerms) -> [u8; 32] {
    hash::hash_encoded(&label::SESSION_ESCROW, &(chain_id, querier, terms)).0
}

/// What the collection of a session's charges is bound to.
#[must_use]
pub fn collection_context(chain_id: ChainId, session: SessionId, requests: u32) -> [u8; 32] {
    hash::hash_encoded(&label::COLLECTION, &(chain_id, session, requests)).0
}

/// Under what querier and provider draw the blinding of a request's charge, and its padding.
#[must_use]
pub fn charge_context(chain_id: ChainId, session: SessionId, sequence: u64) -> [u8; 32] {
    hash::hash_encoded(&label::CHARGE, &(chain_id, session, sequence)).0
}

/// What a deposit is bound to.
#[must_use]
pub fn deposit_context(chain_id: ChainId, member: MemberId, amount_minor: u64) -> [u8; 32] {
    hash::hash_encoded(&label::DEPOSIT, &(chain_id, member, amount_minor)).0
}

/// What the change of a member's key is bound to.
#[must_use]
pub fn key_change_context(chain_id: ChainId, member: MemberId) -> [u8; 32] {
    hash::hash_encoded(&label::QUOTA_KEY_CHANGE, &(chain_id, member)).0
}

/// What a member's key change is about: the handles of its account, from the one key to the other.
#[must_use]
pub fn key_change_statement<'a>(
    chain_id: ChainId,
    member: MemberId,
    account: &Account,
    old: &'a QuotaPublicKey,
    new: &'a QuotaPublicKey,
) -> KeyChangeStatement<'a> {
    let handle = |ciphertext: &Ciphertext<2>| ciphertext.handles[OWNER];
    KeyChangeStatement {
        context: key_change_context(chain_id, member),
        old,
        new,
        handles: [handle(&account.available), handle(&account.pending)],
    }
}

/// The change of a member's key.
pub fn prove_key_change<R: RngCore + CryptoRng>(
    chain_id: ChainId,
    member: MemberId,
    account: &Account,
    old: &QuotaKey,
    new: &QuotaKey,
    rng: &mut R,
) -> Action {
    let keys = (old.public(), new.public());
    let statement = key_change_statement(chain_id, member, account, &keys.0, &keys.1);
    let change = KeyChange::prove(&statement, old, new, rng);
    Action::ChangeQuotaKey {
        key: keys.1,
        change: Bytes::try_from(change.to_bytes().to_vec()).expect("a change has its length"),
    }
}

/// A key, what its holder has available by it, and how much that is: what a member proves from.
pub struct Source<'a> {
    /// The member's key.
    pub key: &'a QuotaKey,
    /// What is available, for owner and supervisor.
    pub available: &'a Ciphertext<2>,
    /// How much that is, in minor units.
    pub available_minor: u64,
}

/// A session to open, with its escrow taken from `source`.
///
/// # Errors
/// [`ProveError`] where the proof would be false: among them that there is too little.
pub fn prove_opening<R: RngCore + CryptoRng>(
    chain_id: ChainId,
    querier: MemberId,
    terms: SessionTerms,
    parties: &Parties,
    source: &Source<'_>,
    escrow_minor: u32,
    rng: &mut R,
) -> Result<(Opening, Ciphertext<3>), ProveError> {
    let transfer = Transfer::prove(
        Kind::Open,
        escrow_context(chain_id, querier, &terms),
        parties,
        &source.available.select([OWNER]),
        source.key,
        source.available_minor,
        &AmountOpening::random(escrow_minor, rng),
        rng,
    )?;
    let escrow = Bytes::try_from(transfer.to_bytes()).expect("a transfer has its length");
    Ok((Opening { terms, escrow }, transfer.amount))
}

/// The collection of what a session owes, by its provider.
pub struct Collection<'a> {
    /// The session as it stands.
    pub session: &'a Session,
    /// Its escrow as it stands.
    pub escrow: &'a Ciphertext<3>,
    /// How much that is, in minor units.
    pub escrow_minor: u64,
    /// The opening of the sum of the commitments that are owed.
    pub owed: &'a AmountOpening,
}

impl Collection<'_> {
    /// Proves it.
    ///
    /// # Errors
    /// [`ProveError`] where the proof would be false.
    pub fn prove<R: RngCore + CryptoRng>(
        &self,
        chain_id: ChainId,
        parties: &Parties,
        key: &QuotaKey,
        closes: bool,
        rng: &mut R,
    ) -> Result<Action, ProveError> {
        let session = self.session;
        let source = source_of_charges(session, self.escrow);
        let public_minor = session.owed_public_minor();
        let source_minor = self
            .escrow_minor
            .checked_sub(public_minor)
            .ok_or(ProveError::Exhausted)?;
        let transfer = Transfer::prove(
            Kind::Settle,
            collection_context(chain_id, session.id, session.owed_requests),
            parties,
            &source,
            key,
            source_minor,
            self.owed,
            rng,
        )?;
        let charge = Bytes::try_from(transfer.to_bytes()).expect("a transfer has its length");
        Ok(Action::CollectCharges {
            session: session.id,
            charge,
            closes,
        })
    }
}

/// What the confidential part of a session's charges is taken from, under the provider's handle: the
/// escrow less the public part.
pub(crate) fn source_of_charges(session: &Session, escrow: &Ciphertext<3>) -> Ciphertext<1> {
    let provider = tacit_circuits::quota::transfer::Role::Provider as usize;
    escrow
        .minus_public(session.owed_public_minor())
        .select([provider])
}

/// Quota put from a member's account into its deposit.
///
/// # Errors
/// [`ProveError`] where the proof would be false: among them that there is too little.
pub fn prove_deposit<R: RngCore + CryptoRng>(
    chain_id: ChainId,
    member: MemberId,
    source: &Source<'_>,
    amount_minor: u64,
    rng: &mut R,
) -> Result<Action, ProveError> {
    let statement = BurnStatement {
        context: deposit_context(chain_id, member, amount_minor),
        key: &source.key.public(),
        source: &source.available.select([OWNER]),
        amount_minor,
    };
    let proof = BurnProof::prove(&statement, source.key, source.available_minor, rng)?;
    let proof = Bytes::try_from(proof.to_bytes()).expect("a proof has its length");
    Ok(Action::Deposit {
        amount_minor,
        proof,
    })
}
