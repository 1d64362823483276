//! The encoding of each wire type, pinned: another byte is another version of the format.

use borsh::BorshSerialize;
use tacit_ledger::kernel::hash::{Digest, Label, hash};
use tacit_ledger::kernel::{
    BlockResult, Bytes, ChainId, Clock, Envelope, Outcome, Party, PartyStatus, Registry,
    ResultProof, Role, Table, TxId, TxResult, codec, keys,
};
use tacit_ledger::kernel::{BusinessDate, LedgerKey, MemberId, ModuleId, Reject, Signature};
use tacit_ledger::network::record::*;
use tacit_ledger::network::{Action, Event};

use crate::receipts::ACCEPTED;
use crate::support::*;

static LABEL: Label = Label::new("tacit 2026 ledger/v1 conformance");

/// Lines of `name length hash`.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, value: &impl BorshSerialize) {
        let bytes = codec::encode(value);
        let line = format!("{name} {} {}\n", bytes.len(), hash(&LABEL, &bytes));
        self.0.push_str(&line);
    }
}

/// The name by which people and JSON know an event.
fn kind(event: &Event) -> String {
    let debug = format!("{event:?}");
    let name: String = debug
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    format!("event/{name}")
}

fn envelope() -> Envelope {
    Envelope {
        chain_id: ChainId([1; 32]),
        sender: MemberId(0x0203_0405),
        sender_key: LedgerKey([6; 32]),
        sequence: 0x0708_090a_0b0c_0d0e,
        expiry_height: 0x0f10_1112_1314_1516,
        module: ModuleId(0x1718),
        action: Bytes::try_from(vec![0x19, 0x1a]).expect("it fits"),
        signature: Signature([0x1b; 64]),
    }
}

fn kernel(lines: &mut Lines) {
    let envelope = envelope();
    lines.add("envelope", &envelope);
    lines.add("envelope-signed-bytes", &envelope.signed_bytes());
    lines.add("transaction-id", &envelope.tx_id());
    let party = Party {
        id: MemberId(7),
        name: text("示例银行"),
        group: text("Example Group"),
        role: Role::Observer,
        status: PartyStatus::Left { height: 9 },
        ledger_key: LedgerKey([2; 32]),
    };
    lines.add("party", &party);
    let clock = Clock {
        height: 1,
        time_ms: 2,
        business_date: BusinessDate(-3),
    };
    lines.add("clock", &clock);
    let result = BlockResult::Tx(TxResult {
        tx_id: TxId(Digest([3; 32])),
        outcome: Outcome::Rejected(Reject::LIST_UNKNOWN),
        events: bounded(Vec::new()),
    });
    lines.add("result", &result);
    lines.add(
        "results-root",
        &tacit_ledger::kernel::results::root(&[result]),
    );
    let proof = ResultProof {
        index: 1,
        count: 2,
        siblings: bounded(vec![Digest([4; 32])]),
    };
    lines.add("result-proof", &proof);
    let genesis = genesis().into_genesis("test", 1, 480).expect("it fits");
    lines.add("genesis", &genesis);
    lines.add("chain-id", &genesis.chain_id());
}

fn wire(lines: &mut Lines) {
    for action in actions() {
        lines.add(&format!("action/{}", action.name()), &action);
    }
    for (name, change) in changes() {
        lines.add(&format!("change/{name}"), &change);
    }
    for event in events() {
        lines.add(&kind(&event), &event);
    }
    let signed = sample_batch().signed;
    lines.add("request", &signed.request);
    lines.add("request-signed-bytes", &signed.signed_bytes());
    lines.add("signed-request", &signed);
    lines.add("call-batch", &sample_batch());
}

fn records(lines: &mut Lines) {
    // Records as the machine itself writes them, after each kind of action.
    let mut chain = Chain::with_session();
    let action = chain.batch(3, 2);
    chain.must(OWNER, action);
    let reason = AlarmReason::SnapshotMalformed;
    let alarm = Action::RaiseAlarm {
        publication: first(),
        reason,
    };
    chain.must(THIRD, alarm);
    chain.must(
        OWNER,
        propose(tacit_ledger::network::Change::Remove { member: SISTER }),
    );
    let registry = Registry::network();
    record_lines(lines, &registry, &chain, "record");
    receipts(lines, &registry);
    beacon(lines, &registry);
    disputes(lines, &registry);
    supervision(lines, &registry);
}

/// The tables of what supervisors are shown, with a draw that waits for the beacon, and of versions.
fn supervision(lines: &mut Lines, registry: &Registry) {
    let mut chain = WATCHED.clone();
    let action = grant_view(&chain, 5);
    chain.must(QUERIER, action);
    chain.must(OBSERVER, use_view(VIEW));
    chain.must(OBSERVER, demand());
    chain.must(QUERIER, disclose(DEMAND));
    let change = tacit_ledger::network::Change::SetCodeVersion {
        version: 2,
        from_height: 1_000,
    };
    chain.carry(change).expect("carried");
    chain.log_calls(0, 10);
    chain.begin_date(chain.today().after(1));
    let shown = [
        "view",
        "view-count",
        "views-of",
        "disclosure",
        "disclosure-count",
        "disclosures",
        "asked-calls",
        "counted-date",
        "call-draw",
        "code-versions",
        "usage",
    ];
    let tables = tacit_ledger::network::keys::TABLES.iter();
    let shown: Vec<_> = tables.filter(|table| shown.contains(&table.name)).collect();
    chain.state.retain(|key, _| {
        let of_table = |table: &&Table| key.as_bytes().starts_with(&table.prefix());
        shown.iter().copied().any(|table| of_table(&table))
    });
    record_lines(lines, registry, &chain, "supervision");
}

