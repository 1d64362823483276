//! Receipts of this member's calls: made here, put onto the ledger, looked at.

use std::cell::RefCell;
use std::collections::BTreeSet;

use tacit_circuits::receipt::{CommitmentSecret, KeyId};
use tacit_circuits::scope::MemberId;
use tacit_client::receipt::ReceiptFile;
use tacit_frontend::ports::{Ledger as _, LedgerError};
use tacit_frontend::receipts::{CallName, CreateError, LoggedCall, Subject};
use tacit_ledger::kernel::{Missing, ModuleId, StateKey, StateView};
use tacit_ledger::network::receipts::{ObjectId, Purpose, ReceiptContext, ReceiptSet, examine};
use tacit_ledger::network::{
    Action, Event, MAX_RECEIPTS_PER_SET, PolicyId, PolicyVersion, ReceiptKey, Screening, SessionId,
    read,
};
use tacit_proto::operator as proto;

use super::Operator;
use super::error::ApiError;
use super::governance;
use super::lists::{Answers, gone};

/// Sets that one answer shows, unless it is asked for fewer.
const DEFAULT_LISTED: u32 = 100;

/// Blocks over which the pace of the chain is measured: some minutes of them.
const PACE_BLOCKS: u64 = 4_096;

impl Operator {
    /// Proves, and hands out the file.
    pub(super) async fn create_receipts(
        &self,
        request: proto::ReceiptCreateRequest,
        answers: Answers<proto::ReceiptCreateResponse>,
    ) -> Result<(), ApiError> {
        use proto::receipt_create_response::Step;
        let receipts = self.frontend()?.receipts.clone();
        let secret = read_secret(&request.commitment_secret)?;
        if request.calls.is_empty() || request.calls.len() > MAX_RECEIPTS_PER_SET {
            return Err(CreateError::Count.into());
        }
        let mut calls = Vec::with_capacity(request.calls.len());
        for call in &request.calls {
            calls.push(self.logged(call).await?);
        }
        let context = self.receipt_context(&request).await?;
        let total = calls.len() as u64;
        let heard = answers.clone();
        let progress = move |done: usize| {
            let progress = proto::Progress {
                stage: proto::Stage::Proving.into(),
                done: done as u64,
                total,
            };
            let step = Some(Step::Progress(progress));
            // Progress that finds no place is left out: newer progress follows.
            let _ = heard.try_send(Ok(proto::ReceiptCreateResponse { step }));
        };
        let set = receipts
            .create(&calls, Subject { secret, context }, progress)
            .await?;
        let created = self.created(set).await?;
        let step = Some(Step::Created(created));
        answers
            .send(Ok(proto::ReceiptCreateResponse { step }))
            .await
            .map_err(|_| gone())
    }

    /// Puts a set onto the ledger.
    pub(super) async fn submit_receipts(
        &self,
        request: proto::ReceiptSubmitRequest,
    ) -> Result<proto::ReceiptSubmitResponse, ApiError> {
        let file = ReceiptFile::from_bytes(&request.file).map_err(|error| {
            ApiError::caller(
                "file-invalid",
                format!("the file is no set of receipts: {error}"),
                "",
            )
        })?;
        if file.chain_id != self.ledger.chain_id() {
            return Err(ApiError::caller(
                "other-network",
                "the receipts are of another network",
                "",
            ));
        }
        let me = self.ledger.member_id();
        if file.submitter != me {
            return Err(ApiError::caller(
                "other-member",
                format!(
                    "the receipts are of {}'s calls, and this is {me}",
                    file.submitter
                ),
                "Submit them at the node that made them.",
            ));
        }
        let action = Action::SubmitReceipts(Box::new(file.set));
        let applied = self.ledger.submit(action).await?;
        let accepted = applied.events.iter().find_map(|event| match event {
            Event::ReceiptsAccepted { screening, .. } => Some(screening.0),
            _ => None,
        });
        Ok(proto::ReceiptSubmitResponse {
            screening_id: accepted.unwrap_or_default(),
            tx_id: applied.tx_id.0.0.to_vec(),
            height: applied.height,
        })
    }

    /// Accepted sets of a member.
    pub(super) async fn accepted_receipts(
        &self,
        request: proto::ReceiptsRequest,
    ) -> Result<proto::ReceiptsResponse, ApiError> {
        let member = request.member_id.map_or(self.ledger.member_id(), MemberId);
        let limit = match request.limit {
            0 => DEFAULT_LISTED,
            limit => limit,
        };
        let (accepted, key) = self
            .read(|view| {
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                Ok((
                    read::screenings_of(view, member, limit)?,
                    read::receipt_key(view)?,
                ))
            })
            .await?;
        let own = self.frontend.as_ref();
        let own = own.and_then(|frontend| frontend.receipts.prover().key_id());
        Ok(proto::ReceiptsResponse {
            accepted: accepted.iter().map(shown).collect(),
            key: key.map(shown_key),
            own_key_id: own.map(|KeyId(id)| id.to_vec()).unwrap_or_default(),
        })
    }

