//! Blocks, transactions, proofs and alarms.

use bytes::Bytes;
use tacit_circuits::scope::MemberId;
use tacit_client::record::RecordName;
use tacit_consensus::FinalTransaction;
use tacit_ledger::kernel::{BlockResult, Digest, Envelope, Outcome, StateKey, TxId};
use tacit_ledger::network::{AlarmReason, Event, SessionId, read};
use tacit_proto::operator as proto;
use tacit_readmodel::{EventText, action_name, describe_event};

use super::Operator;
use super::error::ApiError;

/// Alarms that one answer lists where the caller names no number; the ledger lists no more.
const DEFAULT_ALARMS: u64 = 1_000;

impl Operator {
    pub(super) async fn block(
        &self,
        request: proto::LedgerBlockRequest,
    ) -> Result<proto::LedgerBlockResponse, ApiError> {
        let handle = self.ledger.handle();
        let height = request.height.unwrap_or_else(|| handle.height());
        let block = handle.block(height).await?;
        let evidence = handle.prove_block(height).await?;
        let members = self.read(read::members).await?;
        let header = &block.header;
        let leader: &[u8] = header.context.leader.as_ref();
        let proposer = members
            .iter()
            .find(|member| member.profile.consensus_key.0 == leader)
            .map_or(0, |member| member.id.0);
        let outcomes = block.results.iter().filter_map(|result| match result {
            BlockResult::Tx(tx) => Some(tx.outcome),
            BlockResult::Block { .. } => None,
        });
        let transactions = block
            .envelopes
            .iter()
            .zip(outcomes)
            .enumerate()
            .filter_map(|(index, (bytes, outcome))| summary(bytes, index, outcome))
            .collect();
        Ok(proto::LedgerBlockResponse {
            height,
            epoch: header.epoch().get(),
            view: header.context.round.view().get(),
            time_ms: header.time_ms,
            block_hash: header.hash().to_vec(),
            parent_hash: header.parent.as_ref().to_vec(),
            state_root: header.state.root.as_ref().to_vec(),
            transactions_root: header.body.as_ref().to_vec(),
            proposer,
            transactions,
            certificate: evidence.to_bytes(),
        })
    }

    pub(super) async fn transaction(
        &self,
        request: proto::LedgerTxRequest,
    ) -> Result<proto::LedgerTxResponse, ApiError> {
        let id = tx_id(&request.tx_id)?;
        let found = self.find(id).await?;
        let block = self.ledger.handle().block(found.height).await?;
        let index = found.index as usize;
        let bytes = block.envelopes.get(index);
        let bytes = bytes.ok_or_else(|| ApiError::unknown("transaction", id))?;
        let events = found
            .result
            .events
            .iter()
            .enumerate()
            .filter_map(|(index, event)| {
                let EventText { kind, json } = describe_event(event)?;
                let index = u32::try_from(index).unwrap_or(u32::MAX);
                Some(proto::Event { index, kind, json })
            });
        Ok(proto::LedgerTxResponse {
            transaction: summary(bytes, index, found.result.outcome),
            height: found.height,
            time_ms: block.header.time_ms,
            envelope: bytes.to_vec(),
            events: events.collect(),
        })
    }

    pub(super) async fn prove(
        &self,
        request: proto::LedgerProveRequest,
    ) -> Result<proto::LedgerProveResponse, ApiError> {
        use proto::ledger_prove_request::What;
        let handle = self.ledger.handle();
        let evidence = match request.what {
            Some(What::TxId(id)) => handle.prove_transaction(tx_id(&id)?).await?,
            Some(What::Record(name)) => handle.prove_value(record(&name)?).await?,
            Some(What::Batch(batch)) => {
                let id = self.batch(SessionId(batch.session), batch.sequence).await?;
                handle.prove_transaction(id).await?
            }
            None => {
                return Err(ApiError::caller(
                    "nothing-to-prove",
                    "the request names nothing",
                    "",
                ));
            }
        };
        Ok(proto::LedgerProveResponse {
            height: evidence.block.header.height.get(),
            bundle: evidence.to_bytes(),
        })
    }

