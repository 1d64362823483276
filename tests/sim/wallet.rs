//! Members' quota: their keys, what they open with them, and the proofs with which they move it.

use crate::network::{member_of, quota_key};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use std::sync::OnceLock;
use tacit_circuits::quota::{
    Account, Ciphertext, OWNER, Opening as AmountOpening, ValueTable, transfer::Role,
};
use tacit_ledger::{
    kernel::{BoundedVec, ChainId, MemberId, Missing, StateView},
    network::{
        Action, Session,
        action::SessionTerms,
        quota::{Collection, Source, charge_context, prove_opening},
        read,
    },
};

/// The bound of what is opened: no network of a run holds as much.
const HELD_BOUND: u64 = 1 << 40;
/// Bits of the table with which it is searched: made in an instant, and enough for sums of 2³⁰.
const TABLE_BITS: u32 = 16;
/// What is drawn for a transaction's proofs is drawn for nothing else: numbers of sessions and batches,
/// from which the story draws too, never come here.
const PROOFS: u64 = 1 << 63;

/// Randomness of the proofs in one transaction: whoever tells it again after a crash comes to the same
/// bytes.
fn proof_rng(index: usize, sequence: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(PROOFS | (index as u64) << 48 | sequence)
}

/// What a ciphertext holds for the member at `index`; `None` where that is below zero, or not sealed to it.
fn opened<const N: usize>(index: usize, ciphertext: &Ciphertext<N>, place: usize) -> Option<u64> {
    static TABLE: OnceLock<ValueTable> = OnceLock::new();
    let table = TABLE.get_or_init(|| ValueTable::with_bits(TABLE_BITS));
    table.open_vartime(&quota_key(index), &ciphertext.select([place]), HELD_BOUND)
}

/// What the member at `index` has in its account, whether it waits or not.
pub(crate) fn held(index: usize, account: &Account) -> Option<u64> {
    let available = opened(index, &account.available, OWNER)?;
    let pending = opened(index, &account.pending, OWNER)?;
    Some(available + pending + account.granted_minor)
}

/// What is left of the escrow of a session that the member at `querier` opened.
pub(crate) fn left(querier: usize, escrow: &Ciphertext<3>) -> Option<u64> {
    opened(querier, escrow, Role::Querier as usize)
}

/// Opens a session of the member at `querier` with the one at `provider`.
pub(crate) fn open(
    view: &dyn StateView,
    chain_id: ChainId,
    (querier, provider): (usize, usize),
    terms: SessionTerms,
    escrow_minor: u32,
    sequence: u64,
) -> Result<Action, Missing> {
    let me = member_of(querier);
    let available = read::account(view, me)?.available;
    let parties = read::quota_parties(view, me, member_of(provider))?.expect("both are members");
    let key = quota_key(querier);
    let source = Source {
        key: &key,
        available: &available,
        available_minor: opened(querier, &available, OWNER).expect("its own key opens it"),
    };
    let (opening, _) = prove_opening(
        chain_id,
        me,
        terms,
        &parties,
        &source,
        escrow_minor,
        &mut proof_rng(querier, sequence),
    )
    .expect("a run is too short to spend a welcome grant");
    let openings = BoundedVec::try_from(vec![opening]).expect("one fits");
    Ok(Action::OpenSessions { openings })
}

/// Collects what a session owes the member at `provider`, which are the charges `owed`.
pub(crate) fn collect(
    view: &dyn StateView,
    chain_id: ChainId,
    (querier, provider): (usize, usize),
    session: &Session,
    owed: &[AmountOpening],
    closes: bool,
    sequence: u64,
) -> Result<Action, Missing> {
    let escrow = read::escrow(view, session.id)?;
    let parties = read::quota_parties(view, member_of(querier), member_of(provider))?;
    let escrow_minor = opened(provider, &escrow, Role::Provider as usize);
    let collection = Collection {
        session,
        escrow: &escrow,
        escrow_minor: escrow_minor.expect("its own key opens it"),
        owed: &AmountOpening::sum(owed).expect("a small sum"),
    };
    let action = collection.prove(
        chain_id,
        &parties.expect("both are members"),
        &quota_key(provider),
        closes,
        &mut proof_rng(provider, sequence),
    );
    Ok(action.expect("the escrow covers what the querier asks"))
}

/// What querier and provider of a session share for one of its requests.
pub(crate) struct Agreed {
    secret: tacit_circuits::quota::SharedSecret,
    context: [u8; 32],
}

impl Agreed {
    pub(crate) fn on(
        (querier, provider): (usize, usize),
        chain_id: ChainId,
        session: &Session,
        sequence: u64,
    ) -> Self {
        Self {
            secret: quota_key(querier).agree(&quota_key(provider).public()),
            context: charge_context(chain_id, session.id, sequence),
        }
    }

    /// The opening of what a request charges above one call's price.
    pub(crate) fn opening(&self, price_minor: u32, charged_calls: u32) -> AmountOpening {
        let above = price_minor * charged_calls.saturating_sub(1);
        self.secret.opening(&self.context, above)
    }

    /// The seed of its padding.
    pub(crate) fn seed(&self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.secret.draw(&self.context, &mut seed);
        seed
    }
}

/// Everything that the members hold in a state, in minor units, with what the ledger says that there is.
pub(crate) fn supply(view: &dyn StateView) -> Result<(Option<u64>, u64), Missing> {
    let mut sum = Some(0);
    for member in read::members(view)? {
        let index = place_of(member.id);
        let account = read::account(view, member.id)?;
        let deposit = read::deposit(view, member.id)?.total_minor();
        let mut holds = held(index, &account).map(|held| held + deposit);
        for session in read::sessions_of(view, member.id)? {
            let escrow = read::escrow(view, session.id)?;
            holds = holds.zip(left(index, &escrow)).map(|(a, b)| a + b);
        }
        sum = sum.zip(holds).map(|(a, b)| a + b);
    }
    let supply = read::supply(view)?;
    Ok((sum, supply.minted_minor - supply.burnt_minor))
}

fn place_of(member: MemberId) -> usize {
    member.0 as usize - 1
}
