//! The canonical encoding against bytes from outside.

use borsh::{BorshDeserialize, BorshSerialize};
use proptest::prelude::*;
use std::fmt::Debug;
use tacit_circuits::quota::Account;
use tacit_ledger::kernel::envelope::MAX_ENVELOPE_BYTES;
use tacit_ledger::kernel::{BoundedVec, Bytes, Envelope, Genesis, ResultProof, Text, codec};
use tacit_ledger::network::action::Opening;
use tacit_ledger::network::views::{CaseSet, ViewQuery};
use tacit_ledger::network::{
    Action, AskedCalls, CallBatch, CallDraw, Candidate, Category, Change, CodeVersions, Deposit,
    Disclosure, Dispute, Event, List, NetworkGenesis, Parameters, Proposal, Publication,
    RatingChange, Session, SignedRequest, Supply, Usage, View,
};

use crate::support::*;

/// Whoever reads `bytes` as a `T` gets an error, or a value that is written as these very bytes.
fn is_exact<T: BorshSerialize + BorshDeserialize>(bytes: &[u8]) {
    if let Ok(value) = codec::decode::<T>(bytes) {
        assert_eq!(codec::encode(&value), bytes, "two encodings of one value");
    }
}

fn is_exact_for_all_types(bytes: &[u8]) {
    is_exact::<Envelope>(bytes);
    is_exact::<Genesis>(bytes);
    is_exact::<NetworkGenesis>(bytes);
    is_exact::<Action>(bytes);
    is_exact::<Change>(bytes);
    is_exact::<Event>(bytes);
    is_exact::<SignedRequest>(bytes);
    is_exact::<CallBatch>(bytes);
    is_exact::<Candidate>(bytes);
    is_exact::<Category>(bytes);
    is_exact::<Parameters>(bytes);
    is_exact::<List>(bytes);
    is_exact::<Publication>(bytes);
    is_exact::<Session>(bytes);
    is_exact::<Proposal>(bytes);
    is_exact::<Dispute>(bytes);
    is_exact::<RatingChange>(bytes);
    is_exact::<Account>(bytes);
    is_exact::<Deposit>(bytes);
    is_exact::<Supply>(bytes);
    is_exact::<Opening>(bytes);
    is_exact::<View>(bytes);
    is_exact::<ViewQuery>(bytes);
    is_exact::<CaseSet>(bytes);
    is_exact::<Disclosure>(bytes);
    is_exact::<CallDraw>(bytes);
    is_exact::<AskedCalls>(bytes);
    is_exact::<CodeVersions>(bytes);
    is_exact::<Usage>(bytes);
    is_exact::<ResultProof>(bytes);
}

fn survives<T: BorshSerialize + BorshDeserialize + PartialEq + Debug>(value: &T) {
    let bytes = codec::encode(value);
    assert_eq!(
        &codec::decode::<T>(&bytes).expect("it was written so"),
        value
    );
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(codec::decode::<T>(&longer).is_err(), "a trailing byte");
    for length in 0..bytes.len() {
        assert!(
            codec::decode::<T>(&bytes[..length]).is_err(),
            "cut at {length}"
        );
    }
}

#[test]
fn each_sample_reads_back_and_neither_shorter_nor_longer() {
    actions().iter().for_each(survives);
    changes().iter().for_each(|(_, change)| survives(change));
    events().iter().for_each(survives);
    survives(&genesis());
    survives(&Chain::new().envelope(OWNER, &create_list()));
}

