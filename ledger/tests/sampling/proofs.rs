//! What is proven of drawn entries, and what happens without it.

use tacit_circuits::curve::Field;
use tacit_circuits::list::Tag;
use tacit_circuits::log::LogTree;
use tacit_circuits::receipt::Claim;
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::{Event, PublicationStatus, read};

use crate::support::*;

fn active(chain: &Chain) -> bool {
    let list = read::list(&chain.state, LIST).expect("a map");
    list.expect("created").active == Some(first())
}

/// Lets the time for proofs pass.
fn expire(chain: &mut Chain) {
    chain.pass(2 * BEACON_WINDOW + 2 * SAMPLE_WINDOW + 2);
}

#[test]
fn a_version_with_its_proofs_stays_active() {
    let mut chain = SAMPLED_WORLD.chain.clone();
    assert!(active(&chain), "activation does not wait for the proofs");
    let said = chain.must(OWNER, prove_samples(SAMPLE_PROOFS.clone()));
    let publication = first();
    assert_eq!(said, [Event::SamplesProven { publication }]);
    assert_eq!(chain.sampling(first()).proven_height, Some(chain.height));
    expire(&mut chain);
    assert!(active(&chain));
}

#[test]
fn a_version_without_its_proofs_goes_off_at_the_deadline() {
    let mut chain = SAMPLED_WORLD.chain.clone();
    let output = read::beacon_output(&chain.state, chain.sampling(first()).round);
    let deadline = output.expect("a map").expect("drawn").height + SAMPLE_WINDOW;
    chain.pass_before(deadline + 1);
    assert_eq!(chain.height, deadline);
    assert!(active(&chain));
    // The first look at it may come before the deadline, and then comes again right after it.
    while active(&chain) {
        assert!(chain.height <= deadline + 2 * BEACON_WINDOW + SAMPLE_WINDOW);
        chain.pass(1);
    }
    let said = Event::Unproven {
        publication: first(),
        owner: OWNER,
    };
    assert!(chain.block_events().contains(&said));
    let late = prove_samples(SAMPLE_PROOFS.clone());
    assert_eq!(chain.refused(OWNER, late), Reject::PUBLICATION_UNPROVEN);
    // The next version begins anew.
    chain.activate(OWNER, version(LIST, EPOCH, 1));
    let list = read::list(&chain.state, LIST)
        .expect("a map")
        .expect("it is");
    assert_eq!(list.active, Some(version(LIST, EPOCH, 1)));
}

#[test]
fn proofs_are_taken_at_the_last_height_of_the_deadline() {
    let mut chain = SAMPLED_WORLD.chain.clone();
    let output = read::beacon_output(&chain.state, chain.sampling(first()).round);
    let deadline = output.expect("a map").expect("drawn").height + SAMPLE_WINDOW;
    chain.pass_before(deadline);
    chain.must(OWNER, prove_samples(SAMPLE_PROOFS.clone()));
    assert_eq!(chain.height, deadline);
    expire(&mut chain);
    assert!(active(&chain));
}

#[test]
fn a_version_that_is_pending_at_the_deadline_never_becomes_active() {
    let mut chain = Chain::that_samples();
    chain.must(OWNER, FULL.publish());
    chain.must(QUERIER, attest(first()));
    chain.draw();
    expire(&mut chain);
    assert!(matches!(
        chain.status(first()),
        PublicationStatus::Unproven { .. }
    ));
    let refused = chain.refused(THIRD, attest(first()));
    assert_eq!(refused, Reject::PUBLICATION_UNPROVEN);
    assert!(!active(&chain));
}

#[test]
fn the_deadline_counts_from_the_output_however_late_that_comes() {
    let mut chain = Chain::that_samples();
    chain.must(OWNER, FULL.publish());
    // Nobody takes part for so long that the first looks at the deadline find nothing drawn.
    chain.pass(6 * (2 * BEACON_WINDOW + 1));
    assert_eq!(chain.status(first()), PublicationStatus::Pending);
    let drawn = chain.draw();
    chain.pass_before(drawn.height + SAMPLE_WINDOW + 1);
    assert_eq!(chain.status(first()), PublicationStatus::Pending);
    expire(&mut chain);
    assert!(matches!(
        chain.status(first()),
        PublicationStatus::Unproven { .. }
    ));
}