/// The tables of disputes and ratings, and of what a date brings: one dispute is open, another was decided
/// and not corrected.
fn disputes(lines: &mut Lines, registry: &Registry) {
    let mut chain = ruled(Ruling::Upheld);
    let until = chain.dispute(DISPUTE).until().expect("to be corrected");
    chain.begin_date(until.after(1));
    chain.activate_widely(version(LIST, EPOCH, 1));
    let mut second = dispute_about(2);
    if let Action::OpenDispute { publication, .. } = &mut second {
        publication.version.0 = 1;
    }
    chain.must(QUERIER, second);
    chain.draw_panels();
    let shown = [
        "date-page",
        "date-size",
        "date-cursor",
        "deposit",
        "dispute",
        "dispute-count",
        "disputes",
        "disputed",
        "suspension",
        "rating",
        "rating-change",
    ];
    let tables = tacit_ledger::network::keys::TABLES.iter();
    let tables = keys::TABLES.iter().chain(tables);
    let shown: Vec<_> = tables.filter(|table| shown.contains(&table.name)).collect();
    chain.state.retain(|key, _| {
        let of_table = |table: &&Table| key.as_bytes().starts_with(&table.prefix());
        shown.iter().copied().any(|table| of_table(&table))
    });
    record_lines(lines, registry, &chain, "disputes");
}

/// The tables of the beacon, with a round that gave an output and one that is open.
fn beacon(lines: &mut Lines, registry: &Registry) {
    let mut chain = Chain::that_samples();
    chain.must(OWNER, publish(first()));
    chain.draw();
    chain.must(OWNER, publish(version(LIST, EPOCH, 1)));
    chain.commit_together(&[QUERIER]);
    let shown = ["beacon", "beacon-output", "publication"];
    let tables = tacit_ledger::network::keys::TABLES.iter();
    let shown: Vec<_> = tables.filter(|table| shown.contains(&table.name)).collect();
    chain.state.retain(|key, _| {
        let of_table = |table: &&Table| key.as_bytes().starts_with(&table.prefix());
        shown.iter().copied().any(|table| of_table(&table))
    });
    record_lines(lines, registry, &chain, "beacon");
}

/// The tables that receipts fill. What depends on the circuit's key is shown by samples.
fn receipts(lines: &mut Lines, registry: &Registry) {
    let mut chain = ACCEPTED.clone();
    let shown = [
        "log-root",
        "log-root-place",
        "policy",
        "policy-version",
        "policy-count",
        "policies-of",
        "screening-count",
        "screenings-of",
    ];
    let tables = tacit_ledger::network::keys::TABLES.iter();
    let shown: Vec<_> = tables.filter(|table| shown.contains(&table.name)).collect();
    chain.state.retain(|key, _| {
        let of_table = |table: &&Table| key.as_bytes().starts_with(&table.prefix());
        shown.iter().copied().any(|table| of_table(&table))
    });
    record_lines(lines, registry, &chain, "receipts");
    let set = sample_set();
    let key = ReceiptKey {
        id: set.context.key,
        verifying_key: Bytes::try_from(vec![5; 7]).expect("it fits"),
        transcript: Digest([6; 32]),
        height: 0x0102_0304_0506_0708,
    };
    lines.add("receipts/receipt-key", &key);
    let screening = Screening {
        id: ScreeningId(9),
        submitter: MemberId(7),
        commitment: set.commitment,
        kind: set.kind,
        context: set.context.clone(),
        lists: bounded(vec![first()]),
        accepted_height: 10,
        consumed: Some(Consumption {
            height: 11,
            module: ModuleId(2),
        }),
    };
    lines.add("receipts/screening", &screening);
    lines.add("receipt-context", &set.context);
    let hash = set.context.hash(ChainId([1; 32]), MemberId(7));
    lines.add("receipt-context-hash", &hash);
}

fn record_lines(lines: &mut Lines, registry: &Registry, chain: &Chain, group: &str) {
    let tables = || {
        let modules = registry.modules().flat_map(|module| module.tables());
        keys::TABLES.iter().chain(modules)
    };
    for (key, value) in &chain.state {
        let table = tables().find(|table| key.as_bytes().starts_with(&table.prefix()));
        let table = table.expect("every key belongs to a table").name;
        lines.add(&format!("{group}/{table}/{key}"), &Raw(value));
    }
}

/// Bytes as they are.
struct Raw<'a>(&'a [u8]);

impl BorshSerialize for Raw<'_> {
    fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> Result<(), borsh::io::Error> {
        writer.write_all(self.0)
    }
}

#[test]
fn the_encoding_of_each_wire_type_is_the_pinned_one() {
    let mut lines = Lines::default();
    kernel(&mut lines);
    wire(&mut lines);
    records(&mut lines);
    let found = lines.0;
    let pinned = include_str!("conformance.txt");
    if found != pinned {
        let changed = found
            .lines()
            .filter(|line| !pinned.lines().any(|old| old == *line));
        let changed: Vec<_> = changed.collect();
        panic!(
            "{} encodings are not the pinned ones. A changed format is another version of the chain; \
             if that is meant, these lines belong into conformance.txt:\n{}\n\nthe whole:\n{found}",
            changed.len(),
            changed.join("\n")
        );
    }
}
