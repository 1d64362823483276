//! What a member has, opened by itself or by the supervisor.

use tacit_circuits::quota::transfer::Role;
use tacit_circuits::quota::{Ciphertext, OWNER, SUPERVISOR};
use tacit_circuits::scope::MemberId;
use tacit_ledger::network::{Deposit, read as state};

use super::{Opener, WalletError};
use crate::ports::{Ledger, read};

/// With whose key amounts are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eye {
    /// The member's own.
    Own,
    /// The supervisor's.
    Supervisor,
}

impl Eye {
    /// The place of its handle in the ciphertexts of an account.
    #[must_use]
    pub const fn place(self) -> usize {
        match self {
            Self::Own => OWNER,
            Self::Supervisor => SUPERVISOR,
        }
    }
}

/// What a member has, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// What may be spent at once.
    pub available_minor: u64,
    /// What waits to be rolled over.
    pub waiting_minor: u64,
    /// What stands in the escrows of its open sessions.
    pub escrowed_minor: u64,
    /// Its deposit, in the plain.
    pub deposit: Deposit,
}

/// Opens what a member has.
///
/// # Errors
/// [`WalletError`]; [`WalletError::Unreadable`] where the opener's key is not the one that `eye` says.
pub async fn holdings(
    ledger: &dyn Ledger,
    opener: &Opener,
    member: MemberId,
    eye: Eye,
) -> Result<Holdings, WalletError> {
    let (account, deposit, escrows) = read(ledger, |view| {
        let account = state::account(view, member)?;
        let deposit = state::deposit(view, member)?;
        let sessions = state::sessions_of(view, member)?;
        let escrows = sessions
            .iter()
            .map(|session| state::escrow(view, session.id));
        Ok((account, deposit, escrows.collect::<Result<Vec<_>, _>>()?))
    })
    .await?;
    let escrowed = escrows
        .iter()
        .fold(Ciphertext::<3>::zero(), |sum, escrow| sum.plus(escrow));
    let escrow_place = match eye {
        Eye::Own => Role::Querier as usize,
        Eye::Supervisor => Role::Supervisor as usize,
    };
    let open = async |ciphertext| {
        let opened = opener.open(ciphertext).await;
        opened.ok_or(WalletError::Unreadable)
    };
    let place = [eye.place()];
    let pending_minor = open(account.pending.select(place)).await?;
    Ok(Holdings {
        available_minor: open(account.available.select(place)).await?,
        waiting_minor: pending_minor + account.granted_minor,
        escrowed_minor: open(escrowed.select([escrow_place])).await?,
        deposit,
    })
}
