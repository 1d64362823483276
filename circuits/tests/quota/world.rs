//! Three parties and what they hold.

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use tacit_circuits::quota::transfer::{Kind, Parties, Role, Statement, Transfer};
use tacit_circuits::quota::{Ciphertext, Opening, QuotaKey};

pub(crate) const CONTEXT: [u8; 32] = [7; 32];

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub(crate) fn key(number: u8) -> QuotaKey {
    QuotaKey::derive(&[number; 32], 0)
}

/// Keys of querier, provider and supervisor.
pub(crate) fn keys() -> [QuotaKey; 3] {
    [key(1), key(2), key(3)]
}

pub(crate) fn parties() -> Parties {
    keys().map(|key| key.public())
}

/// A source with blinding that its owner never saw: two amounts from elsewhere and a public grant.
pub(crate) fn source(kind: Kind, value: u64, rng: &mut ChaCha20Rng) -> Ciphertext<1> {
    let prover = [parties()[kind.prover() as usize]];
    let first = (value / 2).min(1_000) as u32;
    let second = (value - u64::from(first)).min(9) as u32;
    Opening::random(first, rng)
        .seal(&prover)
        .plus(&Opening::random(second, rng).seal(&prover))
        .plus_public(value - u64::from(first) - u64::from(second))
}

/// A source with a transfer out of it.
pub(crate) struct Case {
    pub(crate) kind: Kind,
    pub(crate) parties: Parties,
    pub(crate) source: Ciphertext<1>,
    pub(crate) transfer: Transfer,
}

impl Case {
    pub(crate) fn new(kind: Kind, value: u64, amount: u32, seed: u64) -> Self {
        let mut rng = rng(seed);
        let source = source(kind, value, &mut rng);
        let opening = Opening::random(amount, &mut rng);
        let prover = &keys()[kind.prover() as usize];
        let transfer = Transfer::prove(
            kind,
            CONTEXT,
            &parties(),
            &source,
            prover,
            value,
            &opening,
            &mut rng,
        )
        .unwrap();
        Self {
            kind,
            parties: parties(),
            source,
            transfer,
        }
    }

    pub(crate) fn statement(&self) -> Statement<'_> {
        Statement {
            kind: self.kind,
            context: CONTEXT,
            parties: &self.parties,
            source: &self.source,
            amount: &self.transfer.amount,
        }
    }
}

pub(crate) const KINDS: [Kind; 2] = [Kind::Open, Kind::Settle];
pub(crate) const ROLES: [Role; 3] = [Role::Querier, Role::Provider, Role::Supervisor];
