//! Dogwood as one who takes quota that nobody gave it.

use std::fmt::Debug;

use rand_core::OsRng;
use tacit_circuits::quota::transfer::Role;
use tacit_circuits::quota::{Account, OWNER, Opening as AmountOpening};
use tacit_circuits::scope::{ListId, TagEpoch};
use tacit_client::card::CardRole;
use tacit_frontend::ports::{Ledger as _, LedgerError};
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::action::SessionTerms;
use tacit_ledger::network::quota::Collection;
use tacit_ledger::network::{Action, Event, Session, SessionId, SignedRequest, read as state};

use super::querier::BIRCH;
use super::{ALDER_ID, DOGWOOD_ID, Dogwood, start};
use crate::consortium::{CLEAR, Consortium, eventually, phone, phones};

/// Price of a call to the lists of these tests.
const PRICE_MINOR: u32 = 1_000;

fn is_refused<T: Debug>(what: &str, submitted: Result<T, LedgerError>, reject: Reject) {
    assert!(
        matches!(&submitted, Err(LedgerError::Rejected(said)) if *said == reject),
        "{what}: {submitted:?}"
    );
}

#[test]
fn quota_is_taken_once_and_out_of_what_is_there_by_whoever_it_belongs_to() {
    let (mut network, dogwood) = start(|_| {});
    network.publish(BIRCH, "cheats", &phones(0..20));
    dogwood.roll_over();
    let has_minor = dogwood.has_minor();

    let own = escrows_come_out_of_the_account(&dogwood);
    nobody_collects_but_the_provider(&network, &dogwood, own);
    let withdrawn = dogwood.submit(Action::Withdraw { amount_minor: 1 });
    is_refused("the deposit", withdrawn, Reject::DEPOSIT_EXCEEDED);
    nobody_joins_with_anothers_key(&mut network);
    assert_eq!(dogwood.has_minor(), has_minor, "it gained and lost nothing");
}

/// Terms of a session with birch's list, of which dogwood has several.
fn terms(dogwood: &Dogwood, lane: u16) -> SessionTerms {
    SessionTerms {
        list: ListId(1),
        tag_epoch: TagEpoch(0),
        lane,
        cap_calls: 100,
        deadline_height: dogwood.ledger.height() + 50_000,
    }
}

/// Answers with the one session that is opened.
fn escrows_come_out_of_the_account(dogwood: &Dogwood) -> SessionId {
    let invalid = Reject::TRANSFER_INVALID;
    let account = dogwood.account();
    let all = dogwood.opened(&account.available, OWNER);
    let all = u32::try_from(all).expect("a welcome grant has 32 bits");

    // More than there is, out of a ciphertext that dogwood made and that stands nowhere.
    let keys = dogwood.read(|view| state::quota_parties(view, DOGWOOD_ID, DOGWOOD_ID));
    let keys = keys.expect("a member");
    let made_up = AmountOpening::random(u32::MAX, &mut OsRng).seal(&[
        keys[Role::Querier as usize],
        keys[Role::Supervisor as usize],
    ]);
    let rich = Account {
        available: made_up,
        ..account
    };
    let overdrawn = dogwood.opening(&rich, terms(dogwood, 0), all + 1);
    let opened = dogwood.open_sessions(vec![overdrawn]);
    is_refused("an escrow out of nothing", opened, invalid);

    // Twice the same quota, in one transaction.
    let half = all / 2 + 1;
    let twice = [0, 1].map(|lane| dogwood.opening(&account, terms(dogwood, lane), half));
    let opened = dogwood.open_sessions(twice.to_vec());
    is_refused("an escrow overdrawn", opened, invalid);

    // A proof for one session does not open another.
    let mut moved = dogwood.opening(&account, terms(dogwood, 0), PRICE_MINOR);
    moved.terms.cap_calls += 1;
    let opened = dogwood.open_sessions(vec![moved]);
    is_refused("an escrow of other terms", opened, invalid);

    // Of two proofs out of one state of the account only one is good, once.
    let [first, second] =
        [0, 1].map(|lane| dogwood.opening(&account, terms(dogwood, lane), PRICE_MINOR));
    let opened = dogwood.open_sessions(vec![first.clone()]).expect("opened");
    let Some(Event::SessionOpened { session, .. }) = opened.events.first() else {
        panic!("{opened:?}")
    };
    let late = dogwood.open_sessions(vec![second]);
    is_refused("an old state of the account", late, invalid);
    let again = dogwood.open_sessions(vec![first]);
    is_refused("the same escrow again", again, invalid);
    *session
}

