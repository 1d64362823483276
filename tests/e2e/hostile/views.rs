//! A supervisor that asks for more than it was granted, and others that ask in its place.

use ed25519_zebra::SigningKey;
use rand_core::{OsRng, RngCore as _};
use serde_json::Value;
use tacit_circuits::scope::MemberId;
use tacit_frontend::ports::{Ledger as _, Peers as _};
use tacit_ledger::kernel::{BusinessDate, codec};
use tacit_ledger::network::receipts::Purpose;
use tacit_ledger::network::views::{Asked, MAX_VIEW_QUERY_BYTES, ViewQuery, ViewRefusal};
use tacit_ledger::network::{Action, ViewId, read};
use tacit_node::config::Config;
use tacit_node::keys::NodeKeys;
use tacit_node::ledger::MemberLedger;
use tacit_node::peers::MemberPeers;
use tacit_proto::peer::view_part::Outcome;
use tacit_proto::peer::views_client::ViewsClient;
use tacit_proto::peer::{ReadViewRequest, ViewPart};
use tonic::transport::Channel;

use super::{ALDER_ID, Dogwood, start};
use crate::consortium::{CLEAR, Consortium, phone, phones};

/// The observer, by its place among the founders and by its number.
const OBSERVER: usize = 4;
const OBSERVER_ID: MemberId = MemberId(5);

/// The observer's keys, in the hands of a test that keeps to no rule.
struct Supervisor {
    ledger: std::sync::Arc<MemberLedger>,
    client: ViewsClient<Channel>,
}

impl Supervisor {
    fn of(network: &Consortium, dogwood: &Dogwood) -> Self {
        let config = Config::load(&network.node(OBSERVER).config_file()).expect("a configuration");
        let keys = NodeKeys::load(&config.keys).expect("keys");
        let key = SigningKey::from(*keys.ledger.expose());
        let node = dogwood.node.as_ref().expect("it runs");
        let (ledger, follower) = MemberLedger::new(node.handle.clone(), OBSERVER_ID, key, None);
        dogwood.runtime.spawn(follower.run());
        let peers = MemberPeers::open(&config.frontend).expect("certificates");
        let client = dogwood.runtime.block_on(async {
            peers.learn(&*ledger).await.expect("members");
            let channel = peers.channel(ALDER_ID).await.expect("it is let in");
            ViewsClient::new(channel)
        });
        Self { ledger, client }
    }

    /// Records a use for a question.
    fn record(&self, dogwood: &Dogwood, query: &ViewQuery) {
        let action = Action::RecordViewUse {
            view: query.view,
            purpose: Purpose::new("examination").expect("a code"),
            query: query.digest(),
        };
        let recorded = dogwood.runtime.block_on(self.ledger.submit(action));
        recorded.expect("it is recorded");
    }
}

/// What is shown, or the number of the refusal.
fn asked(
    dogwood: &Dogwood,
    client: &ViewsClient<Channel>,
    query: Vec<u8>,
) -> Result<usize, Result<u32, tonic::Code>> {
    let mut client = client.clone();
    let recorded_height = dogwood.ledger.height();
    dogwood.runtime.block_on(async move {
        let request = ReadViewRequest {
            query,
            recorded_height,
        };
        let parts = client.read_view(request).await;
        let mut parts = parts.map_err(|status| Err(status.code()))?.into_inner();
        let mut shown = 0;
        while let Some(ViewPart { outcome }) =
            parts.message().await.map_err(|status| Err(status.code()))?
        {
            match outcome {
                Some(Outcome::Shown(_)) => shown += 1,
                Some(Outcome::Refusal(refusal)) => return Err(Ok(refusal.code)),
                None => panic!("an empty part"),
            }
        }
        Ok(shown)
    })
}

fn refused(rule: ViewRefusal) -> Result<usize, Result<u32, tonic::Code>> {
    Err(Ok(rule.number()))
}

