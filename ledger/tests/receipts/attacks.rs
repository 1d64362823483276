//! What a member would try.

use ark_bls12_381::{Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::Field as _;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::log::LogTree;
use tacit_circuits::receipt::{CommitmentSecret, Proof, commit};
use tacit_circuits::scope::TagEpoch;
use tacit_ledger::kernel::{MemberId, ModuleId, Reject};
use tacit_ledger::network::receipts::{ObjectId, Purpose, Receipt};
use tacit_ledger::network::{PolicyId, PolicyVersion, ReceiptContext, ReceiptSet};

use crate::support::*;

/// Another proof of the same statement: A/r, r·B, C pair to the same.
pub(super) fn randomised(proof: &Proof) -> Proof {
    let (a, rest) = proof.0.split_at(48);
    let (b, c) = rest.split_at(96);
    let a = G1Affine::deserialize_compressed(a).expect("a point");
    let b = G2Affine::deserialize_compressed(b).expect("a point");
    let r = Fr::from(0x1234_5678_u32);
    let a = (a.into_group() * r.inverse().expect("not 0")).into_affine();
    let b = (b.into_group() * r).into_affine();
    let mut bytes = Vec::new();
    a.serialize_compressed(&mut bytes).expect("memory");
    b.serialize_compressed(&mut bytes).expect("memory");
    bytes.extend_from_slice(c);
    Proof(bytes.try_into().expect("192 bytes"))
}

/// What somebody submits, after what happened, and why it is refused.
type Attack = (&'static str, Reject, fn() -> (Chain, MemberId, ReceiptSet));

const SECOND: TagEpoch = TagEpoch(1);

fn world(change: impl FnOnce(&mut ReceiptSet)) -> (Chain, MemberId, ReceiptSet) {
    (WORLD.chain.clone(), QUERIER, WORLD.changed(change))
}

fn with_context(change: fn(&mut ReceiptContext)) -> (Chain, MemberId, ReceiptSet) {
    world(|set| change(&mut set.context))
}

/// The world's set about a subject on the first list: true proofs, of which the first shows a hit.
fn with_a_hit() -> ReceiptSet {
    let hash = WORLD.hash(&WORLD.set.context);
    let receipts = (0..3).map(|number| Receipt {
        publication: version(LISTS[number], EPOCH, 0),
        log_root: WORLD.log.root().into(),
        proof: prove(&WORLD.witness(number, Subject::Listed, hash)),
    });
    let receipts = bounded(receipts.collect());
    WORLD.changed(|set| {
        set.commitment = commitment(Subject::Listed);
        set.receipts = receipts;
    })
}

/// The first receipt under the root of a log of the querier's own making, of which `named` is said.
fn under_own_log(named: fn(&LogTree) -> tacit_ledger::network::Root) -> ReceiptSet {
    let mut leaves = WORLD.leaves.clone();
    leaves.push(WORLD.leaves[0]);
    let log = LogTree::new(leaves).expect("there is room");
    let hash = WORLD.hash(&WORLD.set.context);
    let mut witness = WORLD.witness(0, Subject::Clear, hash);
    WORLD.move_to(&log, 0, Subject::Clear, &mut witness);
    WORLD.changed_receipt(0, |receipt| {
        receipt.proof = prove(&witness);
        receipt.log_root = named(&log);
    })
}

const ATTACKS: &[Attack] = &[
    (
        "a hit is passed off as clear",
        Reject::RECEIPT_INVALID,
        || (WORLD.chain.clone(), QUERIER, with_a_hit()),
    ),
    (
        "a call to one list for another",
        Reject::RECEIPT_INVALID,
        || {
            world(|set| {
                let receipts = set.receipts.as_mut_slice();
                (receipts[0].proof, receipts[1].proof) = (receipts[1].proof, receipts[0].proof);
            })
        },
    ),
    (
        "a call in one epoch for another of the same root",
        Reject::RECEIPT_INVALID,
        || {
            let mut chain = WORLD.chain.clone();
            chain
                .register_epoch(OWNER, LIST, SECOND)
                .expect("registered");
            let (next, root) = (version(LIST, SECOND, 0), WORLD.asked[0].tree.root().into());
            activate_tree(&mut chain, OWNER, next, root);
            let set = WORLD.changed_receipt(0, |receipt| receipt.publication = next);
            (chain, QUERIER, set)
        },
    ),
    (
        "an answer by one version for a newer one",
        Reject::RECEIPT_INVALID,
        || {
            let mut chain = WORLD.chain.clone();
            let newer = version(LIST, EPOCH, 1);
            chain.activate(OWNER, newer);
            let set = WORLD.changed_receipt(0, |receipt| receipt.publication = newer);
            (chain, QUERIER, set)
        },
    ),
    (
        "a version that is too old",
        Reject::PUBLICATION_TOO_OLD,
        || {
            let mut chain = WORLD.chain.clone();
            chain.activate(OWNER, version(LIST, EPOCH, 1));
            chain.pass(10);
            (chain, QUERIER, WORLD.set.clone())
        },
    ),
    (
        "another person's commitment",
        Reject::RECEIPT_INVALID,
        || world(|set| set.commitment = commitment(Subject::Listed)),
    ),
    (
        "another commitment to the same person",
        Reject::RECEIPT_INVALID,
        || {
            world(|set| {
                let other = CommitmentSecret::random(&mut rng(71));
                set.commitment = commit(IdentifierType::Phone, 1_001_u32.into(), &other);
            })
        },
    ),
    (
        "the same characters of another type",
        Reject::RECEIPT_INVALID,
        || world(|set| set.kind = IdentifierType::Card),
    ),
    ("another ledger", Reject::RECEIPT_INVALID, || {
        with_context(|context| context.module = ModuleId(3))
    }),
    ("another object", Reject::RECEIPT_INVALID, || {
        with_context(|context| context.object = ObjectId([0x0c; 32]))
    }),
    ("another verifier", Reject::RECEIPT_INVALID, || {
        with_context(|context| context.verifier = THIRD)
    }),
    ("another purpose", Reject::RECEIPT_INVALID, || {
        with_context(|context| context.purpose = Purpose::new("marketing").expect("a code"))
    }),
    ("a later expiry", Reject::RECEIPT_INVALID, || {
        with_context(|context| context.expiry_height += 1)
    }),
    ("another policy", Reject::RECEIPT_INVALID, || {
        let mut chain = WORLD.chain.clone();
        chain.must(THIRD, put_policy("lending", terms()));
        let set = WORLD.changed(|set| set.context.policy = PolicyId(2));
        (chain, QUERIER, set)
    }),
    (
        "another version of the policy",
        Reject::RECEIPT_INVALID,
        || {
            let mut chain = WORLD.chain.clone();
            chain.must(FOURTH, put_policy("lending", terms()));
            let set = WORLD.changed(|set| set.context.policy_version = PolicyVersion(2));
            (chain, QUERIER, set)
        },
    ),
    ("another member's set", Reject::RECEIPT_INVALID, || {
        let mut chain = WORLD.chain.clone();
        let mut few = terms();
        few.min_members = 1;
        chain.must(FOURTH, put_policy("lending", few));
        let (_, _, set) = world(|set| {
            // Without the receipt of its own list, which would be refused for that.
            set.receipts = bounded(set.receipts[..1].to_vec());
            set.context.policy_version = PolicyVersion(2);
        });
        (chain, THIRD, set)
    }),
    (
        "another member's call, for a context of one's own",
        Reject::RECEIPT_INVALID,
        || {
            let mut chain = WORLD.chain.clone();
            let mut few = terms();
            few.min_members = 1;
            chain.must(FOURTH, put_policy("lending", few));
            let mut context = WORLD.set.context.clone();
            context.policy_version = PolicyVersion(2);
            let hash = context.hash(chain.machine.chain_id(), THIRD);
            let receipt = WORLD.receipt(0, hash);
            let set = WORLD.changed(|set| {
                set.context = context;
                set.receipts = bounded(vec![receipt]);
            });
            (chain, THIRD, set)
        },
    ),
    (
        "a call in a log of one's own",
        Reject::LOG_ROOT_UNKNOWN,
        || {
            let set = under_own_log(|log| log.root().into());
            (WORLD.chain.clone(), QUERIER, set)
        },
    ),
    (
        "a call in a log of one's own, under the ledger's root",
        Reject::RECEIPT_INVALID,
        || {
            let set = under_own_log(|_| WORLD.log.root().into());
            (WORLD.chain.clone(), QUERIER, set)
        },
    ),
    ("an expired set", Reject::RECEIPTS_EXPIRED, || {
        let mut chain = WORLD.chain.clone();
        chain.pass(LIFETIME);
        (chain, QUERIER, WORLD.set.clone())
    }),
    ("a replay", Reject::CONTEXT_USED, || {
        (super::ACCEPTED.clone(), QUERIER, WORLD.set.clone())
    }),
];

#[test]
fn every_attack_is_refused() {
    for (name, expected, attack) in ATTACKS {
        let (mut chain, sender, set) = attack();
        assert_eq!(chain.refused(sender, submit(set)), *expected, "{name}");
    }
}

/// Proofs travel in one encoding: another one, or another point, is refused for its form or does not hold.
#[test]
fn no_changed_bit_of_a_proof_is_accepted() {
    let chain = &WORLD.chain;
    let honest = WORLD.set.clone();
    let check = |set: ReceiptSet| {
        let envelope = chain.envelope(QUERIER, &submit(set));
        chain.machine.check_stateless(&[envelope])[0]
    };
    assert_eq!(check(honest), Ok(()));
    let (mut malformed, mut wrong) = (0, 0);
    for bit in (0..192 * 8).step_by(37).chain(0..8) {
        let set = WORLD.changed_receipt(0, |receipt| {
            receipt.proof.0[bit / 8] ^= 1 << (bit % 8);
        });
        match check(set.clone()) {
            Err(reject) => {
                assert_eq!(reject, Reject::RECEIPT_ENCODING_INVALID, "bit {bit}");
                malformed += 1;
            }
            Ok(()) => {
                let refused = chain.clone().refused(QUERIER, submit(set));
                assert_eq!(refused, Reject::RECEIPT_INVALID, "bit {bit}");
                wrong += 1;
            }
        }
    }
    assert!(malformed > 0 && wrong > 0, "{malformed} and {wrong}");
}
