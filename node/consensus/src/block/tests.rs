use super::*;
use commonware_codec::{DecodeExt as _, Encode as _};
use commonware_storage::mmr::Location;
use commonware_utils::non_empty_range;

fn block(envelopes: Vec<Bytes>) -> Block {
    let committee = Committee::new(vec![ed25519::PrivateKey::from_seed(1).public_key()])
        .expect("one key is a committee");
    let state = StateCommitment {
        root: Digest::EMPTY,
        operations_root: Digest::EMPTY,
        operations: non_empty_range!(Location::new(0), Location::new(1)),
    };
    let mut block = Block::genesis(&[1; 32], 7, committee, state);
    block.header.body = body_digest(&envelopes);
    block.envelopes = envelopes;
    block
}

#[test]
fn a_block_reads_back_as_it_was_and_within_its_bound() {
    let block = block(vec![
        Bytes::from_static(b"one"),
        Bytes::from_static(b"another"),
    ]);
    let bytes = block.encode();
    assert!(bytes.len() <= Block::max_encode_size(&()));
    assert_eq!(Block::decode(bytes).expect("it is whole"), block);
}

#[test]
fn a_block_with_another_body_than_its_header_commits_to_does_not_read() {
    let mut block = block(vec![Bytes::from_static(b"one")]);
    block.envelopes.push(Bytes::from_static(b"smuggled"));
    assert!(Block::decode(block.encode()).is_err());
}

#[test]
fn moving_bytes_between_transactions_changes_the_body() {
    let digest = |parts: &[&'static [u8]]| {
        body_digest(
            &parts
                .iter()
                .map(|part| Bytes::from_static(part))
                .collect::<Vec<_>>(),
        )
    };
    assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
    assert_ne!(digest(&[b"abc"]), digest(&[b"abc", b""]));
}

#[test]
fn a_block_with_more_bytes_than_allowed_does_not_read() {
    let large = Bytes::from(vec![0; MAX_ENVELOPE_BYTES]);
    let block = block(vec![large; MAX_BLOCK_BYTES / MAX_ENVELOPE_BYTES + 1]);
    assert!(Block::decode(block.encode()).is_err());
}

#[test]
fn trailing_bytes_are_refused() {
    let mut bytes = block(Vec::new()).encode().to_vec();
    bytes.push(0);
    assert!(Block::decode(Bytes::from(bytes)).is_err());
}

#[test]
fn the_genesis_of_another_chain_is_another_block() {
    let one = block(Vec::new());
    let committee = one
        .header
        .handover
        .clone()
        .expect("genesis names the first committee");
    let other = Block::genesis(&[2; 32], 7, committee, one.header.state.clone());
    assert_ne!(one.digest(), other.digest());
}
