//! What a network can be founded on.

use tacit_ledger::kernel::genesis::{GenesisError, Section};
use tacit_ledger::kernel::{
    Bytes, ChainId, Genesis, Machine, MemberId, ModuleId, Registry, Reject, codec,
};
use tacit_ledger::network::{NetworkGenesis, read};

use crate::support::*;

fn first(terms: impl FnOnce(&mut NetworkGenesis)) -> Genesis {
    let mut network = genesis();
    terms(&mut network);
    network.into_genesis("test", START_MS, 0).expect("it fits")
}

fn refusal(genesis: &Genesis) -> GenesisError {
    Machine::new(genesis.chain_id(), Registry::network())
        .genesis(genesis)
        .expect_err("no network can be founded on it")
}

/// The network's own reason.
fn reason(terms: impl FnOnce(&mut NetworkGenesis)) -> String {
    match refusal(&first(terms)) {
        GenesisError::Section { module, reason } => {
            assert_eq!(module, ModuleId::NETWORK);
            reason
        }
        other => panic!("refused for another reason: {other}"),
    }
}

#[test]
fn founders_are_numbered_in_their_order_and_members_are_granted_quota() {
    let chain = Chain::new();
    let members = read::members(&chain.state).expect("a map");
    let numbers: Vec<_> = members.iter().map(|member| member.id).collect();
    assert_eq!(numbers, (1..=6).map(MemberId).collect::<Vec<_>>());
    assert_eq!(chain.available(SISTER), WELCOME_MINOR);
    assert_eq!(chain.available(OBSERVER), 0);
    let supply = read::supply(&chain.state).expect("a map");
    assert_eq!(supply.minted_minor, 5 * WELCOME_MINOR);
}

#[test]
fn the_chain_id_is_that_of_every_byte_of_the_genesis() {
    let genesis = first(|_| {});
    let mut later = genesis.clone();
    later.time_ms += 1;
    assert_ne!(genesis.chain_id(), later.chain_id());
    let machine = Machine::new(ChainId([1; 32]), Registry::network());
    let expected = GenesisError::OtherChain {
        expected: ChainId([1; 32]),
        found: genesis.chain_id(),
    };
    assert_eq!(machine.genesis(&genesis), Err(expected));
}

#[test]
fn a_genesis_out_of_range_is_refused_with_its_fault() {
    let genesis = first(|_| {});
    let mut without_epochs = genesis.clone();
    without_epochs.epoch_blocks = 0;
    assert_eq!(refusal(&without_epochs), GenesisError::EpochBlocks);

    let mut far_away = genesis.clone();
    far_away.utc_offset_minutes = -1_441;
    assert_eq!(refusal(&far_away), GenesisError::UtcOffset(-1_441));

    let mut empty = genesis.clone();
    empty.sections = bounded(Vec::new());
    assert_eq!(
        refusal(&empty),
        GenesisError::SectionUnreadable(ModuleId::NETWORK)
    );

    let mut twice = genesis.clone();
    twice.sections = bounded([genesis.sections[0].clone(), genesis.sections[0].clone()].to_vec());
    assert_eq!(refusal(&twice), GenesisError::SectionOrder);

    let mut foreign = genesis.clone();
    let section = Section {
        module: ModuleId(9),
        body: Bytes::default(),
    };
    foreign.sections = bounded(vec![genesis.sections[0].clone(), section]);
    assert_eq!(refusal(&foreign), GenesisError::ModuleUnknown(ModuleId(9)));

    let mut trailing = genesis.clone();
    let mut body = genesis.sections[0].body.to_vec();
    body.push(0);
    trailing.sections.as_mut_slice()[0].body = Bytes::try_from(body).expect("it fits");
    assert_eq!(
        refusal(&trailing),
        GenesisError::SectionUnreadable(ModuleId::NETWORK)
    );
}

#[test]
fn founders_are_held_to_the_rules_of_those_who_join() {
    let told = |reject: Reject| reject.to_string();
    assert_eq!(
        reason(|genesis| {
            let mut members = genesis.members.clone().into_vec();
            members[1].candidate.profile.tls_spki_hash = certificate(OWNER);
            genesis.members = bounded(members);
        }),
        told(Reject::KEY_IN_USE)
    );
    assert_eq!(
        reason(|genesis| genesis.members.as_mut_slice()[5].validator = true),
        told(Reject::NOT_A_MEMBER)
    );
    assert_eq!(
        reason(|genesis| genesis.members = bounded(Vec::new())),
        told(Reject::TOO_FEW_VALIDATORS)
    );
    assert_eq!(
        reason(|genesis| genesis.categories = bounded(vec![category(2), category(1)])),
        told(Reject::DUPLICATE)
    );
    assert_eq!(
        reason(|genesis| genesis.parameters.max_session_blocks = 0),
        told(Reject::VALUE_OUT_OF_RANGE)
    );
    let founders = || {
        crowd(129).into_iter().map(|mut founder| {
            founder.validator = true;
            founder
        })
    };
    assert_eq!(
        reason(|genesis| genesis.members = bounded(founders().collect())),
        told(Reject::TOO_MANY_VALIDATORS)
    );
}

#[test]
fn a_full_network_fits_its_section_of_the_genesis() {
    let mut network = genesis();
    let mut members = crowd(256);
    for (number, member) in members.iter_mut().enumerate() {
        let candidate = &mut member.candidate;
        candidate.name = text(&format!("{number:096}"));
        candidate.group = text(&format!("{number:096}"));
        let host = "h".repeat(253);
        candidate.profile.front_end_address = text(&format!("{host}:65535"));
        candidate.profile.p2p_address = text(&format!("{host}:65535"));
    }
    network.members = bounded(members);
    network.categories = bounded((0..64).map(category).collect());
    let genesis = network.into_genesis("full", START_MS, 0).expect("it fits");
    let machine = Machine::new(genesis.chain_id(), Registry::network());
    assert!(machine.genesis(&genesis).is_ok());
    let read: Genesis = codec::decode(&codec::encode(&genesis)).expect("it was written so");
    assert_eq!(read, genesis);
}
