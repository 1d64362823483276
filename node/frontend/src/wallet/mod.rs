//! This member's confidential quota: what it has, and the proofs with which it moves it.
//!
//! The ledger is all there is to know it from: balances and escrows are opened with the member's key where
//! they stand, so that whoever loses the database loses no quota.

mod agreed;
mod holdings;
mod keys;
mod opener;

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand_core::OsRng;
use tacit_circuits::quota::transfer::{ProveError, Role};
use tacit_circuits::quota::{Account, Ciphertext, OWNER, Opening as AmountOpening, SharedSecret};
use tacit_circuits::scope::MemberId;
use tacit_ledger::kernel::{BoundedVec, Reject};
use tacit_ledger::network::action::SessionTerms;
use tacit_ledger::network::quota::{Collection, Source, prove_deposit, prove_opening};
use tacit_ledger::network::{Action, Session, SessionId, read as state};
use tokio::time::sleep;

use crate::compute::compute;
use crate::ports::{Applied, Ledger, LedgerError, read};
use crate::tasks::Tasks;
pub(crate) use agreed::Agreed;
pub use agreed::padded_size;
pub use holdings::{Eye, Holdings, holdings};
pub use keys::{KeyInUse, NoSessions};
pub use opener::Opener;

/// Amounts that wait before they are rolled over though nobody needs them. The ledger takes 65,536.
const MAX_WAITING: u32 = 4_096;

/// Sessions of which it is remembered what their sides share. When there are more, all are forgotten, and found
/// anew in a moment.
const MAX_SECRETS: usize = 4_096;

/// How often it is looked whether too many wait.
const TEND_INTERVAL: Duration = Duration::from_secs(60);

/// How often a proof is made anew because the account changed under it: another front end of the same
/// member, or a transaction of a former run, was faster.
const MAX_ATTEMPTS: usize = 4;

/// Why quota could not be moved.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WalletError {
    /// The ledger, or its rules.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// There is too little.
    #[error("{needed_minor} minor units are needed, and {available_minor} are there")]
    Exhausted {
        /// What is needed.
        needed_minor: u64,
        /// What there is, whether it waits or not.
        available_minor: u64,
    },
    /// The member's key does not open what the ledger has under its name.
    #[error(
        "this member's key for quota does not open its account: is it the key that it joined with?"
    )]
    Unreadable,
    /// A fault of this program.
    #[error("a proof about quota could not be made: {0}")]
    Proof(#[from] ProveError),
    /// The ledger knows one of the parties not.
    #[error("member {0} has no key for quota")]
    NoKey(MemberId),
    /// Amounts are sealed to a key that does not follow from this node's ledger key.
    #[error(
        "the key to which this member's quota is sealed on the ledger is none of this node's: its ledger key is another one"
    )]
    ForeignKey,
    /// The key is being changed: what would be opened now would hold that up.
    #[error(
        "this member is changing the key to which its quota is sealed, and opens no session until that is done"
    )]
    KeyChanging,
    /// What the two sides of a request shared is not found: one of them changed its key since, and this node never
    /// read the block of that.
    #[error("the keys under which the padding of the request was drawn are not known to this node")]
    NotAgreed,
    /// The account changes faster than proofs are made.
    #[error("the account changed under every proof; try again")]
    Contended,
}

impl WalletError {
    /// Whether it is not known what became of the transaction.
    pub(crate) fn is_unavailable(&self) -> bool {
        matches!(self, Self::Ledger(LedgerError::Unavailable(_)))
    }
}

/// A session to open: its terms, who answers, and its escrow in minor units.
pub(crate) type Wanted = (SessionTerms, MemberId, u32);

/// The wallet of one front end. Clones share it.
#[derive(Clone)]
pub struct Wallet(Arc<Inner>);

struct Inner {
    ledger: Arc<dyn Ledger>,
    opener: Opener,
    /// One proof at a time: each takes from what the one before left.
    turn: tokio::sync::Mutex<()>,
    /// By session: neither side changes its key while one is open.
    secrets: Mutex<HashMap<SessionId, SharedSecret>>,
    /// Whether no session is to be opened: the key is being changed.
    held: Arc<AtomicBool>,
}

impl Wallet {
    /// Over a ledger, with the key that is registered there.
    pub(crate) async fn start(ledger: Arc<dyn Ledger>, tasks: &Tasks) -> Result<Self, WalletError> {
        let inner = Inner {
            opener: Opener::of_generations(keys::registered(&*ledger).await?),
            ledger,
            turn: tokio::sync::Mutex::default(),
            secrets: Mutex::default(),
            held: Arc::default(),
        };
        let wallet = Self(Arc::new(inner));
        tasks.spawn(Opener::prepare());
        tasks.spawn(wallet.clone().tend());
        tasks.spawn(wallet.clone().follow_keys());
        Ok(wallet)
    }

    /// The ledger on which it is.
    pub(crate) fn ledger(&self) -> Arc<dyn Ledger> {
        self.0.ledger.clone()
    }

    /// What opens amounts that are sealed to this member.
    pub fn opener(&self) -> &Opener {
        &self.0.opener
    }

