//! Calls that were opened to a supervisor: each part is kept as long as the records that it shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use ed25519_zebra::SigningKey;
use tacit_circuits::scope::MemberId;
use tacit_frontend::disclosures::{BundlePart, DisclosureError, MAX_BUNDLE_BYTES};
use tacit_frontend::ports::Ledger as _;
use tacit_frontend::retention::{ClassName, Period, RetentionPolicy};
use tacit_frontend::screening::{Batch, ScreenRequest};
use tacit_ledger::kernel::Role;
use tacit_ledger::network::audit::AuditContext;
use tacit_ledger::network::{
    Action, Change, DisclosureId, DisclosureReason, DisclosureScope, Event, ProposalId,
};

use crate::support::{
    Engine, MemberLedger, Network, candidate, context, eventually, phone, phones,
};

/// The tests' chain begins on 15 November 2023: so many days into December.
const INTO_DECEMBER: u64 = 20;

fn class(name: &str) -> ClassName {
    name.parse().expect("a class")
}

/// Advertising is kept to the end of its month, all else for a year.
async fn start(engine: Engine) -> Network {
    let classes = BTreeMap::from([(class("standard"), 12), (class("brief"), 0)]);
    let purposes = BTreeMap::from([("marketing".to_owned(), class("brief"))]);
    let policy = RetentionPolicy::new(class("standard"), classes, purposes).expect("a policy");
    let configure = |config: &mut tacit_frontend::FrontendConfig| {
        config.retention = policy.clone();
    };
    let network = Network::start_over(engine, 2, |_, _| {}, configure).await;
    network.publish(0, "accounts", &phones(0..20)).await;
    network
}

/// Admits a supervisor, and answers with its view of the chain.
async fn supervisor(network: &Network) -> MemberLedger {
    let key = SigningKey::from([9; 32]);
    let mut admitted = candidate(8, &key).candidate;
    admitted.role = Role::Observer;
    let propose = Action::Propose(Box::new(Change::Admit(admitted)));
    let ledgers = network.nodes.iter().map(|node| node.ledger.clone());
    let ledgers: Vec<_> = ledgers.collect();
    ledgers[0].submit(propose).await.expect("proposed");
    let vote = Action::Vote {
        proposal: ProposalId(1),
        approve: true,
    };
    ledgers[1].submit(vote).await.expect("carried");
    MemberLedger {
        chain: network.chain.clone(),
        member: MemberId(3),
        key,
        reads: Default::default(),
    }
}

async fn ask(network: &Network, purpose: &str, number: u32) -> Batch {
    let request = ScreenRequest {
        context: AuditContext {
            purpose: purpose.to_owned(),
            ..context()
        },
        wait_for_finality: true,
        ..ScreenRequest::default()
    };
    let screened = network.nodes[1]
        .screen_with(&[phone(number)], request)
        .await;
    screened.answers[0].outcome.clone().expect("answered")
}

async fn parts_end_with_the_calls_that_they_show(engine: Engine) {
    let network = start(engine).await;
    let observer = supervisor(&network).await;
    let node = &network.nodes[1];
    let (brief, standard) = (
        ask(&network, "marketing", 3).await,
        ask(&network, "credit-origination", 4).await,
    );
    let demand = Action::RequestDisclosure {
        member: node.id,
        scope: DisclosureScope::Period {
            from: tacit_ledger::kernel::BusinessDate(0),
            until: tacit_ledger::kernel::BusinessDate(1),
        },
        reason: DisclosureReason::Examination,
        days: 5,
    };
    let demanded = observer.submit(demand).await.expect("demanded");
    let made = demanded.events.iter().find_map(|event| match event {
        Event::DisclosureRequested { disclosure, .. } => Some(*disclosure),
        _ => None,
    });
    let id: DisclosureId = made.expect("a number");

    let disclosures = &node.frontend.disclosures;
    let mut parts = Vec::new();
    for (batch, bundle) in [(&brief, "of advertising"), (&standard, "of a loan")] {
        let period = disclosures.period_of(batch.session, batch.sequence).await;
        let period = period.expect("read");
        assert!(period.is_some(), "the calls are kept");
        let bundle = bundle.as_bytes().to_vec();
        parts.push(BundlePart { period, bundle });
    }
    parts.push(BundlePart {
        period: None,
        bundle: b"of nobody".to_vec(),
    });
    let large = vec![BundlePart {
        period: None,
        bundle: vec![0; MAX_BUNDLE_BYTES + 1],
    }];
    let refused = disclosures.answer(id, large).await;
    assert!(matches!(refused, Err(DisclosureError::TooLarge)));
    disclosures.answer(id, parts).await.expect("answered");

    let shown = async || {
        node.frontend.retention.look().await.expect("looked");
        let shown = disclosures.show(id).await.expect("shown");
        let text = |bundle: Vec<u8>| String::from_utf8(bundle).expect("text");
        let bundles: Vec<_> = shown.bundles.into_iter().map(text).collect();
        (bundles.join(", "), shown.erased)
    };
    let all = "of advertising, of a loan, of nobody";
    assert_eq!(shown().await, (all.to_owned(), 0));

    // A legal hold on the calls keeps what was opened of them as well.
    let held = Period {
        class: class("brief"),
        month: "2023-11".parse().expect("a month"),
    };
    let retention: &Arc<_> = &node.frontend.retention;
    let hold = retention.hold(&held, "case 7", "counsel").await;
    network.chain.pass_days(INTO_DECEMBER).await;
    assert_eq!(shown().await, (all.to_owned(), 0));
    let released = retention.release(hold.expect("placed"), "over", "counsel");
    released.await.expect("released");
    // Once it is noted here that the call is settled.
    let rest = ("of a loan, of nobody".to_owned(), 1);
    eventually("advertising is erased", async || shown().await == rest).await;
    let gone = disclosures.period_of(brief.session, brief.sequence).await;
    assert_eq!(gone.expect("read"), None);

    network.chain.pass_days(400).await;
    assert_eq!(shown().await, (String::new(), 3));
    network.remove().await;
}

crate::databases::on_both_databases! {
    parts_end_with_the_calls_that_they_show
}