    pub(super) async fn alarms(
        &self,
        request: proto::AlarmsRequest,
    ) -> Result<proto::AlarmsResponse, ApiError> {
        let limit = match request.limit {
            0 => DEFAULT_ALARMS,
            limit => u64::from(limit),
        };
        let (alarms, lists) = self
            .read(|view| Ok((read::alarms(view, limit)?, self.list_refs(view)?)))
            .await?;
        let mut answer = Vec::with_capacity(alarms.len());
        for alarm in alarms.iter().rev() {
            let block = self.ledger.handle().block(alarm.height).await.ok();
            let time_ms = block.as_ref().map_or(0, |block| block.header.time_ms);
            if time_ms < request.from_ms {
                continue;
            }
            let tx_id = block.and_then(|block| raising(&block.results, alarm.number));
            answer.push(proto::Alarm {
                time_ms,
                height: alarm.height,
                tx_id: tx_id.map(|id| id.0.0.to_vec()).unwrap_or_default(),
                kind: alarm_kind(alarm.reason).into(),
                raised_by: alarm.raised_by.0,
                about: about(alarm.owner, alarm.reason).0,
                list: lists.get(&alarm.publication.list).cloned(),
                version: Some(u64::from(alarm.publication.version.0)),
                detail: format!("publication {}", alarm.publication),
            });
        }
        Ok(proto::AlarmsResponse { alarms: answer })
    }

    async fn find(&self, id: TxId) -> Result<FinalTransaction, ApiError> {
        let found = self.ledger.handle().transaction(id).await?;
        found.ok_or_else(|| ApiError::unknown("transaction", id))
    }
}

/// The transaction that raised an alarm.
fn raising(results: &[BlockResult], alarm: u64) -> Option<TxId> {
    results.iter().find_map(|result| match result {
        BlockResult::Tx(tx) => {
            let raised = tx
                .events
                .iter()
                .filter_map(|event| Event::read(event)?.ok())
                .any(|event| matches!(event, Event::AlarmRaised { number, .. } if number == alarm));
            raised.then_some(tx.tx_id)
        }
        BlockResult::Block { .. } => None,
    })
}

const fn alarm_kind(reason: AlarmReason) -> &'static str {
    match reason {
        AlarmReason::SnapshotUnavailable => "snapshot-unavailable",
        AlarmReason::SnapshotMalformed => "snapshot-malformed",
        AlarmReason::RootMismatch => "snapshot-mismatch",
        AlarmReason::AttestationRefuted { .. } => "attestation-refuted",
    }
}

const fn about(owner: MemberId, reason: AlarmReason) -> MemberId {
    match reason {
        AlarmReason::AttestationRefuted { attester } => attester,
        _ => owner,
    }
}

fn tx_id(bytes: &[u8]) -> Result<TxId, ApiError> {
    let bytes = bytes
        .try_into()
        .map_err(|_| ApiError::caller("tx-id-invalid", "a transaction's id has 32 bytes", ""))?;
    Ok(TxId(Digest(bytes)))
}

/// The state key of a record that people name, as the command line does.
fn record(name: &str) -> Result<StateKey, ApiError> {
    let named: Result<RecordName, _> = name.parse();
    named.map(RecordName::key).map_err(|_| {
        ApiError::caller(
            "record-unknown",
            format!("{name} names no kind of record"),
            "Name log, member/N, balance/N, list/N, epoch/LIST/EPOCH or publication/LIST/EPOCH/VERSION.",
        )
    })
}

/// What a transaction is, in one line. `None` for bytes that no block could hold.
fn summary(bytes: &Bytes, index: usize, outcome: Outcome) -> Option<proto::TxSummary> {
    let envelope = Envelope::from_bytes(bytes).ok()?;
    let outcome = match outcome {
        Outcome::Applied => proto::Outcome {
            applied: true,
            ..Default::default()
        },
        Outcome::Rejected(reject) => proto::Outcome {
            applied: false,
            reject: u32::from(reject.number()),
            reason: reject.to_string(),
        },
    };
    Some(proto::TxSummary {
        tx_id: envelope.tx_id().0.0.to_vec(),
        index: u32::try_from(index).unwrap_or(u32::MAX),
        sender: envelope.sender.0,
        sequence: envelope.sequence,
        action: action_name(&envelope),
        outcome: Some(outcome),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_circuits::scope::{ListId, TagEpoch};
    use tacit_ledger::network::keys;

    #[test]
    fn records_are_named_by_kind_and_numbers() {
        assert_eq!(record("list/3").unwrap(), keys::list(ListId(3)));
        assert_eq!(
            record("epoch/3/1").unwrap(),
            keys::epoch(ListId(3), TagEpoch(1))
        );
        for bad in [
            "",
            "list",
            "list/x",
            "list/1/2",
            "unheard/1",
            "publication/1/2",
        ] {
            assert!(record(bad).is_err(), "{bad}");
        }
    }
}