fn shown_to_supervisors(network: &Consortium) -> usize {
    let arguments = ["audit", "reads", "--output", "json"];
    let said = network.expect(0, &arguments, &[CLEAR]);
    let entries = said.out.lines();
    let entries = entries.map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    entries
        .filter(|entry| entry["action"] == "view-shown" && entry["outcome"] == "begun")
        .count()
}

#[test]
fn nobody_sees_more_than_a_view_allows_nor_anything_that_is_not_recorded() {
    let (network, dogwood) = start(|_| {});
    network.publish(1, "cheats", &phones(0..50));
    network.screen(0, &[&phone(7)], &["--case", "LOAN-1", "--wait-final"]);
    let today = dogwood.read(read::clock).expect("a clock").business_date;
    let dates = format!("{today}..{}", today.after(1));
    let grant = [
        "supervision",
        "grant",
        "--to",
        "5",
        "--history",
        &dates,
        "--dates",
        &dates,
    ];
    let granted = network.ask(0, &grant);
    let view = ViewId(granted["id"].as_u64().expect("a number"));
    let supervisor = Supervisor::of(&network, &dogwood);
    let query = |from: BusinessDate, until: BusinessDate| {
        let mut nonce = [0; 32];
        OsRng.fill_bytes(&mut nonce);
        ViewQuery {
            chain_id: dogwood.ledger.chain_id(),
            view,
            nonce,
            asked: Asked::History { from, until },
        }
    };
    let ask = |query: &ViewQuery| asked(&dogwood, &supervisor.client, codec::encode(query));

    // Nothing is recorded; then it is, for another question.
    let first = query(today, today);
    assert_eq!(ask(&first), refused(ViewRefusal::NotRecorded));
    supervisor.record(&dogwood, &first);
    assert_eq!(ask(&query(today, today)), refused(ViewRefusal::NotRecorded));
    assert_eq!(ask(&first), Ok(1));

    // Another party with a certificate of the network, which shows the very question.
    let channel = dogwood.runtime.block_on(dogwood.peers.channel(ALDER_ID));
    let other = ViewsClient::new(channel.expect("it is let in"));
    let said = asked(&dogwood, &other, codec::encode(&first));
    assert_eq!(said, refused(ViewRefusal::NotASupervisor));

    // What lies beyond the scope, though its use stands on the ledger.
    let wider = [
        query(BusinessDate(today.0 - 1), today),
        query(today, today.after(2)),
        ViewQuery {
            asked: Asked::List,
            ..query(today, today)
        },
    ];
    for wider in &wider {
        supervisor.record(&dogwood, wider);
        assert_eq!(ask(wider), refused(ViewRefusal::OutOfScope));
    }

    // Bytes that are no question, and more of them than a question has.
    let garbage = asked(&dogwood, &supervisor.client, vec![7; 64]);
    assert_eq!(garbage, Err(Ok(100)));
    let mut trailing = codec::encode(&first);
    trailing.push(0);
    assert_eq!(asked(&dogwood, &supervisor.client, trailing), Err(Ok(100)));
    let long = asked(
        &dogwood,
        &supervisor.client,
        vec![0; MAX_VIEW_QUERY_BYTES + 1],
    );
    assert_eq!(long, Err(Ok(100)));
    let huge = asked(
        &dogwood,
        &supervisor.client,
        vec![0; 2 * MAX_VIEW_QUERY_BYTES],
    );
    assert!(matches!(huge, Err(Err(_))), "{huge:?}");

    // A question that was answered is asked again when the view is gone.
    let last = query(today, today);
    supervisor.record(&dogwood, &last);
    assert_eq!(ask(&last), Ok(1));
    network.ask(0, &["supervision", "revoke", &view.to_string()]);
    assert_eq!(ask(&last), refused(ViewRefusal::Unknown));

    // The member's account has what was shown, and nothing else.
    assert_eq!(shown_to_supervisors(&network), 2);
}