    /// Where a call stands in the network's log.
    pub(super) async fn logged(&self, call: &proto::CallRef) -> Result<LoggedCall, ApiError> {
        let name = CallName {
            session: SessionId(call.session),
            sequence: call.sequence,
            index: call.index,
        };
        let batch = self.read_model.logged(name.session, name.sequence).await?;
        let Some(batch) = batch else {
            let own = self.frontend()?.own_records(name.session, name.sequence);
            // What was never asked never becomes final.
            return Err(match own.await.map_err(CreateError::Store)? {
                Some(_) => CreateError::NotFinal(name),
                None => CreateError::UnknownCall(name),
            }
            .into());
        };
        if batch.calls <= call.index {
            return Err(CreateError::UnknownCall(name).into());
        }
        Ok(LoggedCall {
            name,
            leaf: batch.first_leaf + u64::from(call.index),
        })
    }

    async fn receipt_context(
        &self,
        request: &proto::ReceiptCreateRequest,
    ) -> Result<ReceiptContext, ApiError> {
        let asked = request.purpose.as_ref().ok_or_else(|| {
            ApiError::caller(
                "purpose-missing",
                "the request names no purpose",
                "Name one.",
            )
        })?;
        let policy = PolicyId(asked.policy);
        let (key, latest) = self
            .read(|view| {
                Ok((
                    read::receipt_key(view)?,
                    read::latest_policy_version(view, policy)?,
                ))
            })
            .await?;
        let key = key.ok_or_else(|| {
            ApiError::caller(
                "receipt-key-unset",
                "the members have voted no key under which receipts are verified",
                "Propose one with `tacit network propose-receipt-key`.",
            )
        })?;
        let latest = latest.ok_or_else(|| ApiError::unknown("policy", policy))?;
        let module = u16::try_from(asked.module)
            .map_err(|_| ApiError::unknown("business ledger", asked.module))?;
        let blocks = request.lifetime_ms / self.block_ms().await?.max(1);
        Ok(ReceiptContext {
            module: ModuleId(module),
            object: ObjectId(governance::key("object", &asked.object)?),
            verifier: MemberId(asked.verifier),
            policy,
            policy_version: match asked.policy_version {
                0 => latest,
                version => PolicyVersion(version),
            },
            purpose: Purpose::new(&asked.code)
                .map_err(|error| ApiError::caller("purpose-invalid", error.to_string(), ""))?,
            expiry_height: self.ledger.height() + blocks.max(1),
            key: key.id,
        })
    }

    /// The present pace of the chain, in milliseconds a block.
    pub(super) async fn block_ms(&self) -> Result<u64, ApiError> {
        let handle = self.ledger.handle();
        let (now, mut blocks) = (handle.block(handle.height()).await?, PACE_BLOCKS);
        let height = now.header.height.get();
        // Early blocks may be gone, and the genesis has another clock.
        while blocks > 0 {
            let from = height.saturating_sub(blocks).max(1);
            if let Ok(before) = handle.block(from).await
                && height > from
            {
                let passed = now.header.time_ms.saturating_sub(before.header.time_ms);
                return Ok((passed / (height - from)).max(1));
            }
            blocks /= 2;
        }
        Ok(1)
    }

    /// The file of a set: with proofs of all records that it appeals to.
    async fn created(&self, set: ReceiptSet) -> Result<proto::ReceiptsCreated, ApiError> {
        let (chain_id, submitter) = (self.ledger.chain_id(), self.ledger.member_id());
        let keys = self.appeals(&set).await?;
        let evidence = self.ledger.handle().prove_values(keys).await?;
        let height = evidence.block.header.height.get();
        let refs = self.read(|view| self.list_refs(view)).await?;
        let mut lines = Vec::with_capacity(set.receipts.len());
        for receipt in set.receipts.iter() {
            let id = receipt.publication;
            lines.push(proto::ReceiptLine {
                list: refs.get(&id.list).cloned(),
                tag_epoch: id.tag_epoch.0,
                version: u64::from(id.version.0),
                hides_among: self
                    .read_model
                    .calls_to(submitter, id.list, id.tag_epoch)
                    .await?,
            });
        }
        let (commitment, expiry_height) = (set.commitment, set.context.expiry_height);
        let file = ReceiptFile {
            chain_id,
            submitter,
            set,
            evidence,
        };
        Ok(proto::ReceiptsCreated {
            file: file.to_bytes(),
            commitment: commitment.to_bytes().to_vec(),
            lines,
            expiry_height,
            height,
        })
    }