#[test]
fn samples_hold_one_of_each_action_and_event() {
    let numbers = |encoded: Vec<Vec<u8>>| -> Vec<u8> {
        encoded.iter().map(|bytes| variant_number(bytes)).collect()
    };
    let of_actions = numbers(actions().iter().map(codec::encode).collect());
    let of_events = numbers(events().iter().map(codec::encode).collect());
    let of_changes = numbers(
        changes()
            .iter()
            .map(|(_, change)| codec::encode(change))
            .collect(),
    );
    assert_eq!(of_actions, (0..35).collect::<Vec<_>>());
    assert_eq!(of_events, (0..63).collect::<Vec<_>>());
    assert_eq!(of_changes, (0..11).collect::<Vec<_>>());
    // The numbers after the last ones mean nothing yet.
    assert!(codec::decode::<Action>(&[35; 200]).is_err());
    assert!(codec::decode::<Event>(&[63; 200]).is_err());
    assert!(codec::decode::<Change>(&[11; 200]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_read_exactly_or_not_at_all(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        is_exact_for_all_types(&bytes);
    }

    #[test]
    fn bent_samples_are_read_exactly_or_not_at_all(
        sample in 0..35_usize,
        bends in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let mut bytes = codec::encode(&actions()[sample]);
        for (place, byte) in bends {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        is_exact::<Action>(&bytes);
    }

    #[test]
    fn what_a_hostile_member_sends_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let chain = Chain::new();
        let mut envelope = chain.envelope(OWNER, &create_list());
        envelope.action = Bytes::try_from(bytes).expect("it fits");
        let checked = chain.machine.check_stateless(&[envelope]);
        prop_assert!(checked[0].is_err());
    }
}

#[test]
fn a_count_beyond_the_bound_is_refused_before_anything_is_read() {
    let huge = codec::encode(&u32::MAX);
    assert!(codec::decode::<BoundedVec<u8, 4>>(&huge).is_err());
    assert!(codec::decode::<Bytes<4>>(&huge).is_err());
    assert!(codec::decode::<Text<4>>(&huge).is_err());
    let one_more = codec::encode(&(5_u32, [1_u8; 5]));
    assert!(codec::decode::<BoundedVec<u8, 4>>(&one_more).is_err());
    assert!(codec::decode::<Bytes<4>>(&one_more).is_err());
    assert!(codec::decode::<BoundedVec<u8, 5>>(&one_more).is_ok());
    assert!(codec::decode::<Bytes<5>>(&one_more).is_ok());
}

#[test]
fn a_bounded_vector_takes_no_more_than_its_bound() {
    assert!(BoundedVec::<u8, 2>::try_from(vec![1, 2, 3]).is_err());
    let mut full = BoundedVec::<u8, 2>::try_from(vec![1, 2]).expect("it fits");
    assert_eq!(full.push(3), Err(3));
    assert_eq!(full[..], [1, 2]);
}

#[test]
fn an_envelope_longer_than_any_is_refused_by_its_length() {
    let mut bytes = Chain::new().envelope(OWNER, &create_list()).to_bytes();
    assert!(Envelope::from_bytes(&bytes).is_ok());
    bytes.resize(MAX_ENVELOPE_BYTES + 1, 0);
    let error = Envelope::from_bytes(&bytes).expect_err("too long");
    assert!(error.to_string().contains("at most"), "{error}");
}

#[test]
fn texts_that_could_deceive_a_reader_are_refused() {
    let deceiving = [
        "",
        " padded",
        "padded ",
        "\u{a0}padded",
        "two\nlines",
        "bell\u{7}",
        "zero\u{200b}width",
        "turned\u{202e}around",
        "arabic\u{61c}mark",
        "soft\u{ad}hyphen",
        "varied\u{fe0f}",
        "filled\u{3164}",
        "tagged\u{e0041}",
        "\u{feff}marked",
    ];
    for text in deceiving {
        assert!(Text::<96>::new(text).is_err(), "{text:?}");
        let written =
            codec::encode(&Bytes::<96>::try_from(text.as_bytes().to_vec()).expect("fits"));
        assert!(
            codec::decode::<Text<96>>(&written).is_err(),
            "{text:?} from the wire"
        );
    }
    for text in [
        "工商银行（亚洲）",
        "Crédit Agricole S.A.",
        "a b",
        "O’Neill & Söhne",
    ] {
        assert!(Text::<96>::new(text).is_ok(), "{text:?}");
    }
}

#[test]
fn bytes_that_are_no_utf8_are_no_text() {
    let written = codec::encode(&Bytes::<96>::try_from(vec![0xff, 0xfe]).expect("it fits"));
    assert!(codec::decode::<Text<96>>(&written).is_err());
}
