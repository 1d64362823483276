//! Kinds of movements, and between which parts of a member's quota each of them goes.

use tacit_circuits::quota::transfer::Role;

/// Why a member's quota moved. The numbers stand in tables of rows and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MovementKind {
    /// Granted at admission. A part of it goes on into the deposit.
    Grant = 1,
    /// Put aside when a session opened. Sealed.
    Escrow = 2,
    /// Returned from the escrow of a session. Sealed; it may hold nothing.
    Refund = 3,
    /// Paid out of escrow to a provider, when the provider collected it: one call's price for each
    /// request, and sealed what they charged above it.
    Charge = 4,
    /// Received for calls served: what the querier's charge says.
    Earning = 5,
    /// Minted for requests served.
    Reward = 6,
    /// Taken from the deposit for a breach of the rules.
    Penalty = 7,
    /// Put aside from the deposit for a dispute.
    Stake = 8,
    /// Returned from a dispute to the deposit.
    StakeReturned = 9,
    /// Lost in a dispute: it was put aside before.
    StakeLost = 10,
    /// Received from whoever lost a dispute.
    Compensation = 11,
    /// Put from the account into the deposit.
    Deposit = 12,
    /// Taken from the deposit into the account.
    Withdrawal = 13,
    /// What waited in the account became available. Nothing came or went: the public part is what public
    /// amounts were among it.
    RollOver = 14,
}

/// Where a member's quota is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// In its account, whether available or waiting.
    Account,
    /// In the escrow of its sessions.
    Escrow,
    /// In its deposit, bound by nothing.
    Deposit,
    /// In its deposit, put aside for disputes.
    Stake,
}

impl MovementKind {
    /// All kinds, by number.
    pub const ALL: [Self; 14] = [
        Self::Grant,
        Self::Escrow,
        Self::Refund,
        Self::Charge,
        Self::Earning,
        Self::Reward,
        Self::Penalty,
        Self::Stake,
        Self::StakeReturned,
        Self::StakeLost,
        Self::Compensation,
        Self::Deposit,
        Self::Withdrawal,
        Self::RollOver,
    ];

    /// The kind with this number.
    #[must_use]
    pub fn numbered(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u64 == number)
    }

    /// From where to where it goes; absent where that is outside of the member.
    #[must_use]
    pub const fn route(self) -> (Option<Part>, Option<Part>) {
        use Part::{Account, Deposit, Escrow, Stake};
        match self {
            Self::Grant | Self::Earning | Self::Reward | Self::Compensation => {
                (None, Some(Account))
            }
            Self::Escrow => (Some(Account), Some(Escrow)),
            Self::Refund => (Some(Escrow), Some(Account)),
            Self::Charge => (Some(Escrow), None),
            Self::Penalty => (Some(Deposit), None),
            Self::Stake => (Some(Deposit), Some(Stake)),
            Self::StakeReturned => (Some(Stake), Some(Deposit)),
            Self::StakeLost => (Some(Stake), None),
            Self::Deposit => (Some(Account), Some(Deposit)),
            Self::Withdrawal => (Some(Deposit), Some(Account)),
            Self::RollOver => (Some(Account), Some(Account)),
        }
    }

    /// Whether it came to the member, or back to where it is free: into the account, or out of a stake. What
    /// was paid out of an escrow or lost of a stake is not incoming, and neither is a roll-over.
    #[must_use]
    pub const fn incoming(self) -> bool {
        matches!(
            self,
            Self::Grant
                | Self::Refund
                | Self::Earning
                | Self::Reward
                | Self::StakeReturned
                | Self::Compensation
                | Self::Withdrawal
        )
    }

    /// As whom the member sees the sealed part: whose handle is the member's. Absent where all is public.
    #[must_use]
    pub const fn role(self) -> Option<Role> {
        match self {
            Self::Escrow | Self::Refund | Self::Charge => Some(Role::Querier),
            Self::Earning => Some(Role::Provider),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_their_numbers() {
        for (number, kind) in (1..).zip(MovementKind::ALL) {
            assert_eq!(MovementKind::numbered(number), Some(kind));
        }
        assert_eq!(MovementKind::numbered(0), None);
        assert_eq!(MovementKind::numbered(15), None);
    }

    #[test]
    fn what_ends_where_it_is_free_is_incoming() {
        for kind in MovementKind::ALL {
            let (from, to) = kind.route();
            let ends_free = match to {
                Some(Part::Account) => from != Some(Part::Account),
                Some(Part::Deposit) => from == Some(Part::Stake),
                Some(Part::Escrow | Part::Stake) | None => false,
            };
            assert_eq!(kind.incoming(), ends_free, "{kind:?}");
        }
    }
}
