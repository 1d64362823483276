//! History and quota: what the read model knows, joined with this member's own records.

use futures::StreamExt as _;
use tacit_circuits::scope::{ListId, MemberId};
use tacit_frontend::ports::Ledger as _;
use tacit_frontend::screening::OwnRecords;
use tacit_ledger::kernel::TxId;
use tacit_ledger::network::SessionId;
use tacit_proto::operator as proto;
use tacit_readmodel::{CallBatch, Direction, HistoryFilter, Period, ReadModelError};

use super::Operator;
use super::error::ApiError;
use super::lists::{Answers, gone};

impl Operator {
    /// Streams the calls of a history, one row a call.
    pub(super) async fn history(
        &self,
        request: proto::HistoryRequest,
        answers: Answers<proto::HistoryRow>,
    ) -> Result<(), ApiError> {
        let direction = match request.direction() {
            proto::Direction::Asked => Some(Direction::Asked),
            proto::Direction::Served => Some(Direction::Served),
            proto::Direction::Unspecified => None,
        };
        let filter = HistoryFilter {
            member: self.ledger.member_id(),
            direction,
            period: period(request.from_ms, request.until_ms),
            counterparty: request.member_id.map(MemberId),
            list: request.list_id.map(ListId),
        };
        let refs = self.read(|view| self.list_refs(view)).await?;
        let batches = self.read_model.history(filter).await?.into_stream();
        let mut batches = std::pin::pin!(batches);
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            let own = match batch.direction {
                Direction::Asked => self.own(&batch).await?,
                Direction::Served => None,
            };
            let purpose = own.as_ref().map_or("", |own| own.purpose.as_str());
            if !fits(&request, own.as_ref()) {
                continue;
            }
            for (index, audit_hash) in batch.audit_hashes.iter().enumerate() {
                let own_record = own.as_ref().map(|own| own.record(index));
                let answered = own_record.as_ref().map(|own| own.answer);
                if request.answer.is_some() && request.answer != answered {
                    continue;
                }
                let row = proto::HistoryRow {
                    direction: match batch.direction {
                        Direction::Asked => proto::Direction::Asked,
                        Direction::Served => proto::Direction::Served,
                    }
                    .into(),
                    time_ms: batch.time_ms,
                    height: batch.height,
                    tx_id: batch.tx_id.0.0.to_vec(),
                    member_id: batch.counterparty.0,
                    list: refs.get(&batch.list).cloned(),
                    tag_epoch: batch.tag_epoch.0,
                    session: batch.session.0,
                    sequence: batch.sequence,
                    index: u32::try_from(index).unwrap_or(u32::MAX),
                    price_minor: u64::from(batch.price_minor),
                    purpose: purpose.into(),
                    audit_hash: audit_hash.0.to_vec(),
                    own_record,
                };
                answers.send(Ok(row)).await.map_err(|_| gone())?;
            }
        }
        Ok(())
    }

    /// The transaction that settled a batch of calls.
    pub(super) async fn batch(&self, session: SessionId, sequence: u64) -> Result<TxId, ApiError> {
        let found = self.read_model.batch(session, sequence).await?;
        let name = format!("{session}/{sequence}");
        found
            .map(|row| row.tx_id)
            .ok_or_else(|| ApiError::unknown("batch of calls", name))
    }

    /// What this member keeps of a batch that it asked; `None` where another front end of it did,
    /// or where this node observes.
    async fn own(&self, batch: &CallBatch) -> Result<Option<OwnBatch>, ApiError> {
        let Some(frontend) = &self.frontend else {
            return Ok(None);
        };
        let found = frontend
            .own_records(batch.session, batch.sequence)
            .await
            .map_err(|error| ApiError::node("records-unreadable", error.to_string(), ""))?;
        Ok(
            found.map(|(asked, OwnRecords { context, .. }, answer)| OwnBatch {
                hits: answer.and_then(|answer| answer.hits),
                version: asked.version.map_or(0, |version| u64::from(version.0)),
                operator: context.operator,
                purpose: context.purpose,
                lawful_basis: context.lawful_basis,
                case_reference: context.case_reference,
                approver: context.approver,
            }),
        )
    }
}

/// Whether what this member keeps of a batch is what is asked for. What it did not ask itself has no purpose,
/// operator or case here.
fn fits(request: &proto::HistoryRequest, own: Option<&OwnBatch>) -> bool {
    let field = |of: fn(&OwnBatch) -> &String| own.map_or("", |own| of(own).as_str());
    let wanted = [
        (&request.purpose, field(|own| &own.purpose)),
        (&request.operator, field(|own| &own.operator)),
        (&request.case_reference, field(|own| &own.case_reference)),
    ];
    wanted
        .iter()
        .all(|(wanted, found)| wanted.is_empty() || *wanted == found)
}

/// This member's own record of a batch.
struct OwnBatch {
    hits: Option<Vec<bool>>,
    version: u64,
    operator: String,
    purpose: String,
    lawful_basis: String,
    case_reference: String,
    approver: String,
}

impl OwnBatch {
    fn record(&self, index: usize) -> proto::OwnRecord {
        let hit = self.hits.as_ref().and_then(|hits| hits.get(index));
        let answer = match hit {
            Some(true) => proto::Answer::Hit,
            Some(false) => proto::Answer::Clear,
            None => proto::Answer::Unspecified,
        };
        proto::OwnRecord {
            answer: answer.into(),
            operator: self.operator.clone(),
            lawful_basis: self.lawful_basis.clone(),
            case_reference: self.case_reference.clone(),
            approver: self.approver.clone(),
            version: self.version,
        }
    }
}

pub(super) fn period(from_ms: u64, until_ms: u64) -> Period {
    Period {
        from_ms,
        until_ms: Some(until_ms).filter(|until| *until > 0),
    }
}

impl From<ReadModelError> for ApiError {
    fn from(error: ReadModelError) -> Self {
        Self::node(
            "records-unreadable",
            error.to_string(),
            "See the node's log.",
        )
    }
}
