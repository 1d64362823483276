//! The beacon, and proofs about the entries that it draws.

use tacit_circuits::curve::Field;
use tacit_circuits::receipt::Proof;
use tacit_ledger::kernel::{MemberId, Reject};
use tacit_ledger::network::record::{Attempt, RoundId};
use tacit_ledger::network::{Action, SampleCalls, SampleProofs};

use super::Refusal;
use crate::support::*;

/// A chain with an open round.
fn opened() -> Chain {
    let mut chain = Chain::that_samples();
    chain.must(OWNER, publish(first()));
    chain
}

const NO_ROUND: Attempt = Attempt {
    round: RoundId(7),
    number: 0,
};

fn commit(chain: &mut Chain, attempt: Attempt, member: MemberId) -> Reject {
    let action = chain.beacon_commit(attempt, member);
    chain.refused(member, action)
}

/// Why a validator's value is refused in an open round in which two of four have committed.
fn reveal(member: MemberId, change: fn(&mut [u8; 32])) -> Reject {
    let mut chain = opened();
    let attempt = chain.attempt();
    chain.commit_together(&[OWNER, QUERIER]);
    chain.pass_before(chain.beacon().open.expect("open").commit_until + 1);
    chain.reveal_together(&[OWNER]);
    let mut value = beacon_value(member);
    change(&mut value);
    chain.refused(member, Action::BeaconReveal { attempt, value })
}

/// Why the owner's calls are refused that were changed after they were made.
fn calls(change: fn(&mut SampleCalls)) -> Reject {
    let (mut chain, slots, _) = drawn(&FULL);
    let (mut calls, ..) = sample_calls(&chain, &FULL, &slots);
    change(&mut calls);
    chain.refused(OWNER, log_samples(calls))
}

/// Why changed proofs are refused.
fn proofs(change: fn(&mut SampleProofs)) -> Reject {
    let mut proofs = SAMPLE_PROOFS.clone();
    change(&mut proofs);
    let mut chain = SAMPLED_WORLD.chain.clone();
    chain.refused(OWNER, prove_samples(proofs))
}

/// Why proofs are refused after something has happened.
fn proofs_after(happen: fn(&mut Chain)) -> Reject {
    let mut chain = SAMPLED_WORLD.chain.clone();
    happen(&mut chain);
    chain.refused(OWNER, prove_samples(SAMPLE_PROOFS.clone()))
}