    /// The records to which a set appeals, all of which stand in the state. One that is missing would make
    /// the ledger refuse the set, which is said here.
    async fn appeals(&self, set: &ReceiptSet) -> Result<Vec<StateKey>, ApiError> {
        let (chain_id, submitter) = (self.ledger.chain_id(), self.ledger.member_id());
        let height = self.ledger.height();
        let (examined, keys) = self
            .read(|view| {
                let recording = Recording::over(view);
                let examined = examine(&recording, chain_id, height, submitter, set)?;
                Ok((examined.map(drop), recording.into_keys()))
            })
            .await?;
        examined.map_err(LedgerError::Rejected)?;
        Ok(keys)
    }
}

/// A view that remembers what was asked of it.
struct Recording<'a> {
    view: &'a dyn StateView,
    keys: RefCell<BTreeSet<StateKey>>,
}

impl<'a> Recording<'a> {
    fn over(view: &'a dyn StateView) -> Self {
        Self {
            view,
            keys: RefCell::default(),
        }
    }

    fn into_keys(self) -> Vec<StateKey> {
        self.keys.into_inner().into_iter().collect()
    }
}

impl StateView for Recording<'_> {
    fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, Missing> {
        self.keys.borrow_mut().insert(key.clone());
        self.view.get(key)
    }
}

fn read_secret(bytes: &[u8]) -> Result<CommitmentSecret, ApiError> {
    let refused = || {
        ApiError::caller(
            "secret-invalid",
            "the commitment's secret is not a canonical field element of 32 bytes",
            "Make one with `tacit receipt commit`.",
        )
    };
    let bytes = bytes.try_into().map_err(|_| refused())?;
    CommitmentSecret::from_secret_bytes(bytes).map_err(|_| refused())
}

fn shown(accepted: &Screening) -> proto::AcceptedReceipts {
    let context = &accepted.context;
    proto::AcceptedReceipts {
        screening_id: accepted.id.0,
        submitter: accepted.submitter.0,
        commitment: accepted.commitment.to_bytes().to_vec(),
        r#type: accepted.kind.name().into(),
        purpose: Some(proto::ReceiptPurpose {
            module: u32::from(context.module.0),
            object: context.object.0.to_vec(),
            verifier: context.verifier.0,
            policy: context.policy.0,
            policy_version: context.policy_version.0,
            code: context.purpose.as_str().into(),
        }),
        publications: accepted.lists.iter().map(ToString::to_string).collect(),
        accepted_height: accepted.accepted_height,
        expiry_height: context.expiry_height,
        consumed_height: accepted.consumed.map(|consumed| consumed.height),
    }
}

fn shown_key(key: ReceiptKey) -> proto::ReceiptKey {
    proto::ReceiptKey {
        id: key.id.0.to_vec(),
        verifying_key: key.verifying_key.to_vec(),
        transcript: key.transcript.0.to_vec(),
        height: key.height,
    }
}

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        let message = error.to_string();
        match error {
            CreateError::Count => Self::caller("receipts-count", message, ""),
            CreateError::UnknownCall(_) => Self::caller(
                "call-unknown",
                message,
                "`tacit history --asked` shows the calls of this node.",
            ),
            CreateError::Erased(_) => Self::caller("record-erased", message, ""),
            CreateError::NotFinal(_) | CreateError::LogBehind => {
                Self::caller("not-yet-final", message, "Try again in a moment.")
            }
            CreateError::SameList(_) => Self::caller("list-twice", message, ""),
            CreateError::OtherSubject => Self::caller("other-subject", message, ""),
            CreateError::EpochOver(_) => Self::caller("epoch-over", message, ""),
            CreateError::Listed(_) => Self::caller("listed", message, ""),
            CreateError::NotListed(_) => Self::caller("not-listed", message, ""),
            CreateError::BeforeLog(_) => Self::caller("call-before-log", message, ""),
            CreateError::OtherKey { .. } => Self::node("receipt-key-differs", message, ""),
            CreateError::NoCopy(_) => Self::node("copy-absent", message, "Try again in a moment."),
            CreateError::Broken(..)
            | CreateError::Prove(_)
            | CreateError::Prover(_)
            | CreateError::Store(_)
            | CreateError::Copy(_) => {
                Self::node("receipts-not-made", message, "See the node's log.")
            }
            CreateError::Ledger(error) => error.into(),
        }
    }
}
