//! Certificates and hand-overs that hold, and those that must not.

use bytes::Bytes;
use commonware_codec::{DecodeExt as _, Encode as _};
use commonware_consensus::{
    simplex::types::{Finalize, Proposal},
    types::{Epoch, Height, Round, View},
};
use commonware_cryptography::{Digest as _, Digestible as _, Signer as _, ed25519};
use commonware_parallel::Sequential;
use commonware_storage::mmr::Location;
use commonware_utils::{non_empty, non_empty_range};
use tacit_finality::{
    ChainId, Claim, Committee, Committees, Digest, Evidence, FinalityError, Finalization,
    FinalizedHeader, Header, ProposalContext, ResultClaim, Scheme, StateCommitment, namespace,
};
use tacit_ledger::kernel::{BlockResult, Outcome, Reject, TxId, TxResult, results};

const CHAIN: ChainId = [7; 32];

fn keys(from: u64) -> Vec<ed25519::PrivateKey> {
    (from..from + 4)
        .map(ed25519::PrivateKey::from_seed)
        .collect()
}

fn committee(keys: &[ed25519::PrivateKey]) -> Committee {
    Committee::new(keys.iter().map(|key| key.public_key()).collect()).expect("four distinct keys")
}

fn header(epoch: u64, height: u64, parent: Digest) -> Header {
    Header {
        context: ProposalContext {
            round: Round::new(Epoch::new(epoch), View::new(height)),
            leader: ed25519::PrivateKey::from_seed(0).public_key(),
            parent: (View::new(height - 1), parent),
        },
        parent,
        height: Height::new(height),
        time_ms: height,
        body: Digest::EMPTY,
        state: StateCommitment {
            root: Digest::EMPTY,
            operations_root: Digest::EMPTY,
            operations: non_empty_range!(Location::new(0), Location::new(1)),
        },
        results_root: Digest::EMPTY,
        handover: None,
    }
}

/// A certificate that `signers` of `members` make over `header`, for `chain`.
fn certify(
    chain: &ChainId,
    members: &[ed25519::PrivateKey],
    signers: usize,
    header: &Header,
) -> Finalization {
    let schemes: Vec<_> = members
        .iter()
        .map(|key| {
            let keys = committee(members).keys().clone();
            Scheme::signer(&namespace(chain), keys, key.clone()).expect("a member signs")
        })
        .collect();
    let round = header.context.round;
    let proposal = Proposal::new(round, header.context.parent.0, header.digest());
    let votes: Vec<_> = schemes[..signers]
        .iter()
        .map(|scheme| Finalize::sign(scheme, proposal.clone()).expect("a member signs"))
        .collect();
    Finalization::from_finalizes(&schemes[0], non_empty![@votes.iter()], &Sequential)
        .expect("there is a quorum")
}

fn finalized(members: &[ed25519::PrivateKey], header: Header) -> FinalizedHeader {
    let finalization = certify(&CHAIN, members, 4, &header);
    FinalizedHeader {
        header,
        descendants: Vec::new(),
        finalization,
    }
}

fn genesis() -> Committees {
    Committees::new(CHAIN, committee(&keys(0)))
}

#[test]
fn a_header_signed_by_a_quorum_of_its_epoch_is_final() {
    let header = header(0, 5, Digest::EMPTY);
    for signers in [3, 4] {
        let finalization = certify(&CHAIN, &keys(0), signers, &header);
        let block = FinalizedHeader {
            header: header.clone(),
            descendants: Vec::new(),
            finalization,
        };
        assert_eq!(block.verify(&genesis()), Ok(()));
    }
}

#[test]
fn a_certificate_of_other_signers_or_of_another_chain_is_refused() {
    let header = header(0, 5, Digest::EMPTY);
    let strangers = finalized(&keys(10), header.clone());
    assert_eq!(
        strangers.verify(&genesis()),
        Err(FinalityError::NotSigned { epoch: 0 })
    );
    let finalization = certify(&[8; 32], &keys(0), 4, &header);
    let foreign = FinalizedHeader {
        header,
        descendants: Vec::new(),
        finalization,
    };
    assert_eq!(
        foreign.verify(&genesis()),
        Err(FinalityError::NotSigned { epoch: 0 })
    );
}

#[test]
fn a_certificate_of_another_block_is_refused() {
    let mut block = finalized(&keys(0), header(0, 5, Digest::EMPTY));
    block.header.time_ms += 1;
    assert_eq!(
        block.verify(&genesis()),
        Err(FinalityError::WrongBlock { height: 5 })
    );
}

#[test]
fn a_block_is_final_through_a_certified_descendant_and_not_through_a_gap() {
    let first = header(0, 5, Digest::EMPTY);
    let second = header(0, 6, first.digest());
    let third = header(0, 7, second.digest());
    let finalization = certify(&CHAIN, &keys(0), 4, &third);
    let mut block = FinalizedHeader {
        header: first,
        descendants: vec![second, third],
        finalization,
    };
    assert_eq!(block.verify(&genesis()), Ok(()));
    block.descendants.remove(0);
    assert_eq!(
        block.verify(&genesis()),
        Err(FinalityError::BrokenChain { height: 7 })
    );
}