pub(super) const REFUSALS: &[Refusal] = &[
    (Reject::EMPTY, "calls about nothing", || {
        calls(|calls| {
            calls.blinded = bounded(Vec::new());
            calls.evaluated = bounded(Vec::new());
        })
    }),
    (Reject::EMPTY, "proofs of nothing", || {
        proofs(|proofs| proofs.proofs = bounded(Vec::new()))
    }),
    (Reject::COUNT_MISMATCH, "an evaluation too few", || {
        calls(|calls| calls.evaluated = bounded(vec![calls.evaluated[0]]))
    }),
    (Reject::POINT_INVALID, "a call about no point", || {
        calls(|calls| calls.blinded.as_mut_slice()[0] = no_point())
    }),
    (Reject::POINT_INVALID, "calls under no key", || {
        calls(|calls| calls.key = no_point())
    }),
    (
        Reject::EVALUATION_PROOF_INVALID,
        "calls evaluated for another version",
        || calls(|calls| calls.publication = version(LIST, EPOCH, 1)),
    ),
    (
        Reject::RECEIPT_ENCODING_INVALID,
        "a proof of no points",
        || proofs(|proofs| proofs.proofs.as_mut_slice()[1].proof = Proof([0; 192])),
    ),
    (Reject::LIST_UNKNOWN, "proofs about no list", || {
        proofs(|proofs| proofs.publication.list.0 = 9)
    }),
    (Reject::NOT_THE_OWNER, "proofs of somebody else", || {
        let mut chain = SAMPLED_WORLD.chain.clone();
        chain.refused(THIRD, prove_samples(SAMPLE_PROOFS.clone()))
    }),
    (Reject::EPOCH_UNKNOWN, "proofs about no epoch", || {
        proofs(|proofs| proofs.publication.tag_epoch.0 = 9)
    }),
    (
        Reject::PUBLICATION_UNKNOWN,
        "proofs about no version",
        || proofs(|proofs| proofs.publication.version.0 = 9),
    ),
    (
        Reject::PUBLICATION_FRAUDULENT,
        "proofs about a list that is none",
        || {
            let mut chain = opened();
            chain.draw();
            chain.must(THIRD, fraud_proof(first()));
            chain.refused(OWNER, prove_samples(SAMPLE_PROOFS.clone()))
        },
    ),
    (
        Reject::PUBLICATION_UNPROVEN,
        "proofs after the deadline",
        || proofs_after(|chain| chain.pass(40)),
    ),
    (
        Reject::RECEIPT_KEY_UNSET,
        "proofs without a voted key",
        || {
            let mut chain = Chain::with_list();
            chain.refused(OWNER, prove_samples(SAMPLE_PROOFS.clone()))
        },
    ),
    (
        Reject::RECEIPT_KEY_MISMATCH,
        "proofs under a key of their own",
        || proofs(|proofs| proofs.key = OTHER_KEY),
    ),
    (
        Reject::RECEIPT_KEY_MISMATCH,
        "proofs under the key before the present one",
        || {
            proofs_after(|chain| {
                chain.carry(set_other_receipt_key()).expect("carried");
            })
        },
    ),
    (
        Reject::LOG_ROOT_UNKNOWN,
        "proofs under a root that never was",
        || proofs(|proofs| proofs.log_root = Field::from(7_u8).into()),
    ),
    (
        Reject::BEACON_ROUND_NOT_OPEN,
        "a commitment when no round is open",
        || {
            let mut chain = Chain::that_samples();
            commit(&mut chain, NO_ROUND, OWNER)
        },
    ),
    (
        Reject::BEACON_ROUND_NOT_OPEN,
        "a commitment to another round",
        || commit(&mut opened(), NO_ROUND, OWNER),
    ),
    (
        Reject::BEACON_NOT_A_VALIDATOR,
        "a member's commitment that does not validate",
        || {
            let mut chain = opened();
            let attempt = chain.attempt();
            commit(&mut chain, attempt, SISTER)
        },
    ),
    (Reject::BEACON_COMMITTED, "a second commitment", || {
        let mut chain = opened();
        let attempt = chain.attempt();
        chain.commit_together(&[OWNER]);
        commit(&mut chain, attempt, OWNER)
    }),
    (
        Reject::BEACON_NOT_COMMITTED,
        "a value without a commitment",
        || reveal(THIRD, |_| ()),
    ),
    (Reject::BEACON_VALUE_WRONG, "another value", || {
        reveal(QUERIER, |value| value[31] ^= 1)
    }),
    (
        Reject::BEACON_VALUE_WRONG,
        "the value of another member's commitment",
        || {
            // A commitment that was copied cannot be opened: it names the member.
            let mut chain = opened();
            let attempt = chain.attempt();
            let chain_id = chain.machine.chain_id();
            let copied = Action::BeaconCommit {
                attempt,
                commitment: attempt.commitment(chain_id, OWNER, &beacon_value(OWNER)),
            };
            chain.must(QUERIER, copied);
            chain.commit_together(&[OWNER, THIRD, FOURTH]);
            chain.refused(QUERIER, beacon_reveal(attempt, OWNER))
        },
    ),
    (Reject::BEACON_REVEALED, "a value twice", || {
        reveal(OWNER, |_| ())
    }),
    (
        Reject::BEACON_NOT_NOW,
        "a value while commitments are taken",
        || {
            let mut chain = opened();
            let attempt = chain.attempt();
            chain.commit_together(&[OWNER]);
            chain.refused(OWNER, beacon_reveal(attempt, OWNER))
        },
    ),
    (
        Reject::BEACON_NOT_NOW,
        "a commitment while values are taken",
        || {
            let mut chain = opened();
            let attempt = chain.attempt();
            chain.pass_before(chain.beacon().open.expect("open").commit_until + 1);
            commit(&mut chain, attempt, OWNER)
        },
    ),
    (
        Reject::NOT_SAMPLED,
        "proofs about a version of which nothing is drawn",
        || {
            let mut world = WORLD.chain.clone();
            let mut proofs = SAMPLE_PROOFS.clone();
            proofs.log_root = WORLD.log.root().into();
            world.refused(OWNER, prove_samples(proofs))
        },
    ),
    (Reject::SAMPLES_PROVEN, "proofs a second time", || {
        proofs_after(|chain| {
            chain.must(OWNER, prove_samples(SAMPLE_PROOFS.clone()));
        })
    }),
    (
        Reject::SAMPLES_NOT_DRAWN,
        "calls before anything is drawn",
        || {
            let mut chain = Chain::that_samples();
            chain.must(OWNER, FULL.publish());
            let (calls, ..) = sample_calls(&chain, &FULL, &[1, 2]);
            chain.refused(OWNER, log_samples(calls))
        },
    ),
    (Reject::SAMPLES_LOGGED, "calls a second time", || {
        let world = &*SAMPLED_WORLD;
        let (calls, ..) = sample_calls(&world.chain, &FULL, &world.slots);
        world.chain.clone().refused(OWNER, log_samples(calls))
    }),
    (
        Reject::SAMPLE_COUNT_MISMATCH,
        "a call less than entries are drawn",
        || {
            let (mut chain, slots, _) = drawn(&FULL);
            let (calls, ..) = sample_calls(&chain, &FULL, &slots[..1]);
            chain.refused(OWNER, log_samples(calls))
        },
    ),
    (
        Reject::SAMPLE_COUNT_MISMATCH,
        "a proof less than entries are drawn",
        || proofs(|proofs| proofs.proofs = bounded(vec![proofs.proofs[0].clone()])),
    ),
    (
        Reject::SAMPLE_KEY_MISMATCH,
        "calls evaluated with another key than the registered one",
        || {
            let (mut chain, slots, _) = drawn(&FULL);
            let (mut calls, ..) = sample_calls(&chain, &FULL, &slots);
            let other = list_key(LIST, tacit_circuits::scope::TagEpoch(5));
            let decode = tacit_circuits::curve::Point::decode_batch;
            let blinded = decode(&calls.blinded).expect("points");
            let context = SampleCalls::evaluation_context(chain.machine.chain_id(), first());
            let (evaluated, proof) =
                tacit_circuits::oprf::evaluate(&other, &context, &blinded, &mut rng(33))
                    .expect("a batch");
            calls.key = other.public().to_wire();
            calls.evaluated = bounded(evaluated.iter().map(|point| point.encode()).collect());
            calls.proof = proof;
            chain.refused(OWNER, log_samples(calls))
        },
    ),
    (
        Reject::SAMPLES_INVALID,
        "a commitment that the proof is not about",
        || {
            proofs(|proofs| {
                let other = proofs.proofs[1].commitment;
                let first = &mut proofs.proofs.as_mut_slice()[0];
                // The same entry would have the same commitment: the tests' secret is one.
                assert_ne!(first.commitment, other);
                first.commitment = other;
            })
        },
    ),
];