    /// What this member has.
    ///
    /// # Errors
    /// [`WalletError`].
    pub async fn holdings(&self) -> Result<Holdings, WalletError> {
        let me = self.0.ledger.member_id();
        holdings(&*self.0.ledger, &self.0.opener, me, Eye::Own).await
    }

    /// What this member may spend, rolled over or waiting, in minor units.
    ///
    /// # Errors
    /// [`WalletError`].
    pub async fn available(&self) -> Result<u64, WalletError> {
        let me = self.0.ledger.member_id();
        let account = read(&*self.0.ledger, |view| state::account(view, me)).await?;
        let (available_minor, waiting_minor) = self.open_account(&account).await?;
        Ok(available_minor + waiting_minor)
    }

    /// What an account that this member read holds: available, and waiting.
    pub(crate) async fn open_account(&self, account: &Account) -> Result<(u64, u64), WalletError> {
        let available = self.open(&account.available, OWNER).await?;
        let pending = self.open(&account.pending, OWNER).await?;
        Ok((available, pending + account.granted_minor))
    }

    /// What a ciphertext holds whose handle at `place` is this member's.
    pub(crate) async fn open<const N: usize>(
        &self,
        ciphertext: &Ciphertext<N>,
        place: usize,
    ) -> Result<u64, WalletError> {
        let opened = self.0.opener.open(ciphertext.select([place])).await;
        opened.ok_or(WalletError::Unreadable)
    }

    /// What this member shares with the other side of an open session.
    pub(crate) async fn secret(
        &self,
        session: SessionId,
        other: MemberId,
    ) -> Result<SharedSecret, WalletError> {
        let lock = || {
            let secrets = &self.0.secrets;
            secrets.lock().unwrap_or_else(PoisonError::into_inner)
        };
        let known = lock().get(&session).cloned();
        if let Some(secret) = known {
            return Ok(secret);
        }
        let key = read(&*self.0.ledger, |view| state::quota_key(view, other)).await?;
        let key = key.ok_or(WalletError::NoKey(other))?;
        let secret = self.0.opener.key().agree(&key);
        let mut secrets = lock();
        if secrets.len() >= MAX_SECRETS {
            secrets.clear();
        }
        secrets.insert(session, secret.clone());
        Ok(secret)
    }

    /// Opens sessions, after rolling over and depositing what that takes.
    pub(crate) async fn open_sessions(&self, wanted: &[Wanted]) -> Result<Applied, WalletError> {
        if self.holds_sessions() {
            return Err(WalletError::KeyChanging);
        }
        let needed_minor = wanted.iter().map(|(_, _, escrow)| u64::from(*escrow)).sum();
        let _turn = self.0.turn.lock().await;
        for _ in 0..MAX_ATTEMPTS {
            self.keep_deposit(0).await?;
            let (account, available_minor) = self.with_available(needed_minor).await?;
            let action = self
                .prove_openings(wanted, account, available_minor)
                .await?;
            if let Some(applied) = self.submit(action).await? {
                return Ok(applied);
            }
        }
        Err(WalletError::Contended)
    }

    async fn prove_openings(
        &self,
        wanted: &[Wanted],
        account: Account,
        available_minor: u64,
    ) -> Result<Action, WalletError> {
        let me = self.0.ledger.member_id();
        let mut all = Vec::with_capacity(wanted.len());
        for (terms, provider, escrow_minor) in wanted {
            let parties = read(&*self.0.ledger, |view| {
                state::quota_parties(view, me, *provider)
            });
            let parties = parties.await?.ok_or(WalletError::NoKey(*provider))?;
            all.push((*terms, parties, *escrow_minor));
        }
        let chain_id = self.0.ledger.chain_id();
        let opener = self.0.opener.clone();
        let openings = compute(move || {
            let key = opener.key();
            let (mut available, mut left) = (account.available, available_minor);
            let mut openings = Vec::with_capacity(all.len());
            for (terms, parties, escrow_minor) in all {
                let source = Source {
                    key: &key,
                    available: &available,
                    available_minor: left,
                };
                let (opening, escrow) = prove_opening(
                    chain_id,
                    me,
                    terms,
                    &parties,
                    &source,
                    escrow_minor,
                    &mut OsRng,
                )?;
                openings.push(opening);
                let own = [Role::Querier as usize, Role::Supervisor as usize];
                available = available.minus(&escrow.select(own));
                left -= u64::from(escrow_minor);
                // What will be found on the ledger needs no search.
                opener.note(available.select([OWNER]), left);
                opener.note(escrow.select([Role::Querier as usize]), escrow_minor.into());
            }
            Ok::<_, ProveError>(openings)
        })
        .await?;
        let openings = BoundedVec::try_from(openings)
            .map_err(|error| LedgerError::Unavailable(error.to_string()))?;
        Ok(Action::OpenSessions { openings })
    }

