//! Dogwood as one who is asked: by alder, beside birch, which is honest.

use std::sync::Arc;

use rand_core::OsRng;
use serde_json::Value;
use tacit_circuits::curve::WirePoint;
use tacit_circuits::oprf::{DleqProof, ListKey};
use tacit_circuits::scope::TagEpoch;
use tacit_frontend::peer::RefusalCode;
use tacit_frontend::ports::{Ledger as _, LedgerError};
use tacit_ledger::kernel::Reject;
use tacit_ledger::network::{Action, CallBatch, SignedRequest, read as state};
use tacit_proto::operator::screen_request::Step as Asked;
use tacit_proto::operator::screen_response::Step;
use tacit_proto::operator::{Fault, ScreenHeader, ScreenRequest, ScreenRow, ScreenRows, Targets};

use super::lists::{DraftList, parts};
use super::querier::{identity, not_canonical, of_order_two};
use super::quota::charges_are_paid_as_agreed_and_once;
use super::serve::{Deed, Evaluated, FrontEnd, Said, Served, answer};
use super::wallet::owes_nothing;
use super::{ALDER_ID, BIRCH_ID, DOGWOOD_ID, Dogwood, bounded, start};
use crate::consortium::{Consortium, HIT, INCOMPLETE, answers, eventually, phone, phones};

/// Price of a call to either list.
const PRICE_MINOR: u64 = 1_000;

/// Calls of one screening to each list. One of padding goes with them.
const CALLS: u64 = 3;

/// How long alder waits for an answer, and how it says that none came.
const PATIENCE_MS: &str = "2000";
const NO_ANSWER: &str = "no answer within 2000 ms";

/// Bytes of an answer that come before the connection is cut: less than half of one.
const CUT_AFTER_BYTES: usize = 100;

/// On whose side a fault lies, and its word.
type Blame = (Fault, &'static str);

const MISBEHAVED: Blame = (Fault::Peer, "provider-misbehaved");
const FAILED: Blame = (Fault::Peer, "provider-failed");
const REFUSED: Blame = (Fault::Peer, "provider-refused");

/// A dogwood with a list in force, beside birch with one.
struct Scene {
    network: Consortium,
    dogwood: Dogwood,
    front_end: FrontEnd,
    list: DraftList,
}

/// What alder has spent, what of it birch has earned, and what dogwood has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Purses {
    alder_spent: u64,
    birch_earned: u64,
    dogwood_has: u64,
}

impl Scene {
    fn set() -> (Self, Served) {
        let (network, dogwood) = start(|_| {});
        network.publish(1, "cheats", &phones(0..20));
        let front_end = FrontEnd::default();
        let served = front_end.open(&dogwood);
        let list = DraftList::create(&dogwood, "accounts");
        let tree = list.tree(&phones(0..20));
        front_end.put(list.id, &list.key, parts(&tree));
        list.publish(&dogwood, &tree);
        network.wait_copy(0, u64::from(list.list().0));
        let scene = Self {
            network,
            dogwood,
            front_end,
            list,
        };
        (scene, served)
    }

    /// Screens two listed numbers and one that is not, on both lists.
    fn screen(&self, code: i32) -> Vec<Value> {
        let numbers = [&*phone(3), &*phone(4), &*phone(70)];
        let patience = ["--answer-timeout-ms", PATIENCE_MS];
        self.network.screen_to_end(0, &numbers, &patience, &[code])
    }

    /// Waits until all that birch answered is final.
    fn settle(&self) {
        eventually("birch has settled", || {
            self.network.ask(1, &["status"])["calls_waiting"] == 0
        });
        let height = self.network.height(1);
        eventually("dogwood's ledger has come as far", || {
            self.dogwood.ledger.height() >= height
        });
    }

    /// Batches that alder asked, and that birch and dogwood answered, once all is final.
    fn batches(&self) -> [u64; 3] {
        self.settle();
        self.dogwood.read(|view| {
            Ok([
                state::history(view, ALDER_ID)?.asked_batches,
                state::history(view, BIRCH_ID)?.served_batches,
                state::history(view, DOGWOOD_ID)?.served_batches,
            ])
        })
    }

    /// What everybody has once all that was answered is final and collected.
    fn purses(&self) -> Purses {
        self.settle();
        eventually("birch has collected", || self.dogwood.read(owes_nothing));
        let height = self.dogwood.ledger.height();
        eventually("all rows have come as far", || {
            [0, 1].into_iter().all(|node| {
                let status = self.network.ask(node, &["status"]);
                status["read_model_height"].as_u64() >= Some(height)
            })
        });
        let sum = |node: usize, name: &str| {
            let quota = self.network.ask(node, &["quota"]);
            quota[name].as_u64().expect("a sum")
        };
        Purses {
            alder_spent: sum(0, "spent_minor"),
            birch_earned: sum(1, "earned_minor"),
            dogwood_has: self.dogwood.has_minor(),
        }
    }

