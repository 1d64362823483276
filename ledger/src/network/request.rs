//! A querier's signed request, and the batch that settles it.
//!
//! The request is what goes to the provider over mTLS; the batch is the same request with the
//! provider's evaluations and their proof, as either side posts it. **A charge is payable only by
//! publishing the evaluations that it pays for**: so neither side can lose more than one batch.

use borsh::{BorshDeserialize, BorshSerialize};
use ed25519_zebra::SigningKey;
use tacit_circuits::curve::{Field, Point, WirePoint};
use tacit_circuits::log::log_leaves;
use tacit_circuits::oprf::{DleqProof, EvaluationContext, MAX_BATCH, PublicKey, verify};
use tacit_circuits::quota::Element;
use tacit_circuits::scope::{ListId, MemberId, Scope, TagEpoch};

use crate::kernel::context::require;
use crate::kernel::envelope::{Signature, ledger_key};
use crate::kernel::hash::{self, Digest, label};
use crate::kernel::party::LedgerKey;
use crate::kernel::signatures;
use crate::kernel::{BoundedVec, ChainId, Reject};
use crate::network::record::SessionId;

/// Calls of one request: what one proof of evaluation covers. The batch stays below 192 kB.
pub const MAX_CALLS: usize = MAX_BATCH;

/// One call as the querier sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Call {
    /// `B = r·H`, blinded, in its factor-8 form.
    pub blinded: WirePoint,
    /// `a`: hash of the sealed audit record of the call.
    pub audit: Digest,
}

/// What a querier asks of one list, and what it will pay.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Request {
    /// Chain on which it is settled.
    pub chain_id: ChainId,
    /// Session that pays.
    pub session: SessionId,
    /// Numbers the requests of the session. They may settle in any order, each once, as long as none
    /// falls behind the highest settled one by more than
    /// [`SETTLEMENT_SPAN`](crate::network::record::SETTLEMENT_SPAN). Below `u64::MAX`.
    pub sequence: u64,
    /// Who asks: the session's querier.
    pub querier: MemberId,
    /// Who answers: the session's provider, owner of the list.
    pub provider: MemberId,
    /// List asked.
    pub list: ListId,
    /// Tag epoch asked.
    pub tag_epoch: TagEpoch,
    /// `K`: the list's key of that epoch, as registered.
    pub key: WirePoint,
    /// Price of one call in minor units: the session's.
    pub price_minor: u32,
    /// Commitment to what it charges above one call's price: price times the calls that are neither padding
    /// nor the first. See [`quota`](crate::network::quota).
    pub charge: Element,
    /// The calls, padding among them, in the order in which their leaves enter the log.
    pub calls: BoundedVec<Call, MAX_CALLS>,
}

impl Request {
    /// Signs with a key that the querier holds.
    pub fn sign(self, key: &SigningKey) -> SignedRequest {
        let querier_key = ledger_key(key);
        self.sign_with(querier_key, |message| Signature(key.sign(message).into()))
    }

    /// Signs through `sign`, for keys that somebody else holds.
    pub fn sign_with(
        self,
        querier_key: LedgerKey,
        sign: impl FnOnce(&[u8]) -> Signature,
    ) -> SignedRequest {
        let signature = sign(&self.signed_bytes(&querier_key));
        SignedRequest {
            request: self,
            querier_key,
            signature,
        }
    }

    /// The most that this request can charge, in minor units. Price and number of calls are bounded so that
    /// the product of a well-formed request fits 32 bits; `None` otherwise.
    pub fn most_minor(&self) -> Option<u32> {
        u32::try_from(self.calls.len())
            .ok()?
            .checked_mul(self.price_minor)
    }

    /// What the proof of evaluation is bound to.
    pub fn evaluation_context(&self) -> EvaluationContext {
        EvaluationContext {
            chain_id: self.chain_id.0,
            session: self.session.0,
            sequence: self.sequence,
            list: self.list,
            tag_epoch: self.tag_epoch,
        }
    }

    /// The blinded points, in order.
    pub fn blinded(&self) -> Vec<WirePoint> {
        self.calls.iter().map(|call| call.blinded).collect()
    }

    fn signed_bytes(&self, querier_key: &LedgerKey) -> [u8; 32] {
        hash::hash_encoded(&label::REQUEST, &(self, querier_key)).0
    }
}