#[test]
fn committees_are_followed_from_epoch_to_epoch_and_never_skipped() {
    let mut last = header(0, 9, Digest::EMPTY);
    last.handover = Some(committee(&keys(10)));
    let handover = finalized(&keys(0), last);
    let later = finalized(&keys(10), header(1, 12, Digest::EMPTY));

    let mut committees = genesis();
    assert_eq!(
        later.verify(&committees),
        Err(FinalityError::UnknownEpoch { epoch: 1 })
    );
    assert_eq!(committees.follow(&handover), Ok(()));
    assert_eq!(committees.newest(), 1);
    assert_eq!(later.verify(&committees), Ok(()));
    // The validators of before have nothing to say any more.
    let old = finalized(&keys(0), header(1, 12, Digest::EMPTY));
    assert_eq!(
        old.verify(&committees),
        Err(FinalityError::NotSigned { epoch: 1 })
    );
}

#[test]
fn evidence_leaves_out_hand_overs_that_changed_nothing_and_no_other() {
    let mut last = header(2, 29, Digest::EMPTY);
    last.handover = Some(committee(&keys(10)));
    let evidence = |signers: u64, handovers: Vec<FinalizedHeader>| Evidence {
        handovers,
        block: finalized(&keys(signers), header(5, 52, Digest::EMPTY)),
        claim: Claim::Block,
    };
    let handover = finalized(&keys(0), last);
    let verify = |evidence: Evidence| evidence.verify(CHAIN, committee(&keys(0)));
    assert_eq!(verify(evidence(10, vec![handover.clone()])), Ok(()));
    assert_eq!(verify(evidence(0, Vec::new())), Ok(()));
    assert_eq!(
        verify(evidence(10, Vec::new())),
        Err(FinalityError::NotSigned { epoch: 5 })
    );
    assert_eq!(
        verify(evidence(0, vec![handover])),
        Err(FinalityError::NotSigned { epoch: 5 })
    );
}

#[test]
fn a_block_in_the_middle_of_an_epoch_hands_nothing_over() {
    let block = finalized(&keys(0), header(0, 5, Digest::EMPTY));
    let followed = genesis().follow(&block);
    assert_eq!(followed, Err(FinalityError::NoHandover { height: 5 }));
}

#[test]
fn evidence_of_a_result_reads_back_and_holds_and_a_changed_one_does_not() {
    let result = |number: u8| {
        let tx_id = TxId(tacit_ledger::kernel::Digest([number; 32]));
        BlockResult::Tx(TxResult {
            tx_id,
            outcome: Outcome::Applied,
            events: Default::default(),
        })
    };
    let all: Vec<_> = (0..5).map(result).collect();
    let mut header = header(0, 5, Digest::EMPTY);
    header.results_root = results::root(&all).0.into();
    let proof = results::prove(&all, 3).expect("there are five");
    let claim = ResultClaim {
        result: all[3].clone(),
        proof,
    };
    let evidence = Evidence {
        handovers: Vec::new(),
        block: finalized(&keys(0), header),
        claim: Claim::Result(Box::new(claim)),
    };
    let read = Evidence::from_bytes(&evidence.to_bytes()).expect("it reads back");
    assert_eq!(read, evidence);
    assert_eq!(read.verify(CHAIN, committee(&keys(0))), Ok(()));

    let mut forged = read;
    if let Claim::Result(claim) = &mut forged.claim
        && let BlockResult::Tx(result) = &mut claim.result
    {
        result.outcome = Outcome::Rejected(Reject::EXPIRED);
    }
    let verdict = forged.verify(CHAIN, committee(&keys(0)));
    assert_eq!(
        verdict,
        Err(FinalityError::NotProven {
            what: "result",
            height: 5
        })
    );
}

#[test]
fn bytes_that_are_not_exactly_one_piece_of_evidence_are_malformed() {
    let evidence = Evidence {
        handovers: Vec::new(),
        block: finalized(&keys(0), header(0, 5, Digest::EMPTY)),
        claim: Claim::Block,
    };
    let bytes = evidence.to_bytes();
    for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert!(
            Evidence::from_bytes(&bytes[..length]).is_err(),
            "cut at {length}"
        );
    }
    let longer = [bytes, vec![0]].concat();
    assert!(Evidence::from_bytes(&longer).is_err());
}

#[test]
fn a_committee_of_nobody_of_too_many_or_of_one_twice_does_not_exist() {
    let key = |seed| ed25519::PrivateKey::from_seed(seed).public_key();
    assert!(Committee::new(Vec::new()).is_err());
    assert!(Committee::new(vec![key(1), key(1)]).is_err());
    assert!(Committee::new((0..129).map(key).collect()).is_err());
    let largest = Committee::new((0..128).map(key).collect()).expect("128 may validate");
    assert_eq!(
        Committee::decode(largest.encode()).expect("it reads back"),
        largest
    );
    let unordered =
        Bytes::from([vec![2], key(2).encode().to_vec(), key(2).encode().to_vec()].concat());
    assert!(Committee::decode(unordered).is_err());
}

#[test]
fn the_longest_header_stays_within_its_bound() {
    let key = |seed| ed25519::PrivateKey::from_seed(seed).public_key();
    let mut header = header(u64::MAX, u64::MAX, Digest::EMPTY);
    header.handover = Some(Committee::new((0..128).map(key).collect()).expect("128 may validate"));
    assert!(header.encode().len() <= Header::max_encode_size());
    assert_eq!(
        Header::decode(header.encode()).expect("it reads back"),
        header
    );
}