#[test]
fn nothing_is_drawn_without_a_key_or_where_the_members_want_nothing() {
    let mut without_key = Chain::with(sampling);
    without_key.prepare_list();
    let mut unwanted = Chain::new();
    unwanted.carry(set_receipt_key()).expect("carried");
    unwanted.prepare_list();
    for mut chain in [without_key, unwanted] {
        assert_eq!(chain.standing(first()).sampling, None);
        assert_eq!(chain.beacon().open, None);
        expire(&mut chain);
        assert!(active(&chain));
    }
}

#[test]
fn a_proof_of_fraud_is_not_covered_up_by_the_deadline() {
    let mut chain = Chain::that_samples();
    chain.activate(OWNER, first());
    chain.draw();
    chain.must(THIRD, fraud_proof(first()));
    expire(&mut chain);
    assert!(matches!(
        chain.status(first()),
        PublicationStatus::Fraudulent { .. }
    ));
}

#[test]
fn an_owner_cannot_prove_a_tag_that_it_made_up() {
    // All tags made up: whatever is drawn is one of them.
    let made_up = FullList::with(|tags| {
        for (number, tag) in (1..).zip(tags) {
            *tag = Tag::new(number << 90).expect("in range");
        }
    });
    let world = Sampled::of(&made_up);
    let chain = &world.chain;
    for place in 0..world.slots.len() {
        // Its calls are about whatever it likes, but the tag that they give is not the one in the slot.
        let witness = world.witness(&made_up, place);
        assert!(witness.check().is_err(), "slot {}", world.slots[place]);
    }
    assert!(active(chain), "until the deadline");
    let mut chain = world.chain.clone();
    expire(&mut chain);
    assert!(!active(&chain));
}

/// Why the world refuses proofs in which the first was made from a changed witness.
fn refused_with(change: impl FnOnce(&mut tacit_circuits::receipt::Witness)) -> Reject {
    let world = &*SAMPLED_WORLD;
    let mut witnesses = [world.witness(&FULL, 0), world.witness(&FULL, 1)];
    change(&mut witnesses[0]);
    let proofs = world.proofs_of(&witnesses);
    world.chain.clone().refused(OWNER, prove_samples(proofs))
}

#[test]
fn another_slot_than_the_drawn_one_is_refused() {
    let world = &*SAMPLED_WORLD;
    let swapped = [world.witness(&FULL, 1), world.witness(&FULL, 0)];
    let proofs = world.proofs_of(&swapped);
    let refused = world.chain.clone().refused(OWNER, prove_samples(proofs));
    assert_eq!(refused, Reject::SAMPLES_INVALID);
}

#[test]
fn another_context_is_refused() {
    let refused = refused_with(|witness| witness.context.0[0] ^= 1);
    assert_eq!(refused, Reject::SAMPLES_INVALID);
}

#[test]
fn an_answer_is_no_proof_of_a_drawn_entry() {
    let world = &*SAMPLED_WORLD;
    // A drawn phone number: padding has no answers.
    let place = (0..world.slots.len())
        .find(|place| !FULL.at(world.slots[*place]).1.is_padding())
        .expect("seven in eight are phone numbers");
    let mut witnesses = [world.witness(&FULL, 0), world.witness(&FULL, 1)];
    witnesses[place].purpose = tacit_circuits::receipt::Purpose::Answer;
    let proofs = world.proofs_of(&witnesses);
    let refused = world.chain.clone().refused(OWNER, prove_samples(proofs));
    assert_eq!(refused, Reject::SAMPLES_INVALID);
}