/// Collects from a session whose provider is another, for dogwood.
fn collection_of(dogwood: &Dogwood, session: &Session) -> Action {
    let parties = dogwood.read(|view| state::quota_parties(view, session.querier, DOGWOOD_ID));
    let parties = parties.expect("members");
    let (escrow_minor, charge_minor) = (1_000_000, 500);
    let escrow = AmountOpening::random(escrow_minor, &mut OsRng).seal(&parties);
    let collection = Collection {
        session,
        escrow: &escrow,
        escrow_minor: escrow_minor.into(),
        owed: &AmountOpening::random(charge_minor, &mut OsRng),
    };
    let (chain_id, key) = (dogwood.ledger.chain_id(), dogwood.ledger.quota_key(0));
    let proven = collection.prove(chain_id, &parties, &key, false, &mut OsRng);
    proven.expect("a proof about something else")
}

fn nobody_collects_but_the_provider(network: &Consortium, dogwood: &Dogwood, own: SessionId) {
    let rows = network.screen(0, &[&phone(7)], &["--wait-final"]);
    let of_alder = rows[0]["answers"][0]["session"].as_u64();
    let of_alder = SessionId(of_alder.expect("a session"));
    for id in [of_alder, own] {
        let session = dogwood.read(|view| state::session(view, id));
        let action = collection_of(dogwood, &session.expect("it is open"));
        let collected = dogwood.submit(action);
        is_refused("others' charges", collected, Reject::NOT_THE_PROVIDER);
    }
    eventually("birch has what alder was charged", || {
        network.ask(BIRCH, &["quota"])["earned_minor"] == PRICE_MINOR
    });
}

/// Whoever is a candidate shows that it knows the secret of its own quota key.
fn nobody_joins_with_anothers_key(network: &mut Consortium) {
    let newcomer = network.add_folder("elder", CardRole::Member);
    let path = network.node(newcomer).folder.join("card.toml");
    let honest = std::fs::read_to_string(&path).expect("a card");
    let (own, of_birch) = (
        network.node(newcomer).card.clone(),
        network.node(BIRCH).card.clone(),
    );
    let with_key = honest.replace(&own.quota_key, &of_birch.quota_key);
    let with_both = with_key.replace(&own.quota_key_proof, &of_birch.quota_key_proof);
    let path = path.to_str().expect("a path");
    let propose = ["member", "propose-add", "--card", path];
    for card in [with_key, with_both] {
        assert_ne!(card, honest);
        std::fs::write(path, card).expect("written");
        let said = network.tacit(0, &propose);
        let refused = said.code != CLEAR && said.err.contains("(reject 115)");
        assert!(refused, "{said:?}");
    }
    std::fs::write(path, honest).expect("written");
    assert!(network.ask(0, &propose)["proposal_id"].is_u64());
}

/// Collects as the provider of a session with one settled request of alder's, which charges so many calls: no
/// other sum is paid than the one that was agreed, and that once.
pub(super) fn charges_are_paid_as_agreed_and_once(
    dogwood: &Dogwood,
    signed: &SignedRequest,
    charged_calls: u32,
) {
    let request = &signed.request;
    let (id, chain_id) = (request.session, dogwood.ledger.chain_id());
    let above_minor = PRICE_MINOR * (charged_calls - 1);
    let agreed = dogwood.charge(ALDER_ID, (id, request.sequence), above_minor);
    let (session, escrow, parties) = dogwood.read(|view| {
        let session = state::session(view, id)?.expect("it is open");
        let parties = state::quota_parties(view, ALDER_ID, DOGWOOD_ID)?;
        Ok((session, state::escrow(view, id)?, parties.expect("members")))
    });
    assert_eq!(session.owed_requests, 1);
    let collect = |session: &Session, owed: &AmountOpening| {
        let collection = Collection {
            session,
            escrow: &escrow,
            escrow_minor: dogwood.opened(&escrow, Role::Provider as usize),
            owed,
        };
        let key = dogwood.ledger.quota_key(0);
        let proven = collection.prove(chain_id, &parties, &key, false, &mut OsRng);
        dogwood.submit(proven.expect("the escrow covers it"))
    };

    let more = AmountOpening::random(above_minor + 1, &mut OsRng);
    let another = AmountOpening::random(above_minor, &mut OsRng);
    let mut busier = session.clone();
    busier.owed_requests += 1;
    for (what, session, owed, reject) in [
        ("a made-up sum", &session, &more, Reject::CHARGE_MISMATCH),
        (
            "another blinding",
            &session,
            &another,
            Reject::CHARGE_MISMATCH,
        ),
        ("a request more", &busier, &agreed, Reject::TRANSFER_INVALID),
    ] {
        is_refused(what, collect(session, owed), reject);
    }

    let rewarded = || {
        dogwood
            .read(|view| state::history(view, DOGWOOD_ID))
            .rewarded_minor
    };
    let before = dogwood.has_minor() - rewarded();
    collect(&session, &agreed).expect("what is owed is paid");
    let charge = u64::from(PRICE_MINOR * charged_calls);
    assert_eq!(dogwood.has_minor() - rewarded(), before + charge);
    is_refused("twice", collect(&session, &agreed), Reject::NOTHING_OWED);
}
