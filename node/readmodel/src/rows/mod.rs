//! A block as rows, without a database.

use tacit_circuits::list::VersionId;
use tacit_circuits::scope::MemberId;
use tacit_database::{Insertion, Statement};
use tacit_ledger::kernel::{
    BlockResult, Envelope, Event as KernelEvent, Genesis, ModuleId, Outcome,
};
use tacit_ledger::kernel::{TxId, decode};
use tacit_ledger::network::movement::{Moved, moved, of_genesis};
use tacit_ledger::network::{
    Action, AlarmReason, CallBatch, Event as NetworkEvent, NetworkGenesis,
};

use crate::block::{Block, BlockHeader};
use crate::describe;
use crate::error::ReadModelError;

/// Rows of some blocks, on their way to the tables.
pub(crate) struct Rows {
    blocks: Insertion<11>,
    transactions: Insertion<7>,
    events: Insertion<5>,
    calls: Insertion<14>,
    movements: Insertion<10>,
    key_changes: Insertion<4>,
    alarms: Insertion<10>,
}

/// A result of a block: where its events stand, and when they happened.
#[derive(Clone, Copy)]
struct Place {
    height: u64,
    time_ms: u64,
    leaf: u64,
}

impl Rows {
    pub(crate) fn new() -> Self {
        Self {
            blocks: Insertion::new(
                "ledger_block (height, time_ms, epoch, view_number, leader, block_hash, parent_hash, \
                 body_hash, state_root, results_root, transactions)",
            ),
            transactions: Insertion::new(
                "ledger_transaction (height, leaf, tx_id, sender, sequence, action, reject)",
            ),
            events: Insertion::new("ledger_event (height, leaf, place, kind, fields)"),
            calls: Insertion::new(
                "ledger_calls (session_id, sequence, height, leaf, time_ms, business_date, querier, \
                 provider, list_id, tag_epoch, first_leaf, calls, price_minor, audit_hashes)",
            ),
            movements: Insertion::new(
                "ledger_movement (height, leaf, place, time_ms, member, kind, amount_minor, sealed, \
                 counterparty, session_id)",
            ),
            key_changes: Insertion::new("ledger_key_change (member, height, leaf, former)"),
            alarms: Insertion::new(
                "ledger_alarm (height, leaf, place, time_ms, kind, raised_by, subject, list_id, \
                 tag_epoch, version)",
            ),
        }
    }

    /// Adds what the genesis gave: it says no events.
    pub(crate) fn add_genesis(&mut self, genesis: &Genesis) -> Result<(), ReadModelError> {
        let section = genesis
            .section(ModuleId::NETWORK)
            .ok_or(ReadModelError::Genesis)?;
        decode::<NetworkGenesis>(section).map_err(|_| ReadModelError::Genesis)?;
        let place = Place {
            height: 0,
            time_ms: genesis.time_ms,
            leaf: 0,
        };
        for (movement, moved) in (0..).zip(of_genesis(genesis)) {
            self.add_movement(place, movement, &moved);
        }
        Ok(())
    }

    /// Adds a block, which happened at `time_ms` by the ledger's clock.
    pub(crate) fn add(&mut self, block: &Block<'_>, time_ms: u64) -> Result<(), ReadModelError> {
        let height = block.header.height;
        let unreadable = |what| ReadModelError::Unreadable { height, what };
        let Some((BlockResult::Block { events, .. }, results)) = block.results.split_first() else {
            return Err(unreadable("its own result does not come first"));
        };
        if results.len() != block.envelopes.len() {
            return Err(unreadable("it has not one result for each transaction"));
        }
        self.add_header(&block.header, time_ms, results.len());
        self.add_events(
            Place {
                height,
                time_ms,
                leaf: 0,
            },
            events,
            None,
        )?;
        for (leaf, (bytes, result)) in (1..).zip(block.envelopes.iter().zip(results)) {
            let BlockResult::Tx(result) = result else {
                return Err(unreadable("it has two results of its own"));
            };
            let place = Place {
                height,
                time_ms,
                leaf,
            };
            let envelope = Envelope::from_bytes(bytes);
            let envelope = envelope.map_err(|_| unreadable("a transaction does not decode"))?;
            let action = Action::of(&envelope).and_then(Result::ok);
            self.add_transaction(
                place,
                result.tx_id,
                &envelope,
                action.as_ref(),
                result.outcome,
            );
            let batch = match &action {
                Some(Action::CallBatch(batch)) => Some(&**batch),
                _ => None,
            };
            self.add_events(place, &result.events, batch)?;
        }
        Ok(())
    }

    /// The statements that write all rows.
    pub(crate) fn into_statements(self) -> impl Iterator<Item = Statement> {
        let (blocks, transactions) = (self.blocks, self.transactions);
        blocks
            .into_statements()
            .chain(transactions.into_statements())
            .chain(self.events.into_statements())
            .chain(self.calls.into_statements())
            .chain(self.movements.into_statements())
            .chain(self.key_changes.into_statements())
            .chain(self.alarms.into_statements())
    }