    /// What alder's node says of dogwood's list to a program: on whose side the fault lies, its word, and whom it
    /// names.
    fn blames(&self) -> (Fault, String, Option<u32>) {
        let header = Asked::Header(ScreenHeader {
            targets: Some(Targets {
                list_ids: vec![self.list.list().0],
                ..Targets::default()
            }),
            default_type: "phone".to_owned(),
            default_region: "CN".to_owned(),
            purpose: "credit-origination".to_owned(),
            lawful_basis: "consent".to_owned(),
            answer_timeout_ms: PATIENCE_MS.parse().expect("a number"),
            ..ScreenHeader::default()
        });
        let row = ScreenRow {
            value: phone(3),
            ..ScreenRow::default()
        };
        // Three of them, as on the command line.
        let rows = (0..CALLS).map(|number| ScreenRow {
            row: number,
            ..row.clone()
        });
        let rows = Asked::Rows(ScreenRows {
            rows: rows.collect(),
        });
        let asked = [header, rows].map(|step| ScreenRequest { step: Some(step) });
        self.dogwood.runtime.block_on(async {
            let mut node = self.network.operator(0).await;
            let answers = node.screen(tokio_stream::iter(asked)).await;
            let mut answers = answers.expect("it begins").into_inner();
            while let Some(answer) = answers.message().await.expect("it goes on") {
                if let Some(Step::Answers(answers)) = answer.step {
                    let why = answers.unreachable.expect("a reason");
                    return (why.fault(), why.code, why.member_id);
                }
            }
            panic!("nothing is said of the list")
        })
    }

    /// Screens while dogwood does wrong: birch is heard, dogwood is blamed for `reason`, and nothing of it stands on
    /// the ledger.
    fn is_unreachable(&self, case: &str, (fault, code): Blame, reason: &str) {
        let [asked, by_birch, by_dogwood] = self.batches();
        let rows = self.screen(INCOMPLETE);
        let list = u64::from(self.list.list().0);
        for (row, honest) in rows.iter().zip(["hit", "hit", "clear"]) {
            let said = answers(row);
            let expected = [(1, honest.into()), (list, "unreachable".into())];
            assert_eq!(said, expected, "{case}");
            let why = row["answers"][1]["reason"].as_str().expect("a reason");
            assert!(
                why.starts_with("member 4: ") && why.contains(reason),
                "{case}: {why}"
            );
        }
        let after = [asked + 1, by_birch + 1, by_dogwood];
        assert_eq!(self.batches(), after, "{case}: only birch is owed");
        let blamed = (fault, code.to_owned(), Some(DOGWOOD_ID.0));
        assert_eq!(self.blames(), blamed, "{case}");
    }

    fn settles(&self, signed: SignedRequest, (evaluated, proof): Evaluated) -> Option<LedgerError> {
        let batch = CallBatch {
            signed,
            evaluated,
            proof,
        };
        let action = Action::CallBatch(Box::new(batch));
        self.dogwood.submit(action).err()
    }
}

/// An answer of which one point is another.
fn with_point(change: impl Fn(WirePoint) -> WirePoint + Send + Sync + 'static) -> Deed {
    Arc::new(move |_, (points, proof)| {
        let mut points = points.into_vec();
        points[1] = change(points[1]);
        Said::Answer((bounded(points), proof))
    })
}

fn another_proof(_: &SignedRequest, (points, proof): Evaluated) -> Said {
    let mut bytes = proof.to_bytes();
    bytes[0] ^= 1;
    let proof = DleqProof::from_bytes(&bytes).expect("canonical");
    Said::Answer((points, proof))
}

fn swapped(_: &SignedRequest, (points, proof): Evaluated) -> Said {
    let mut points = points.into_vec();
    points.swap(0, 1);
    Said::Answer((bounded(points), proof))
}

fn another_key(signed: &SignedRequest, _: Evaluated) -> Said {
    let key = ListKey::generate(&mut OsRng);
    let context = signed.request.evaluation_context();
    Said::Answer(answer(&key, &context, signed))
}

fn too_few(_: &SignedRequest, (points, proof): Evaluated) -> Said {
    let mut points = points.into_vec();
    points.pop();
    Said::Answer((bounded(points), proof))
}

fn too_many(_: &SignedRequest, (points, proof): Evaluated) -> Said {
    let mut points = points.into_vec();
    points.push(points[0]);
    Said::Answer((bounded(points), proof))
}

