//! Dogwood's quota: what it has, and the proofs with which it moves it.

use std::sync::OnceLock;

use rand_core::OsRng;
use tacit_circuits::quota::transfer::Role;
use tacit_circuits::quota::{Account, Ciphertext, OWNER, Opening as AmountOpening, ValueTable};
use tacit_circuits::scope::{ListId, MemberId};
use tacit_frontend::ports::{Applied, Ledger as _, LedgerError};
use tacit_ledger::kernel::{Missing, StateView};
use tacit_ledger::network::action::{Opening, SessionTerms};
use tacit_ledger::network::quota::{Source, charge_context, prove_opening};
use tacit_ledger::network::{Action, Request, SessionId, read as state};

use super::{DOGWOOD_ID, Dogwood, bounded};

/// The bound of what is opened: no network of the tests holds as much.
const HELD_BOUND: u64 = 1 << 40;

impl Dogwood {
    /// What a ciphertext holds whose handle at `place` is dogwood's.
    pub(super) fn opened<const N: usize>(&self, ciphertext: &Ciphertext<N>, place: usize) -> u64 {
        static TABLE: OnceLock<ValueTable> = OnceLock::new();
        let table = TABLE.get_or_init(ValueTable::new);
        let own = ciphertext.select([place]);
        let value = table.open_vartime(&self.ledger.quota_key(0), &own, HELD_BOUND);
        value.expect("its own key opens it")
    }

    pub(super) fn account(&self) -> Account {
        self.read(|view| state::account(view, DOGWOOD_ID))
    }

    /// Makes available whatever waits.
    pub(super) fn roll_over(&self) {
        let account = self.account();
        if account.additions > 0 || account.granted_minor > 0 {
            self.submit(Action::RollOver).expect("rolled over");
        }
    }

    /// A session to open, with its escrow taken from an account that stands or does not.
    pub(super) fn opening(
        &self,
        account: &Account,
        terms: SessionTerms,
        escrow_minor: u32,
    ) -> Opening {
        let parties = self.read(|view| {
            let owner = state::list(view, terms.list)?.expect("a list").owner;
            state::quota_parties(view, DOGWOOD_ID, owner)
        });
        let key = self.ledger.quota_key(0);
        let source = Source {
            key: &key,
            available: &account.available,
            available_minor: self.opened(&account.available, OWNER),
        };
        let proven = prove_opening(
            self.ledger.chain_id(),
            DOGWOOD_ID,
            terms,
            &parties.expect("members"),
            &source,
            escrow_minor,
            &mut OsRng,
        );
        proven.expect("it is there").0
    }

    pub(super) fn open_sessions(&self, openings: Vec<Opening>) -> Result<Applied, LedgerError> {
        let openings = bounded(openings);
        self.submit(Action::OpenSessions { openings })
    }

    /// All that dogwood has, wherever it is: in its account, in the escrows of its sessions, in its deposit.
    pub(super) fn has_minor(&self) -> u64 {
        let (account, deposit, escrows) = self.read(|view| {
            let sessions = state::sessions_of(view, DOGWOOD_ID)?;
            let escrows = sessions
                .iter()
                .map(|session| state::escrow(view, session.id));
            let escrows = escrows.collect::<Result<Vec<_>, _>>()?;
            let account = state::account(view, DOGWOOD_ID)?;
            Ok((account, state::deposit(view, DOGWOOD_ID)?, escrows))
        });
        let escrows = escrows.iter();
        let escrowed: u64 = escrows
            .map(|escrow| self.opened(escrow, Role::Querier as usize))
            .sum();
        self.opened(&account.available, OWNER)
            + self.opened(&account.pending, OWNER)
            + account.granted_minor
            + escrowed
            + deposit.total_minor()
    }

    /// The opening of what a request charges above one call's price, as dogwood and the other side have it.
    pub(super) fn charge(
        &self,
        other: MemberId,
        (session, sequence): (SessionId, u64),
        above_minor: u32,
    ) -> AmountOpening {
        let key = self.read(|view| state::quota_key(view, other));
        let secret = self.ledger.quota_key(0).agree(&key.expect("a member"));
        let context = charge_context(self.ledger.chain_id(), session, sequence);
        secret.opening(&context, above_minor)
    }

    /// The seed of a request's padding, as dogwood and the other side have it.
    pub(super) fn padding_seed(&self, request: &Request) -> [u8; 32] {
        let key = self.read(|view| state::quota_key(view, request.provider));
        let secret = self.ledger.quota_key(0).agree(&key.expect("a member"));
        let context = charge_context(request.chain_id, request.session, request.sequence);
        let mut seed = [0; 32];
        secret.draw(&context, &mut seed);
        seed
    }
}

/// Whether the providers of all sessions have collected what was settled.
pub(super) fn owes_nothing(view: &dyn StateView) -> Result<bool, Missing> {
    for list in 1..=state::list_count(view)? {
        let sessions = state::sessions_with(view, ListId(list))?;
        if sessions.iter().any(|session| session.owed_requests > 0) {
            return Ok(false);
        }
    }
    Ok(true)
}