/// A request with its querier's signature.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedRequest {
    /// The request.
    pub request: Request,
    /// The querier's key; execution refuses any but the registered one.
    pub querier_key: LedgerKey,
    /// The querier's signature over both.
    pub signature: Signature,
}

impl SignedRequest {
    /// What the signature covers: the label's digest of request and key.
    pub fn signed_bytes(&self) -> [u8; 32] {
        self.request.signed_bytes(&self.querier_key)
    }

    /// Checks all that needs no state, and decodes the blinded points.
    ///
    /// # Errors
    /// In this order: [`Reject::EMPTY`], [`Reject::REQUEST_WRONG_CHAIN`],
    /// [`Reject::REQUEST_SIGNATURE_INVALID`], [`Reject::AMOUNT_TOO_LARGE`], [`Reject::POINT_INVALID`],
    /// [`Reject::VALUE_OUT_OF_RANGE`].
    pub fn check(&self, chain_id: ChainId) -> Result<Vec<Point>, Reject> {
        self.check_signature(chain_id)?;
        self.check_amount()?;
        let blinded = Point::decode_batch(&self.request.blinded());
        let blinded = blinded.map_err(|_| Reject::POINT_INVALID)?;
        self.check_sequence()?;
        Ok(blinded)
    }

    /// Refuses the last number of 64 bits: the window of settled numbers ends one above the highest.
    fn check_sequence(&self) -> Result<(), Reject> {
        let has_next = self.request.sequence < u64::MAX;
        require(has_next, Reject::VALUE_OUT_OF_RANGE)
    }

    fn check_signature(&self, chain_id: ChainId) -> Result<(), Reject> {
        require(!self.request.calls.is_empty(), Reject::EMPTY)?;
        require(
            self.request.chain_id == chain_id,
            Reject::REQUEST_WRONG_CHAIN,
        )?;
        let signed = signatures::verify(&self.querier_key, &self.signed_bytes(), &self.signature);
        require(signed, Reject::REQUEST_SIGNATURE_INVALID)
    }

    fn check_amount(&self) -> Result<(), Reject> {
        let fits = self.request.most_minor().is_some();
        require(fits, Reject::AMOUNT_TOO_LARGE)
    }
}

/// A request with its evaluations: what enters the log and moves the charge.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CallBatch {
    /// What the querier signed.
    pub signed: SignedRequest,
    /// `Z = k·B`, one for each call, in order, in factor-8 form.
    pub evaluated: BoundedVec<WirePoint, MAX_CALLS>,
    /// Shows that all `Z` come from the key of the request.
    pub proof: DleqProof,
}

impl CallBatch {
    /// Checks all that needs no state: what the querier signed, and that the key that it names evaluated
    /// its points. Whether that is the registered key is for execution to say.
    ///
    /// # Errors
    /// Those of [`SignedRequest::check`], and [`Reject::COUNT_MISMATCH`] and
    /// [`Reject::EVALUATION_PROOF_INVALID`], in ascending order of their numbers.
    pub fn check(&self, chain_id: ChainId) -> Result<(), Reject> {
        let request = &self.signed.request;
        self.signed.check_signature(chain_id)?;
        require(
            self.evaluated.len() == request.calls.len(),
            Reject::COUNT_MISMATCH,
        )?;
        self.signed.check_amount()?;
        let key = PublicKey::from_wire(&request.key).map_err(|_| Reject::POINT_INVALID)?;
        let (blinded, evaluated) = self.points()?;
        verify(
            &key,
            &request.evaluation_context(),
            &blinded,
            &evaluated,
            &self.proof,
        )
        .map_err(|_| Reject::EVALUATION_PROOF_INVALID)?;
        self.signed.check_sequence()
    }

    /// The leaves that the calls are in the network's log, in their order.
    pub fn leaves(&self) -> Result<Vec<Field>, Reject> {
        let request = &self.signed.request;
        let scope = Scope {
            list: request.list,
            tag_epoch: request.tag_epoch,
            querier: request.querier,
        };
        let (blinded, evaluated) = self.points()?;
        Ok(log_leaves(&scope, &blinded, &evaluated))
    }

    /// The blinded and the evaluated points.
    fn points(&self) -> Result<(Vec<Point>, Vec<Point>), Reject> {
        let decode =
            |points: &[WirePoint]| Point::decode_batch(points).map_err(|_| Reject::POINT_INVALID);
        Ok((
            decode(&self.signed.request.blinded())?,
            decode(&self.evaluated)?,
        ))
    }
}