/// What dogwood does wrong, and how alder names it.
fn deeds(scene: &Scene) -> Vec<(&'static str, Deed, Blame, &'static str)> {
    const WRONG_PROOF: &str = "its proof does not show";
    const NO_ANSWER_FORM: &str = "its answer is not of the protocol's form";
    let (_, former) = scene.front_end.last_asked();
    let key = scene.list.key.clone();
    let another_epoch: Deed = Arc::new(move |signed, _| {
        let mut context = signed.request.evaluation_context();
        context.tag_epoch = TagEpoch(1);
        Said::Answer(answer(&key, &context, signed))
    });
    let key = scene.list.key.clone();
    let another_batch: Deed = Arc::new(move |signed, _| {
        let mut context = signed.request.evaluation_context();
        context.sequence += 1;
        Said::Answer(answer(&key, &context, signed))
    });
    let lie = RefusalCode::Ledger(Reject::DAILY_CAP_REACHED).number();
    vec![
        (
            "a wrong proof",
            Arc::new(another_proof),
            MISBEHAVED,
            WRONG_PROOF,
        ),
        (
            "swapped answers",
            Arc::new(swapped),
            MISBEHAVED,
            WRONG_PROOF,
        ),
        (
            "another key",
            Arc::new(another_key),
            MISBEHAVED,
            WRONG_PROOF,
        ),
        ("another epoch", another_epoch, MISBEHAVED, WRONG_PROOF),
        ("another batch", another_batch, MISBEHAVED, WRONG_PROOF),
        (
            "the answer to a former request",
            Arc::new(move |_, _| Said::Answer(former.clone())),
            MISBEHAVED,
            WRONG_PROOF,
        ),
        (
            "a point off the curve",
            with_point(|_| WirePoint([3; 64])),
            MISBEHAVED,
            "its answer to call 1 is no point of the group: the coordinates are not on the curve",
        ),
        (
            "a point of small order",
            with_point(|_| of_order_two()),
            MISBEHAVED,
            "its answer to call 1 is no point of the group: the point has small order",
        ),
        (
            "the identity",
            with_point(|_| identity()),
            MISBEHAVED,
            "its answer to call 1 is no point of the group: the point has small order",
        ),
        (
            "a coordinate that is not canonical",
            with_point(not_canonical),
            MISBEHAVED,
            "its answer to call 1 is no point of the group: the coordinates are not canonical",
        ),
        (
            "too few",
            Arc::new(too_few),
            MISBEHAVED,
            "it answered 3 of 4 calls",
        ),
        (
            "too many",
            Arc::new(too_many),
            MISBEHAVED,
            "it answered 5 of 4 calls",
        ),
        (
            "garbage",
            Arc::new(|_, _| Said::Bytes(vec![0xee; 300])),
            MISBEHAVED,
            NO_ANSWER_FORM,
        ),
        (
            "nothing in an answer",
            Arc::new(|_, _| Said::Bytes(Vec::new())),
            MISBEHAVED,
            NO_ANSWER_FORM,
        ),
        (
            "far too much",
            Arc::new(|_, _| Said::Bytes(vec![0; 8 << 20])),
            MISBEHAVED,
            "it sends more than there is to say",
        ),
        ("silence", Arc::new(|_, _| Said::Silence), FAILED, NO_ANSWER),
        (
            "a refusal of a kind that does not exist",
            Arc::new(|_, _| Said::Refusal(77)),
            REFUSED,
            "refused (77)",
        ),
        (
            "a rule that does not forbid it",
            Arc::new(move |_, _| Said::Refusal(lie)),
            (Fault::Network, "daily-cap-reached"),
            "(reject 235)",
        ),
    ]
}

#[test]
fn whoever_answers_wrongly_is_named_and_not_paid_and_the_honest_are_heard() {
    let (scene, served) = Scene::set();
    let honest = scene.screen(HIT);
    let list = u64::from(scene.list.list().0);
    for (row, said) in honest.iter().zip(["hit", "hit", "clear"]) {
        assert_eq!(answers(row), [(1, said.into()), (list, said.into())]);
    }
    // It is paid for that, and only with what was asked for.
    let (signed, right) = scene.front_end.last_asked();
    let Said::Answer(wrong) = another_key(&signed, right.clone()) else {
        unreachable!("it answers")
    };
    let refused = scene.settles(signed.clone(), wrong);
    assert!(
        matches!(
            refused,
            Some(LedgerError::Rejected(Reject::EVALUATION_PROOF_INVALID))
        ),
        "{refused:?}"
    );
    let settled = scene.settles(signed.clone(), right);
    assert!(settled.is_none(), "{settled:?}");
    charges_are_paid_as_agreed_and_once(&scene.dogwood, &signed, CALLS as u32);

    let before = scene.purses();
    let deeds = deeds(&scene);
    let count = deeds.len() as u64;
    for (case, deed, blame, reason) in deeds {
        scene.front_end.does(deed);
        scene.is_unreachable(case, blame, reason);
    }
    let honest = count * CALLS * PRICE_MINOR;
    let after = Purses {
        alder_spent: before.alder_spent + honest,
        birch_earned: before.birch_earned + honest,
        ..before
    };
    assert_eq!(scene.purses(), after, "only birch is paid");

    let scissors = served.tap.scissors();
    scene.front_end.does(Arc::new(move |_, right| {
        scissors.cut_after(CUT_AFTER_BYTES);
        Said::Answer(right)
    }));
    scene.is_unreachable("a connection that is cut", FAILED, "the connection failed");

    drop(served);
    scene.is_unreachable("a closed port", FAILED, "the connection failed");

    // Whoever comes to reason is heard again.
    let served = scene.front_end.open(&scene.dogwood);
    scene
        .front_end
        .does(Arc::new(|_, right| Said::Answer(right)));
    eventually("dogwood is heard again", || {
        let rows = scene.network.screen(0, &[&phone(3)], &[]);
        answers(&rows[0]) == [(1, "hit".into()), (list, "hit".into())]
    });
    drop(served);
}
