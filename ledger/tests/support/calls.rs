//! Sessions, requests, batches.

use std::sync::LazyLock;

use tacit_circuits::curve::{Point, WirePoint};
use tacit_circuits::oprf::{DleqProof, ListKey, evaluate};
use tacit_circuits::quota::Element;
use tacit_circuits::scope::{ListId, TagEpoch};
use tacit_ledger::kernel::{ChainId, Digest, MemberId};
use tacit_ledger::network::action::MAX_OPENINGS;
use tacit_ledger::network::request::{Call, CallBatch, Request, SignedRequest};
use tacit_ledger::network::{Action, Session, SessionId, read};

use super::{
    Chain, EPOCH, LIST, OWNER, PRICE_MINOR, QUERIER, bounded, charged, charged_in, list_key, rng,
    signer,
};

/// The first session of a chain.
pub(crate) const SESSION: SessionId = SessionId(1);

/// Escrow and cap of the tests' sessions: 30 calls, and one call's price over.
pub(crate) const CAP: u32 = 30;
pub(crate) const ESCROW_MINOR: u32 = CAP * PRICE_MINOR + PRICE_MINOR;

/// A session that somebody wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) list: ListId,
    pub(crate) tag_epoch: TagEpoch,
    pub(crate) lane: u16,
    pub(crate) escrow_minor: u32,
    pub(crate) cap_calls: u32,
    pub(crate) deadline_height: u64,
}

pub(crate) fn opening(deadline_height: u64) -> Wish {
    Wish {
        list: LIST,
        tag_epoch: EPOCH,
        lane: 0,
        escrow_minor: ESCROW_MINOR,
        cap_calls: CAP,
        deadline_height,
    }
}

pub(crate) fn close(session: SessionId) -> Action {
    Action::CloseSession { session }
}

/// Blinded points; any will do.
pub(crate) fn points(count: usize) -> Vec<Point> {
    let mut draw = rng(5);
    (0..count)
        .map(|_| *ListKey::generate(&mut draw).public().point())
        .collect()
}

/// An unsigned request of `calls` calls in the first session, numbered `sequence`.
pub(crate) fn request(chain_id: ChainId, sequence: u64, calls: usize) -> Request {
    let calls: Vec<_> = points(calls)
        .iter()
        .map(|point| Call {
            blinded: point.encode(),
            audit: Digest([3; 32]),
        })
        .collect();
    let mut request = Request {
        chain_id,
        session: SESSION,
        sequence,
        querier: QUERIER,
        provider: OWNER,
        list: LIST,
        tag_epoch: EPOCH,
        key: list_key(LIST, EPOCH).public().to_wire(),
        price_minor: PRICE_MINOR,
        charge: Element::identity(),
        calls: bounded(calls),
    };
    request.charge = charged(&request).commitment();
    request
}

/// Answers a request with the key of `list` and `tag_epoch`.
pub(crate) fn answer(signed: SignedRequest, list: ListId, tag_epoch: TagEpoch) -> CallBatch {
    let context = signed.request.evaluation_context();
    let blinded = Point::decode_batch(&signed.request.blinded()).expect("points");
    let key = list_key(list, tag_epoch);
    let (evaluated, proof) = evaluate(&key, &context, &blinded, &mut rng(6)).expect("a batch");
    CallBatch {
        signed,
        evaluated: bounded(evaluated.iter().map(Point::encode).collect()),
        proof,
    }
}

/// The batch of a request that its querier signs as it stands.
pub(crate) fn batch(request: Request) -> CallBatch {
    let key = signer(request.querier);
    answer(request.sign(&key), LIST, EPOCH)
}

/// A proof of something else.
pub(crate) fn wrong_proof() -> DleqProof {
    let other = request(ChainId([9; 32]), 0, 1);
    batch(other).proof
}

/// Bytes that are no point.
pub(crate) fn no_point() -> WirePoint {
    WirePoint([0xff; 64])
}

impl Chain {
    /// A request of the first session.
    pub(crate) fn request(&self, sequence: u64, calls: usize) -> Request {
        let mut request = request(self.machine.chain_id(), sequence, calls);
        request.charge = charged_in(&self.state, &request).commitment();
        request
    }

    /// Its batch, as an action.
    pub(crate) fn batch(&self, sequence: u64, calls: usize) -> Action {
        Action::CallBatch(Box::new(batch(self.request(sequence, calls))))
    }

    /// A request that was changed before it was signed and answered.
    pub(crate) fn changed_batch(
        &self,
        sequence: u64,
        calls: usize,
        change: impl FnOnce(&mut Request),
    ) -> Action {
        let mut request = self.request(sequence, calls);
        let before = request.charge;
        change(&mut request);
        if request.charge == before {
            request.charge = charged_in(&self.state, &request).commitment();
        }
        Action::CallBatch(Box::new(batch(request)))
    }

    /// A chain with an open session of [`QUERIER`] with [`OWNER`]'s list.
    pub(crate) fn with_session() -> Self {
        static OPEN: LazyLock<Chain> = LazyLock::new(|| {
            let mut chain = Chain::with_list();
            chain.open_one(QUERIER);
            chain
        });
        OPEN.clone()
    }

    /// Opens a session with the first list, as long as one may.
    pub(crate) fn open_one(&mut self, querier: MemberId) {
        let deadline = self.height + super::MAX_SESSION;
        self.open(querier, &[opening(deadline)]);
    }

    pub(crate) fn session(&self, id: SessionId) -> Option<Session> {
        read::session(&self.state, id).expect("a map")
    }

    /// Opens sessions, in as few transactions as they fit into.
    pub(crate) fn open(&mut self, querier: MemberId, wishes: &[Wish]) {
        for wishes in wishes.chunks(MAX_OPENINGS) {
            let action = self.opened(querier, wishes);
            self.must(querier, action);
        }
    }
}