    /// Collects what a session owes this member, where `owed` opens the sum of what its requests committed to.
    pub(crate) async fn collect(
        &self,
        session: Session,
        owed: AmountOpening,
        closes: bool,
    ) -> Result<Applied, WalletError> {
        let (parties, escrow) = read(&*self.0.ledger, |view| {
            let parties = state::quota_parties(view, session.querier, session.provider)?;
            Ok((parties, state::escrow(view, session.id)?))
        })
        .await?;
        let parties = parties.ok_or(WalletError::NoKey(session.querier))?;
        let escrow_minor = self.open(&escrow, Role::Provider as usize).await?;
        let chain_id = self.0.ledger.chain_id();
        let opener = self.0.opener.clone();
        let action = compute(move || {
            let collection = Collection {
                session: &session,
                escrow: &escrow,
                escrow_minor,
                owed: &owed,
            };
            collection.prove(chain_id, &parties, &opener.key(), closes, &mut OsRng)
        })
        .await?;
        Ok(self.0.ledger.submit(action).await?)
    }

    /// Makes available what waits.
    ///
    /// # Errors
    /// [`WalletError`].
    pub async fn roll_over(&self) -> Result<Applied, WalletError> {
        let _turn = self.0.turn.lock().await;
        Ok(self.0.ledger.submit(Action::RollOver).await?)
    }

    /// Puts quota into the deposit.
    ///
    /// # Errors
    /// [`WalletError`].
    pub async fn deposit(&self, amount_minor: u64) -> Result<Applied, WalletError> {
        let _turn = self.0.turn.lock().await;
        self.put_into_deposit(amount_minor).await
    }

    /// Takes quota out of the deposit, as far as the rules let it.
    ///
    /// # Errors
    /// [`WalletError`].
    pub async fn withdraw(&self, amount_minor: u64) -> Result<Applied, WalletError> {
        Ok(self
            .0
            .ledger
            .submit(Action::Withdraw { amount_minor })
            .await?)
    }

    /// Sees that the deposit is the governed one at the least, and that so much of it is bound by nothing.
    pub(crate) async fn ensure_deposit(&self, free_minor: u64) -> Result<(), WalletError> {
        let _turn = self.0.turn.lock().await;
        self.keep_deposit(free_minor).await
    }

    async fn keep_deposit(&self, free_minor: u64) -> Result<(), WalletError> {
        let me = self.0.ledger.member_id();
        let (deposit, governed) = read(&*self.0.ledger, |view| {
            let governed = state::parameters(view)?.deposit_minor;
            Ok((state::deposit(view, me)?, governed))
        })
        .await?;
        let lacks_total = governed.saturating_sub(deposit.total_minor());
        let lacks_free = free_minor.saturating_sub(deposit.free_minor);
        match lacks_total.max(lacks_free) {
            0 => Ok(()),
            lacking => self.put_into_deposit(lacking).await.map(drop),
        }
    }

    async fn put_into_deposit(&self, amount_minor: u64) -> Result<Applied, WalletError> {
        let (me, chain_id) = (self.0.ledger.member_id(), self.0.ledger.chain_id());
        for _ in 0..MAX_ATTEMPTS {
            let (account, available_minor) = self.with_available(amount_minor).await?;
            let opener = self.0.opener.clone();
            let action = compute(move || {
                let source = Source {
                    key: &opener.key(),
                    available: &account.available,
                    available_minor,
                };
                prove_deposit(chain_id, me, &source, amount_minor, &mut OsRng)
            })
            .await?;
            if let Some(applied) = self.submit(action).await? {
                return Ok(applied);
            }
        }
        Err(WalletError::Contended)
    }

    /// The account with so much available, after rolling over if that is what it takes.
    async fn with_available(&self, needed_minor: u64) -> Result<(Account, u64), WalletError> {
        let me = self.0.ledger.member_id();
        let account = read(&*self.0.ledger, |view| state::account(view, me)).await?;
        let (available_minor, waiting_minor) = self.open_account(&account).await?;
        if available_minor >= needed_minor {
            return Ok((account, available_minor));
        }
        if available_minor + waiting_minor < needed_minor {
            return Err(WalletError::Exhausted {
                needed_minor,
                available_minor: available_minor + waiting_minor,
            });
        }
        self.0.ledger.submit(Action::RollOver).await?;
        let account = read(&*self.0.ledger, |view| state::account(view, me)).await?;
        let available_minor = self.open(&account.available, OWNER).await?;
        Ok((account, available_minor))
    }

    /// Submits what was proven; `None` where the account is another by now.
    async fn submit(&self, action: Action) -> Result<Option<Applied>, WalletError> {
        match self.0.ledger.submit(action).await {
            Ok(applied) => Ok(Some(applied)),
            Err(LedgerError::Rejected(Reject::TRANSFER_INVALID)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Rolls over what has waited for long, so that there is always room.
    async fn tend(self) {
        let me = self.0.ledger.member_id();
        loop {
            sleep(TEND_INTERVAL).await;
            let account = read(&*self.0.ledger, |view| state::account(view, me)).await;
            let tended = match account {
                Ok(account) if account.additions >= MAX_WAITING => self.roll_over().await.map(drop),
                Ok(_) => Ok(()),
                Err(error) => Err(error.into()),
            };
            if let Err(error) = tended {
                tracing::warn!(%error, "wallet.roll_over: trying again");
            }
        }
    }
}