    fn add_header(&mut self, header: &BlockHeader, time_ms: u64, transactions: usize) {
        self.blocks.push([
            header.height.into(),
            time_ms.into(),
            header.epoch.into(),
            header.view.into(),
            header.leader.0.into(),
            header.hash.0.into(),
            header.parent.0.into(),
            header.body.0.into(),
            header.state_root.0.into(),
            header.results_root.0.into(),
            transactions.into(),
        ]);
    }

    fn add_transaction(
        &mut self,
        place: Place,
        tx_id: TxId,
        envelope: &Envelope,
        action: Option<&Action>,
        outcome: Outcome,
    ) {
        let reject = match outcome {
            Outcome::Applied => 0,
            Outcome::Rejected(reject) => reject.number(),
        };
        self.transactions.push([
            place.height.into(),
            place.leaf.into(),
            tx_id.0.0.into(),
            envelope.sender.0.into(),
            envelope.sequence.into(),
            describe::name(envelope, action).into(),
            reject.into(),
        ]);
    }

    fn add_events(
        &mut self,
        at: Place,
        events: &[KernelEvent],
        batch: Option<&CallBatch>,
    ) -> Result<(), ReadModelError> {
        let unreadable = |what| ReadModelError::Unreadable {
            height: at.height,
            what,
        };
        // Several movements may come of one event; their numbers go through the whole result.
        let mut movement = 0;
        for (place, event) in (0_u64..).zip(events) {
            let text =
                describe::describe_event(event).ok_or(unreadable("an event does not decode"))?;
            self.events.push([
                at.height.into(),
                at.leaf.into(),
                place.into(),
                text.kind.into(),
                text.json.into(),
            ]);
            let Some(Ok(event)) = NetworkEvent::read(event) else {
                continue;
            };
            for moved in moved(&event) {
                self.add_movement(at, movement, &moved);
                movement += 1;
            }
            match event {
                NetworkEvent::CallsLogged { .. } => {
                    let batch = batch.ok_or(unreadable("calls were logged by another action"))?;
                    self.add_calls(at, &event, batch);
                }
                NetworkEvent::QuotaKeyChanged { member, former, .. } => {
                    self.key_changes.push([
                        member.0.into(),
                        at.height.into(),
                        at.leaf.into(),
                        former.to_bytes().into(),
                    ]);
                }
                NetworkEvent::AlarmRaised {
                    publication,
                    owner,
                    raised_by,
                    reason,
                    ..
                } => {
                    let (kind, subject) = alarm(owner, reason);
                    self.add_alarm(at, place, kind, raised_by, subject, publication);
                }
                NetworkEvent::FraudProven {
                    publication,
                    owner,
                    proven_by,
                    ..
                } => {
                    self.add_alarm(at, place, "fraud-proven", proven_by, owner, publication);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn add_calls(&mut self, at: Place, event: &NetworkEvent, batch: &CallBatch) {
        let NetworkEvent::CallsLogged {
            session,
            sequence,
            querier,
            provider,
            list,
            tag_epoch,
            first_leaf,
            calls,
            business_date,
        } = event
        else {
            return;
        };
        let request = &batch.signed.request;
        let audit_hashes: Vec<u8> = request.calls.iter().flat_map(|call| call.audit.0).collect();
        self.calls.push([
            session.0.into(),
            (*sequence).into(),
            at.height.into(),
            at.leaf.into(),
            at.time_ms.into(),
            business_date.0.into(),
            querier.0.into(),
            provider.0.into(),
            list.0.into(),
            tag_epoch.0.into(),
            (*first_leaf).into(),
            (*calls).into(),
            request.price_minor.into(),
            audit_hashes.into(),
        ]);
    }

    fn add_movement(&mut self, at: Place, place: u64, moved: &Moved) {
        if !moved.counts() {
            return;
        }
        self.movements.push([
            at.height.into(),
            at.leaf.into(),
            place.into(),
            at.time_ms.into(),
            moved.member.0.into(),
            (moved.kind as u32).into(),
            moved.amount_minor.into(),
            moved.sealed.map(|sealed| sealed.to_vec()).into(),
            moved.counterparty.map(|member| member.0).into(),
            moved.session.map(|session| session.0).into(),
        ]);
    }

    fn add_alarm(
        &mut self,
        at: Place,
        place: u64,
        kind: &str,
        raised_by: MemberId,
        subject: MemberId,
        publication: VersionId,
    ) {
        self.alarms.push([
            at.height.into(),
            at.leaf.into(),
            place.into(),
            at.time_ms.into(),
            kind.into(),
            raised_by.0.into(),
            subject.0.into(),
            publication.list.0.into(),
            publication.tag_epoch.0.into(),
            publication.version.0.into(),
        ]);
    }
}

/// What an alarm is called, and whom it is about.
fn alarm(owner: MemberId, reason: AlarmReason) -> (&'static str, MemberId) {
    match reason {
        AlarmReason::SnapshotUnavailable => ("snapshot-unavailable", owner),
        AlarmReason::SnapshotMalformed => ("snapshot-malformed", owner),
        AlarmReason::RootMismatch => ("snapshot-mismatch", owner),
        AlarmReason::AttestationRefuted { attester } => ("attestation-refuted", attester),
    }
}
