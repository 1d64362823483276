//! What a member has, from its key and what the ledger says, and nothing else.

use super::account::{Account, AccountError, OWNER};
use super::ciphertext::Ciphertext;
use super::element::Element;
use super::key::QuotaKey;
use super::transfer::Role;
use super::value_table::ValueTable;

/// Bound of an amount.
pub const AMOUNT_BOUND: u64 = 1 << 32;

/// What happens to an account, as the ledger's events tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A public amount arrived.
    Granted {
        /// In minor units.
        amount_minor: u64,
    },
    /// The member opened a session.
    Opened {
        /// What went into escrow.
        amount: Ciphertext<3>,
    },
    /// The member was paid as a provider.
    Received {
        /// The charge.
        charge: Ciphertext<3>,
    },
    /// A session that the member had opened ended.
    Returned {
        /// What was left of its escrow.
        rest: Ciphertext<3>,
    },
    /// What waited became available.
    RolledOver,
    /// A public amount went out of what was available.
    Burnt {
        /// In minor units.
        amount_minor: u64,
    },
    /// The member changed its key.
    KeyChanged {
        /// Handles of what is available and of what waits, under the new key.
        handles: [Element; 2],
    },
}

/// Why events do not add up to a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalletError {
    /// The key does not open an amount: it is another's, or events are missing.
    #[error("the key does not open what the ledger says")]
    Unreadable,
    /// The ledger would not have let it happen: events are missing or out of order.
    #[error("more went out than there was")]
    OutOfOrder,
    /// The ledger would have refused it.
    #[error("the ledger would have refused it: {0}")]
    Refused(#[from] AccountError),
}

/// A member's own view of its account: the same ciphertexts, and what they hold.
pub struct Wallet {
    key: QuotaKey,
    account: Account,
    available_minor: u64,
    pending_minor: u64,
}

impl Wallet {
    /// Of a member whose key was just registered.
    #[must_use]
    pub fn new(key: QuotaKey) -> Self {
        Self {
            key,
            account: Account::empty(),
            available_minor: 0,
            pending_minor: 0,
        }
    }

    /// From all events of an account in their order. Keys are those of the generations that the
    /// member used, the first one first.
    ///
    /// # Errors
    /// [`WalletError`].
    pub fn recover<'a>(
        keys: &[QuotaKey],
        events: impl IntoIterator<Item = &'a Event>,
        table: &ValueTable,
    ) -> Result<Self, WalletError> {
        let mut keys = keys.iter().cloned();
        let mut wallet = Self::new(keys.next().ok_or(WalletError::Unreadable)?);
        for event in events {
            if let Event::KeyChanged { handles } = event {
                let key = keys.next().ok_or(WalletError::Unreadable)?;
                wallet.change_key(key, *handles)?;
            } else {
                wallet.apply(event, table)?;
            }
        }
        Ok(wallet)
    }

    /// From the account as it stands, without any history: searches up to `bound`, in a time that
    /// grows with what is there (see [`ValueTable`]).
    ///
    /// # Errors
    /// [`WalletError::Unreadable`].
    pub fn from_state(
        key: QuotaKey,
        account: &Account,
        table: &ValueTable,
        bound: u64,
    ) -> Result<Self, WalletError> {
        let open = |ciphertext: &Ciphertext<2>| {
            table
                .open_vartime(&key, &ciphertext.select([OWNER]), bound)
                .ok_or(WalletError::Unreadable)
        };
        let available_minor = open(&account.available)?;
        let pending_minor = open(&account.pending)?
            .checked_add(account.granted_minor)
            .ok_or(WalletError::Unreadable)?;
        Ok(Self {
            key,
            account: *account,
            available_minor,
            pending_minor,
        })
    }

    /// What may be spent, in minor units.
    #[must_use]
    pub fn available_minor(&self) -> u64 {
        self.available_minor
    }

    /// What waits, in minor units.
    #[must_use]
    pub fn pending_minor(&self) -> u64 {
        self.pending_minor
    }

    /// The account as the ledger has it.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// What a transfer or a burn takes from.
    #[must_use]
    pub fn source(&self) -> Ciphertext<1> {
        self.account.available.select([OWNER])
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &QuotaKey {
        &self.key
    }

    /// Takes in an event other than a change of the key.
    ///
    /// # Errors
    /// [`WalletError`]; the wallet is then as it was.
    pub fn apply(&mut self, event: &Event, table: &ValueTable) -> Result<(), WalletError> {
        let mut account = self.account;
        let (mut available, mut pending) = (self.available_minor, self.pending_minor);
        match event {
            Event::Granted { amount_minor } => {
                account.grant(*amount_minor)?;
                pending = add(pending, *amount_minor)?;
            }
            Event::Opened { amount } => {
                let value = self.open(amount, Role::Querier, table)?;
                account.open(amount)?;
                available = take(available, value)?;
            }
            Event::Received { charge } => {
                let value = self.open(charge, Role::Provider, table)?;
                account.receive(charge)?;
                pending = add(pending, value)?;
            }
            Event::Returned { rest } => {
                let value = self.open(rest, Role::Querier, table)?;
                account.take_back(rest);
                pending = add(pending, value)?;
            }
            Event::RolledOver => {
                account.roll_over();
                available = add(available, pending)?;
                pending = 0;
            }
            Event::Burnt { amount_minor } => {
                account.burn(*amount_minor);
                available = take(available, *amount_minor)?;
            }
            Event::KeyChanged { .. } => return Err(WalletError::Unreadable),
        }
        self.account = account;
        self.available_minor = available;
        self.pending_minor = pending;
        Ok(())
    }

    /// Goes over to the next key.
    ///
    /// # Errors
    /// [`WalletError::Unreadable`] where it does not open what the handles say; the wallet is then as
    /// it was.
    pub fn change_key(&mut self, key: QuotaKey, handles: [Element; 2]) -> Result<(), WalletError> {
        let mut account = self.account;
        account.replace_handles(OWNER, handles);
        let pending = account.pending.plus_public(account.granted_minor);
        let opens = account
            .available
            .select([OWNER])
            .opens_to(&key, self.available_minor)
            && pending.select([OWNER]).opens_to(&key, self.pending_minor);
        if !opens {
            return Err(WalletError::Unreadable);
        }
        self.account = account;
        self.key = key;
        Ok(())
    }

    fn open(
        &self,
        amount: &Ciphertext<3>,
        role: Role,
        table: &ValueTable,
    ) -> Result<u64, WalletError> {
        table
            .open_vartime(&self.key, &amount.select([role as usize]), AMOUNT_BOUND)
            .ok_or(WalletError::Unreadable)
    }
}

fn add(sum: u64, value: u64) -> Result<u64, WalletError> {
    sum.checked_add(value).ok_or(WalletError::OutOfOrder)
}

fn take(sum: u64, value: u64) -> Result<u64, WalletError> {
    sum.checked_sub(value).ok_or(WalletError::OutOfOrder)
}