#[test]
fn a_root_without_the_owners_calls_is_refused() {
    let world = &*SAMPLED_WORLD;
    let mut proofs = SAMPLE_PROOFS.clone();
    let other = LogTree::new(vec![Field::from(7_u8)]).expect("there is room");
    proofs.log_root = other.root().into();
    let refused = world.chain.clone().refused(OWNER, prove_samples(proofs));
    assert_eq!(refused, Reject::LOG_ROOT_UNKNOWN);
}

#[test]
fn proofs_of_one_version_are_refused_for_another_with_the_same_tags() {
    let world = &*SAMPLED_WORLD;
    let mut chain = world.chain.clone();
    let next = version(LIST, EPOCH, 1);
    let tacit_ledger::network::Action::Publish {
        root,
        size_class,
        evidence_root,
        ..
    } = FULL.publish()
    else {
        unreachable!("it publishes")
    };
    chain.must(
        OWNER,
        tacit_ledger::network::Action::Publish {
            publication: next,
            root,
            size_class,
            evidence_root,
        },
    );
    chain.draw();
    let mut proofs = SAMPLE_PROOFS.clone();
    proofs.publication = next;
    let refused = chain.refused(OWNER, prove_samples(proofs));
    assert_eq!(refused, Reject::SAMPLES_INVALID);
}

#[test]
fn malleated_proofs_hold_for_the_same_statement_and_only_once() {
    let mut chain = SAMPLED_WORLD.chain.clone();
    chain.must(OWNER, prove_samples(SAMPLE_PROOFS.clone()));
    let again = prove_samples(SAMPLE_PROOFS.clone());
    assert_eq!(chain.refused(OWNER, again), Reject::SAMPLES_PROVEN);
}

#[test]
fn the_owners_calls_stand_in_the_log_as_its_own_and_cost_nothing() {
    let (mut chain, slots, _) = drawn(&FULL);
    let before = (chain.account(OWNER), chain.deposit(OWNER));
    let (calls, _, _, leaves) = sample_calls(&chain, &FULL, &slots);
    let said = chain.must(OWNER, log_samples(calls));
    let logged = Event::SamplesLogged {
        publication: first(),
        first_leaf: 0,
        entries: SAMPLED,
    };
    assert_eq!(said, [logged]);
    let head = read::log_head(&chain.state)
        .expect("a map")
        .expect("logged");
    let tree = LogTree::new(leaves).expect("there is room");
    assert_eq!((head.root, head.length), (tree.root().into(), 2));
    assert_eq!((chain.account(OWNER), chain.deposit(OWNER)), before);
    assert_eq!(read::history(&chain.state, OWNER), Ok(Default::default()));
}

#[test]
fn receipts_about_an_unproven_version_are_refused() {
    // The version went off while it was another's answer: nobody may rely on it any more.
    let mut chain = WORLD.chain.clone();
    let mut publication = chain.standing(version(LIST, EPOCH, 0));
    publication.status = PublicationStatus::Unproven { height: 1 };
    let key = tacit_ledger::network::keys::publication(publication.id);
    let bytes = tacit_ledger::kernel::codec::encode(&publication);
    chain.state.insert(key, bytes);
    let refused = chain.refused(QUERIER, submit(WORLD.set.clone()));
    assert_eq!(refused, Reject::PUBLICATION_UNPROVEN);
}

#[test]
fn padding_can_be_proven_like_any_entry() {
    // Of 1,024 entries 124 are padding: some slot of it is proven natively, whatever is drawn.
    let world = &*SAMPLED_WORLD;
    let slot = (1..=1_024)
        .find(|slot| FULL.at(*slot).1.is_padding())
        .expect("there is padding");
    let mut padded = world.clone();
    let (calls, states, evaluated, leaves) = sample_calls(&world.chain, &FULL, &[slot, 1]);
    assert_eq!(calls.blinded.len(), 2);
    padded.slots = vec![slot, 1];
    padded.log = LogTree::new(leaves).expect("there is room");
    padded.replace_calls(states, evaluated);
    let statement = padded.witness(&FULL, 0).check().expect("it holds");
    assert_eq!(statement.claim, Claim::SampledEntry { slot });
}
