//! The genesis of simulated networks, and what its members sign.

use commonware_cryptography::{Signer as _, ed25519};
use ed25519_zebra::SigningKey;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use tacit_circuits::quota::QuotaKey;
use tacit_consensus::engine::Ledger;
use tacit_ledger::{
    kernel::{
        ChainId, Envelope, Genesis, MemberId, Registry, Role, Text,
        envelope::{Signature, ledger_key},
    },
    network::{
        Action, Candidate, Category, ConsensusKey, GenesisMember, NetworkGenesis, Parameters,
        Profile, SpkiHash, parameters::CategoryId, quota::prove_key,
    },
};

/// The only category.
pub(crate) const CATEGORY: CategoryId = CategoryId(1);

/// The key with which the member at `index` signs.
pub(crate) fn ledger_signer(index: usize) -> SigningKey {
    SigningKey::from([index as u8 + 1; 32])
}

/// The key to which the amounts of the member at `index` are sealed.
pub(crate) fn quota_key(index: usize) -> QuotaKey {
    QuotaKey::derive(&ledger_signer(index).into(), 0)
}

/// The member that runs the node at `index`; members are numbered from 1.
pub(crate) fn member_of(index: usize) -> MemberId {
    MemberId(index as u32 + 1)
}

/// A network of one member for each key, of whom the first `validators` validate.
pub(crate) fn genesis(
    name: &str,
    keys: &[ed25519::PrivateKey],
    validators: usize,
    epoch_blocks: u32,
) -> Genesis {
    let members: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(index, key)| GenesisMember {
            candidate: candidate(index, key),
            validator: index < validators,
        })
        .collect();
    let network = NetworkGenesis {
        parameters: Parameters {
            min_validators: 4,
            ..Parameters::default()
        },
        categories: vec![category()].try_into().expect("one category fits"),
        members: members.try_into().expect("a simulated network is small"),
    };
    let genesis = network.into_genesis(name, 0, 0).expect("a short name fits");
    Genesis {
        epoch_blocks,
        ..genesis
    }
}

fn category() -> Category {
    Category {
        id: CATEGORY,
        name: Text::new("simulated").expect("a short name fits"),
        price_minor: 10,
        reward_minor: 5,
        daily_cap_calls: 1_000_000,
        grace_blocks: 0,
        fresh_days: 0,
        retired: false,
        surcharges: Default::default(),
    }
}

/// The chain of that genesis, with the shipped ledger.
pub(crate) fn ledger(genesis: &Genesis) -> Ledger {
    Ledger::new(genesis, Registry::network()).expect("the genesis is valid")
}

fn candidate(index: usize, key: &ed25519::PrivateKey) -> Candidate {
    let mut consensus_key = [0; 32];
    consensus_key.copy_from_slice(key.public_key().as_ref());
    let ledger_key = ledger_key(&ledger_signer(index));
    let mut rng = ChaCha20Rng::seed_from_u64(index as u64);
    Candidate {
        name: Text::new(format!("Institution {index}")).expect("a short name fits"),
        group: Text::new(format!("Group {index}")).expect("a short name fits"),
        role: Role::Member,
        quota_key: quota_key(index).public(),
        quota_key_proof: prove_key(&quota_key(index), &ledger_key, &mut rng),
        ledger_key,
        profile: Profile {
            consensus_key: ConsensusKey(consensus_key),
            tls_spki_hash: SpkiHash([index as u8 + 1; 32]),
            front_end_address: Text::new(format!("front-{index}.example:443")).expect("it fits"),
            p2p_address: Text::new(format!("node-{index}.example:9000")).expect("it fits"),
        },
    }
}

/// A transaction of the member at `index`.
pub(crate) fn sign(chain_id: ChainId, index: usize, sequence: u64, action: &Action) -> Envelope {
    action
        .unsigned(chain_id, member_of(index), sequence, u64::MAX)
        .sign_with(ledger_key(&ledger_signer(index)), |message| {
            Signature(ledger_signer(index).sign(message).into())
        })
}
