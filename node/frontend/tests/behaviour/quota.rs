//! Confidential quota: what is charged, hidden, collected, and refused.

use std::path::Path;

use tacit_circuits::oprf::padding_calls;
use tacit_circuits::scope::{ListId, MemberId, TagEpoch};
use tacit_frontend::FrontendConfig;
use tacit_frontend::peer::RefusalCode;
use tacit_frontend::ports::Ledger as _;
use tacit_frontend::wallet::padded_size;
use tacit_ledger::kernel::{Digest, Outcome};
use tacit_ledger::network::quota::charge_context;
use tacit_ledger::network::request::Call;
use tacit_ledger::network::{Action, Request, SessionId, read as state};

use crate::adversary::Querier;
use crate::support::{self, Network, PRICE_MINOR, eventually, phone, phones, quota_key};

fn padded(config: &mut FrontendConfig) {
    config.screening.sessions.padding = true;
}

fn total((available, escrowed): (u64, u64)) -> u64 {
    available + escrowed
}

/// Waits until a member has so much more, or less, than before.
async fn moves(network: &Network, member: MemberId, before: u64, by: i64) {
    let expected = before.strict_add_signed(by);
    eventually(&format!("{member} has {expected}"), async || {
        total(network.balance(member).await) == expected
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_paid_for_and_their_padding_is_not() {
    let network = Network::start_with(2, |_, _| {}, padded).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let (provider, querier) = (MemberId(1), MemberId(2));
    let earned = total(network.balance(provider).await);
    let spent = total(network.balance(querier).await);
    let mut leaves = 0;
    for calls in [1, 3, 5, 20] {
        let screened = network.nodes[1].screen(&phones(0..calls)).await;
        assert_eq!(screened.hits.len(), calls as usize, "{screened:?}");
        assert_eq!(screened.summary.calls, u64::from(calls));
        leaves += padded_size(calls.into());
    }
    network.wait_logged(leaves).await;
    let paid = 29 * i64::from(PRICE_MINOR);
    moves(&network, querier, spent, -paid).await;
    // What is minted is for requests, since nobody knows how many calls each makes.
    moves(&network, provider, earned, paid + 4 * 50).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn charges_are_collected_once_whatever_became_of_the_transaction() {
    let mut network = Network::start(2).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let earned = total(network.balance(MemberId(1)).await);
    // Its sender does not hear of it.
    *network.chain.lose.lock().expect("lose") =
        Some(|action| matches!(action, Action::CollectCharges { .. }));
    network.nodes[1].screen(&phones(0..7)).await;
    network.wait_logged(7).await;
    let earns = 7 * i64::from(PRICE_MINOR) + 50;
    moves(&network, MemberId(1), earned, earns).await;
    *network.chain.lose.lock().expect("lose") = None;
    network.restart(0, |_| {}).await;
    network.nodes[1].screen(&phones(0..2)).await;
    network.wait_logged(9).await;
    moves(
        &network,
        MemberId(1),
        earned,
        earns + 2 * i64::from(PRICE_MINOR) + 50,
    )
    .await;
    assert_eq!(collections(&network), 2);
}

/// Collections that the chain applied.
fn collections(network: &Network) -> usize {
    let log = network.chain.log.lock().expect("log");
    let collected = log.iter().filter(|(_, action, outcome)| {
        matches!(action, Action::CollectCharges { .. }) && *outcome == Outcome::Applied
    });
    collected.count()
}

/// Moves a database, or copies it, with the files beside it.
fn for_each_database_file(folder: &Path, each: impl Fn(&Path)) {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let is_database =
        |path: &std::path::PathBuf| path.to_string_lossy().contains("frontend.sqlite");
    let files: Vec<_> = paths.filter(is_database).collect();
    assert!(!files.is_empty(), "there is a database");
    files.iter().for_each(|path| each(path));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_lost_its_database_finds_what_it_is_owed_on_the_chain() {
    let mut network = Network::start_with(3, |_, _| {}, padded).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let earned = total(network.balance(MemberId(1)).await);
    // Nothing is collected before the database is lost.
    *network.chain.refuse.lock().expect("refuse") =
        Some(|action| matches!(action, Action::CollectCharges { .. }));
    // Two sessions, of which one owes for two requests.
    network.nodes[1].screen(&phones(0..7)).await;
    network.nodes[1].screen(&phones(3..6)).await;
    network.nodes[2].screen(&phones(0..1)).await;
    network.wait_logged(8 + 4 + 4).await;
    network
        .restart_after(
            0,
            |_| {},
            |folder| {
                for_each_database_file(folder, |path| std::fs::remove_file(path).expect("removed"));
            },
        )
        .await;
    assert_eq!(collections(&network), 0);
    *network.chain.refuse.lock().expect("refuse") = None;
    // What is minted is for requests. The supply is compared at each block.
    let earns = 11 * i64::from(PRICE_MINOR) + 3 * 50;
    moves(&network, MemberId(1), earned, earns).await;
    assert_eq!(collections(&network), 2);
    network.restart(0, |_| {}).await;
    network.chain.pass(5).await;
    assert_eq!(collections(&network), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_database_learns_what_was_answered_since_and_keeps_to_the_escrow() {
    let mut querier = Querier::with_cap(1_000, 6 * PRICE_MINOR).await;
    let earned = total(querier.network.balance(MemberId(1)).await);
    *querier.network.chain.refuse.lock().expect("refuse") =
        Some(|action| matches!(action, Action::CollectCharges { .. }));
    let older = tempfile::tempdir().expect("a folder");
    let copy = |path: &Path, folder: &Path| {
        std::fs::copy(path, folder.join(path.file_name().expect("a file"))).expect("copied");
    };
    let back_up = |folder: &Path| for_each_database_file(folder, |path| copy(path, older.path()));
    querier.network.restart_after(0, |_| {}, back_up).await;
    querier.reconnect().await;
    let first = querier.sign(querier.request(0, 4));
    let answer = querier.send(first.clone()).await.expect("answered");
    querier.network.wait_logged(4).await;
    let restore = |folder: &Path| {
        for_each_database_file(folder, |path| std::fs::remove_file(path).expect("removed"));
        for_each_database_file(older.path(), |path| copy(path, folder));
    };
    querier.network.restart_after(0, |_| {}, restore).await;
    querier.reconnect().await;
    // The escrow held six calls, and four are owed for.
    let over = querier.sign(querier.request(1, 3));
    let exhausted = Err(RefusalCode::EscrowExhausted.number());
    assert_eq!(querier.send(over).await, exhausted);
    assert_eq!(querier.send(first).await, Ok(answer));
    querier
        .send(querier.sign(querier.request(2, 2)))
        .await
        .expect("answered");
    querier.network.wait_logged(6).await;
    *querier.network.chain.refuse.lock().expect("refuse") = None;
    let earns = 6 * i64::from(PRICE_MINOR) + 2 * 50;
    moves(&querier.network, MemberId(1), earned, earns).await;
    assert_eq!(collections(&querier.network), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_an_escrow_returns_and_the_provider_keeps_its_charges() {
    let short = |_: &mut _, parameters: &mut tacit_ledger::network::Parameters| {
        parameters.settlement_window_blocks = 40;
    };
    let small = |config: &mut FrontendConfig| {
        config.screening.keep_warm = false;
        config.screening.sessions.session_calls = 50;
        config.screening.sessions.session_blocks = 60;
    };
    let network = Network::start_with(2, short, small).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let before = total(network.balance(MemberId(2)).await);
    network.nodes[1].screen(&phones(0..4)).await;
    network.wait_logged(4).await;
    let paid = 4 * u64::from(PRICE_MINOR);
    eventually("they are collected", async || {
        let session = network
            .chain
            .view(|view| state::session(view, SessionId(1)));
        let session = session.expect("a map");
        session.is_none_or(|session| session.calls == 4 && session.owed_requests == 0)
    })
    .await;
    network.chain.pass(150).await;
    // Another session may have been opened before the first one was used up.
    let first = network
        .chain
        .view(|view| state::session(view, SessionId(1)));
    assert_eq!(first.expect("a map"), None);
    let has = total(network.balance(MemberId(2)).await);
    assert_eq!(has, before - paid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_lost_its_database_has_all_of_its_quota() {
    let network = Network::start(2).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    network.nodes[1].screen(&phones(0..4)).await;
    network.wait_logged(4).await;
    let known = network.nodes[1]
        .frontend
        .wallet
        .holdings()
        .await
        .expect("opens");
    // Another front end of the same member, with nothing but its key.
    let key = quota_key(&network.keys[1]);
    let opener = tacit_frontend::wallet::Opener::new(key);
    let found = tacit_frontend::wallet::holdings(
        &*network.nodes[1].ledger,
        &opener,
        MemberId(2),
        tacit_frontend::wallet::Eye::Own,
    );
    assert_eq!(found.await.expect("opens"), known);
    assert!(known.escrowed_minor > 0);
}

/// A request for so many calls, padded by so many more from a seed that is agreed, or by others.
fn padded_request(querier: &Querier, calls: u32, padding: u32, agreed: bool) -> Request {
    let mut request = querier.request(0, calls);
    let key = |index: usize| quota_key(&querier.network.keys[index]);
    let secret = key(1).agree(&key(0).public());
    let context = charge_context(request.chain_id, request.session, 0);
    let mut seed = [0; 32];
    secret.draw(&context, &mut seed);
    if !agreed {
        seed[0] ^= 1;
    }
    let (list, epoch) = (request.list, request.tag_epoch);
    let points = padding_calls(&seed, padding as usize, list, epoch)
        .expect("points")
        .1;
    let mut all = request.calls.clone().into_vec();
    all.extend(points.iter().map(|point| Call {
        blinded: point.encode(),
        audit: Digest([8; 32]),
    }));
    request.calls = support::bounded(all);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_passed_off_as_padding_is_not_answered() {
    let invalid = Err(RefusalCode::ChargeInvalid.number());
    let querier = Querier::new().await;
    // Eight calls at the price of five.
    let mut cheap = querier.request(0, 8);
    cheap.charge = querier.charge(0, 5);
    assert_eq!(querier.send(querier.sign(cheap)).await, invalid);
    // Padding from another seed could hide identifiers.
    let chosen = padded_request(&querier, 5, 3, false);
    assert_eq!(querier.send(querier.sign(chosen)).await, invalid);
    // More than its size takes: work for nothing.
    let much = padded_request(&querier, 5, 4, true);
    assert_eq!(querier.send(querier.sign(much)).await, invalid);
    // A charge under a blinding that is not the agreed one could not be collected.
    let mut unknown = querier.request(0, 5);
    unknown.charge = querier.charge(1, 5);
    assert_eq!(querier.send(querier.sign(unknown)).await, invalid);
    // And one that is no number of calls.
    let mut odd = querier.request(0, 5);
    odd.charge = odd.charge + querier.charge(0, 2);
    assert_eq!(querier.send(querier.sign(odd)).await, invalid);
    assert_eq!(querier.network.logged(), 0);
    let honest = padded_request(&querier, 5, 3, true);
    querier.send(querier.sign(honest)).await.expect("answered");
    querier.network.wait_logged(8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escrow_pays_for_no_more_than_it_holds_though_charges_are_collected_meanwhile() {
    let mut querier = Querier::with_cap(1_000, 6 * PRICE_MINOR).await;
    let exhausted = Err(RefusalCode::EscrowExhausted.number());
    querier
        .send(querier.sign(querier.request(0, 4)))
        .await
        .expect("answered");
    let over = querier.sign(querier.request(1, 3));
    assert_eq!(querier.send(over).await, exhausted);
    let session = querier.session;
    eventually("they are collected", async || {
        let found = querier
            .network
            .chain
            .view(|view| state::session(view, session));
        found
            .expect("a map")
            .is_some_and(|session| session.calls == 4 && session.owed_requests == 0)
    })
    .await;
    // The ledger's escrow has become smaller; the budget has not.
    let over = querier.sign(querier.request(2, 3));
    assert_eq!(querier.send(over).await, exhausted);
    // Neither has it after a restart.
    querier.network.restart(0, |_| {}).await;
    querier.reconnect().await;
    let over = querier.sign(querier.request(3, 3));
    assert_eq!(querier.send(over).await, exhausted);
    querier
        .send(querier.sign(querier.request(4, 2)))
        .await
        .expect("answered");
    querier.network.wait_logged(6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_the_ledger_cannot_tell_one_call_from_four() {
    let network = Network::start_with(2, |_, _| {}, padded).await;
    let list: ListId = network
        .publish(0, "accounts", &phones(0..20))
        .await
        .publication
        .list;
    network.nodes[1].screen(&[phone(3)]).await;
    network.nodes[1].screen(&phones(0..4)).await;
    network.wait_logged(8).await;
    let log = network.chain.log.lock().expect("log");
    let batches: Vec<_> = log
        .iter()
        .filter_map(|(_, action, _)| match action {
            Action::CallBatch(batch) => Some(batch),
            _ => None,
        })
        .collect();
    assert_eq!(batches.len(), 2);
    let lengths = batches
        .iter()
        .map(|batch| tacit_ledger::kernel::codec::encode(*batch).len());
    let lengths: std::collections::BTreeSet<usize> = lengths.collect();
    assert_eq!(lengths.len(), 1);
    for batch in batches {
        let request = &batch.signed.request;
        assert_eq!(
            (request.calls.len(), request.list, request.tag_epoch),
            (4, list, TagEpoch(0))
        );
        let audits: std::collections::BTreeSet<_> =
            request.calls.iter().map(|call| call.audit).collect();
        assert_eq!(audits.len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_was_taken_from_is_filled_up_before_anything_is_opened() {
    let network = Network::start(2).await;
    let wallet = &network.nodes[1].frontend.wallet;
    let before = wallet.holdings().await.expect("opens");
    wallet.deposit(5_000).await.expect("deposited");
    let after = wallet.holdings().await.expect("opens");
    assert_eq!(after.deposit.free_minor, before.deposit.free_minor + 5_000);
    wallet.withdraw(5_000).await.expect("withdrawn");
    assert!(wallet.withdraw(1).await.is_err(), "the governed one stays");
    wallet.roll_over().await.expect("rolled over");
    let end = wallet.holdings().await.expect("opens");
    assert_eq!((end.waiting_minor, end.deposit), (0, before.deposit));
    assert_eq!(
        end.available_minor + end.escrowed_minor,
        before.available_minor + before.waiting_minor + before.escrowed_minor
    );
}

/// Changes a member's key while blocks go by.
async fn changed(network: &Network, index: usize) {
    let change = network.nodes[index].frontend.change_quota_key(|_| {});
    let passing = async {
        while network.chain.height() < u64::MAX {
            network.chain.pass(1).await;
        }
    };
    let within = std::time::Duration::from_secs(30);
    tokio::select! {
        done = tokio::time::timeout(within, change) => drop(done.expect("in time").expect("changed")),
        () = passing => unreachable!("it passes blocks for ever"),
    }
}

/// The generation of the key to which a member's amounts are sealed on the ledger.
fn generation(network: &Network, index: usize) -> u32 {
    let (id, ledger) = (network.nodes[index].id, &network.nodes[index].ledger);
    let registered = network.chain.view(|view| state::quota_key(view, id));
    let registered = registered.expect("a map");
    let mut generations = 0..8;
    let found = generations.find(|at| Some(ledger.quota_key(*at).public()) == registered);
    found.expect("one of its keys")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_changed_once_no_session_keeps_it_and_everything_goes_on() {
    let short = |_: &mut _, parameters: &mut tacit_ledger::network::Parameters| {
        parameters.settlement_window_blocks = 40;
    };
    let cold = |config: &mut FrontendConfig| {
        padded(config);
        config.screening.keep_warm = false;
    };
    let mut network = Network::start_with(2, short, cold).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    let (provider, querier) = (MemberId(1), MemberId(2));
    let earned = total(network.balance(provider).await);
    let spent = total(network.balance(querier).await);
    network.nodes[1].screen(&phones(0..5)).await;
    network.wait_logged(8).await;
    // With its charges not collected, and the session open.
    changed(&network, 0).await;
    assert_eq!((generation(&network, 0), generation(&network, 1)), (1, 0));
    let paid = 5 * i64::from(PRICE_MINOR);
    moves(&network, querier, spent, -paid).await;
    moves(&network, provider, earned, paid + 50).await;
    // They come to terms between the new key and the old one, and between two new ones.
    network.nodes[1].screen(&phones(0..2)).await;
    network.wait_logged(12).await;
    changed(&network, 1).await;
    network.nodes[1].screen(&phones(3..4)).await;
    network.wait_logged(16).await;
    let paid = 8 * i64::from(PRICE_MINOR);
    moves(&network, querier, spent, -paid).await;
    moves(&network, provider, earned, paid + 3 * 50).await;
    // What was padding before either changed its key is shown to be padding still.
    let batches: Vec<Request> = {
        let log = network.chain.log.lock().expect("log");
        let batches = log.iter().filter_map(|(_, action, _)| match action {
            Action::CallBatch(batch) => Some(batch.signed.request.clone()),
            _ => None,
        });
        batches.collect()
    };
    assert_eq!(batches.len(), 3);
    for (request, calls) in batches.iter().zip([5, 2, 1]) {
        let seed = network.nodes[1].frontend.padding_seed(request).await;
        let seed = seed.expect("it is found");
        let lacking = request.calls.len() - calls;
        let points = padding_calls(&seed, lacking, request.list, request.tag_epoch);
        let points = points.expect("points").1;
        let sent = request.calls.iter().skip(calls).map(|call| call.blinded);
        assert!(sent.eq(points.iter().map(|point| point.encode())));
    }
    // A process that ended finds the key that holds.
    network.restart(0, cold).await;
    moves(&network, provider, earned, paid + 3 * 50).await;
    network.nodes[1].screen(&phones(0..1)).await;
    moves(&network, querier, spent, -paid - i64::from(PRICE_MINOR)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_key_whose_end_was_not_seen_is_found_on_the_ledger() {
    let cold = |config: &mut FrontendConfig| config.screening.keep_warm = false;
    let mut network = Network::start_with(2, |_, _| {}, cold).await;
    let before = network.balance(MemberId(2)).await;
    *network.chain.lose.lock().expect("lose") =
        Some(|action| matches!(action, Action::ChangeQuotaKey { .. }));
    let lost = network.nodes[1].frontend.change_quota_key(|_| {}).await;
    assert!(lost.is_err(), "it heard of nothing");
    assert_eq!(generation(&network, 1), 1);
    assert_eq!(network.balance(MemberId(2)).await, before);
    *network.chain.lose.lock().expect("lose") = None;
    // Refused, and nothing is another.
    *network.chain.refuse.lock().expect("refuse") =
        Some(|action| matches!(action, Action::ChangeQuotaKey { .. }));
    let refused = network.nodes[1].frontend.change_quota_key(|_| {}).await;
    assert!(refused.is_err());
    *network.chain.refuse.lock().expect("refuse") = None;
    assert_eq!(generation(&network, 1), 1);
    // With nothing but the ledger.
    let remove = |folder: &Path| {
        for_each_database_file(folder, |path| std::fs::remove_file(path).expect("removed"));
    };
    network.restart_after(1, cold, remove).await;
    assert_eq!(network.balance(MemberId(2)).await, before);
    network.nodes[1]
        .frontend
        .wallet
        .deposit(5)
        .await
        .expect("deposited by the new key");
}
