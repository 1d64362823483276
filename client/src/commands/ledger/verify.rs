//! `tacit ledger verify`

use std::path::PathBuf;

use serde_json::{Value, json};
use tacit_finality::{Claim, Evidence, ResultClaim, ValueProof};
use tacit_ledger::kernel::{BlockResult, Event, Genesis, Outcome, TxResult};
use tacit_ledger::network::Event as NetworkEvent;

use super::batch_ref;
use crate::error::ClientError;
use crate::output::{Format, moment, print_json};
use crate::record::RecordName;
use crate::trust;

/// The largest bundle that is read: the longest chain of hand-overs, each with the largest certificate, is less.
const MAX_BUNDLE_BYTES: u64 = 256 << 20;

/// What a bundle is checked against.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// The bundle, as `tacit ledger prove` wrote it.
    #[arg(value_name = "FILE")]
    bundle: PathBuf,
    /// The genesis of the network. It is all that is taken on trust: get it from somebody you trust, not from
    /// whoever hands you the bundle.
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    /// It must prove this transaction.
    #[arg(long, value_name = "ID", group = "expected")]
    tx: Option<String>,
    /// It must prove this batch of calls, as SESSION/SEQUENCE.
    #[arg(long, value_name = "BATCH", group = "expected")]
    batch: Option<String>,
    /// It must prove this record.
    #[arg(long, value_name = "NAME", group = "expected")]
    record: Option<RecordName>,
}

impl Verify {
    pub(super) fn run(&self, format: Format) -> Result<(), ClientError> {
        let (genesis, committee) = trust::read_genesis(&self.genesis)?;
        let bundle = trust::read_file(&self.bundle, MAX_BUNDLE_BYTES)?;
        let not_proven = |source| ClientError::NotProven {
            path: self.bundle.clone(),
            source,
        };
        let evidence = Evidence::from_bytes(&bundle).map_err(not_proven)?;
        let chain_id = genesis.chain_id();
        evidence.verify(chain_id.0, committee).map_err(not_proven)?;
        self.expected(&evidence.claim)?;
        match format {
            Format::Json => print_json(&as_json(&genesis, &evidence)),
            Format::Text => {
                print(&genesis, &evidence);
                Ok(())
            }
        }
    }

    /// A bundle that proves something else than what it was handed over for proves nothing.
    fn expected(&self, claim: &Claim) -> Result<(), ClientError> {
        let expected = match (&self.tx, &self.batch, self.record) {
            (Some(id), _, _) => {
                let id = super::tx_id(id)?;
                matches!(claim, Claim::Result(claim)
                    if matches!(&claim.result, BlockResult::Tx(tx) if tx.tx_id.0.0[..] == id[..]))
            }
            (_, Some(batch), _) => {
                let batch = batch_ref(batch)?;
                let logged = |event: &Event| {
                    matches!(NetworkEvent::read(event), Some(Ok(NetworkEvent::CallsLogged {
                        session, sequence, ..
                    })) if (session.0, sequence) == (batch.session, batch.sequence))
                };
                matches!(claim, Claim::Result(claim) if claim.result.events().iter().any(logged))
            }
            (_, _, Some(record)) => {
                matches!(claim, Claim::Value(value) if value.key[..] == *record.key().as_bytes())
            }
            (None, None, None) => true,
        };
        if expected {
            return Ok(());
        }
        Err(ClientError::ProvesOther {
            path: self.bundle.clone(),
            proven: named(claim),
        })
    }
}

/// What is proven, in a few words.
fn named(claim: &Claim) -> String {
    match claim {
        Claim::Block => "a block".into(),
        Claim::Value(value) => match RecordName::of_key(&value.key) {
            Some(name) => format!("the record {name}"),
            None => format!("the state key {}", hex::encode(&value.key)),
        },
        Claim::Result(claim) => match &claim.result {
            BlockResult::Tx(tx) => format!("transaction {}", hex::encode(tx.tx_id.0.0)),
            BlockResult::Block { height, .. } => format!("what block {height} did by itself"),
        },
        Claim::Values(values) => format!("{} records", values.len()),
    }
}

fn print(genesis: &Genesis, evidence: &Evidence) {
    let header = &evidence.block.header;
    println!("proven    {}", named(&evidence.claim));
    match &evidence.claim {
        Claim::Block => {}
        Claim::Value(value) => print_value(value),
        Claim::Result(claim) => print_result(claim),
        Claim::Values(values) => values.iter().for_each(print_value),
    }
    println!(
        "block     {} of {}",
        header.height.get(),
        moment(header.time_ms)
    );
    println!("hash      {}", hex::encode(header.hash()));
    println!("state     {}", hex::encode(header.state.root.as_ref()));
    println!(
        "signed    by a quorum of the validators of epoch {}, who follow from the genesis by {} hand-overs",
        header.epoch().get(),
        evidence.handovers.len()
    );
    println!(
        "chain     {}, {}",
        genesis.name.as_str(),
        genesis.chain_id()
    );
}

fn print_value(value: &ValueProof) {
    match fields(value) {
        Some(fields) => {
            for (field, text) in fields {
                println!("          {field}: {text}");
            }
        }
        None => println!("          {}", hex::encode(&value.value)),
    }
}

/// What the value says, where this version knows such records.
fn fields(value: &ValueProof) -> Option<Vec<(&'static str, String)>> {
    RecordName::of_key(&value.key)?.fields(&value.value).ok()
}

fn print_result(claim: &ResultClaim) {
    if let BlockResult::Tx(tx) = &claim.result {
        println!("outcome   {}", outcome(tx));
    }
    for event in claim.result.events() {
        println!("event     {}", event_as_json(event));
    }
}

fn outcome(tx: &TxResult) -> String {
    match tx.outcome {
        Outcome::Applied => "applied".into(),
        Outcome::Rejected(reject) => format!("refused: {reject}"),
    }
}

/// An event with its name and fields; its bytes where this version does not know it.
fn event_as_json(event: &Event) -> Value {
    match NetworkEvent::read(event) {
        Some(Ok(event)) => serde_json::to_value(event).unwrap_or_default(),
        _ => json!({ "module": event.module.to_string(), "body": hex::encode(&*event.body) }),
    }
}

fn as_json(genesis: &Genesis, evidence: &Evidence) -> Value {
    let header = &evidence.block.header;
    let mut object = json!({
        "verified": true,
        "proven": named(&evidence.claim),
        "chain_id": genesis.chain_id().to_string(),
        "network": genesis.name.as_str(),
        "height": header.height.get(),
        "time_ms": header.time_ms,
        "epoch": header.epoch().get(),
        "block_hash": hex::encode(header.hash()),
        "state_root": hex::encode(header.state.root.as_ref()),
        "handovers": evidence.handovers.len(),
    });
    match &evidence.claim {
        Claim::Block => {}
        Claim::Value(value) => {
            object["record"] = RecordName::of_key(&value.key)
                .map(|name| name.to_string())
                .into();
            object["fields"] = fields(value)
                .into_iter()
                .flatten()
                .map(|(field, text)| (field.to_owned(), Value::from(text)))
                .collect();
            object["key"] = hex::encode(&value.key).into();
            object["value"] = hex::encode(&value.value).into();
        }
        Claim::Result(claim) => {
            if let BlockResult::Tx(tx) = &claim.result {
                object["tx_id"] = hex::encode(tx.tx_id.0.0).into();
                object["applied"] = (tx.outcome == Outcome::Applied).into();
                object["outcome"] = outcome(tx).into();
            }
            object["events"] = claim.result.events().iter().map(event_as_json).collect();
        }
        Claim::Values(values) => {
            let record = |value: &ValueProof| json!({ "key": hex::encode(&value.key), "value": hex::encode(&value.value) });
            object["records"] = values.iter().map(record).collect();
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::LedgerKeys;
    use crate::card::{Card, CardRole};
    use crate::exit::Exit;
    use tacit_circuits::quota::QuotaKey;
    use tacit_finality::testing;
    use tacit_ledger::kernel::LedgerKey;
    use tacit_ledger::kernel::{Digest, Reject, TxId, codec};
    use tacit_ledger::network::{GenesisMember, NetworkGenesis, Parameters};

    const SEEDS: [u64; 4] = [1, 2, 3, 4];

    /// A genesis whose validators are those of `seeds`.
    fn genesis(seeds: &[u64]) -> Genesis {
        let member = |seed: &u64| {
            let quota_key = QuotaKey::derive(&[*seed as u8; 32], 0);
            let ledger_key = LedgerKey([*seed as u8; 32]);
            let keys = LedgerKeys::new(ledger_key, &quota_key, &mut rand_core::OsRng);
            let card = Card {
                name: format!("bank {seed}"),
                group: format!("bank {seed}"),
                role: CardRole::Member,
                validator: true,
                ledger_key: keys.ledger_key,
                quota_key: keys.quota_key,
                quota_key_proof: keys.quota_key_proof,
                consensus_key: hex::encode(testing::validator_key(*seed)),
                certificate_spki_sha256: hex::encode([*seed as u8; 32]),
                frontend_address: "bank.example:7102".into(),
                p2p_address: "bank.example:7101".into(),
            };
            GenesisMember {
                candidate: card.candidate().unwrap(),
                validator: true,
            }
        };
        let members: Vec<_> = seeds.iter().map(member).collect();
        let network = NetworkGenesis {
            parameters: Parameters::default(),
            categories: Vec::new().try_into().unwrap(),
            members: members.try_into().unwrap(),
        };
        network.into_genesis("north-region", 1, 480).unwrap()
    }

    fn results() -> Vec<BlockResult> {
        let tx = |number: u8, outcome| {
            BlockResult::Tx(TxResult {
                tx_id: TxId(Digest([number; 32])),
                outcome,
                events: Vec::new().try_into().unwrap(),
            })
        };
        vec![
            tx(1, Outcome::Applied),
            tx(2, Outcome::Rejected(Reject::EXPIRED)),
        ]
    }

    struct Fixture {
        folder: tempfile::TempDir,
        bundle: Vec<u8>,
    }

    impl Fixture {
        /// A genesis, and a bundle that proves its second transaction.
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let genesis = genesis(&SEEDS);
            std::fs::write(folder.path().join("genesis.bin"), codec::encode(&genesis)).unwrap();
            let chain_id = genesis.chain_id().0;
            let evidence = testing::evidence(&chain_id, &SEEDS, &results(), Some(1));
            Self {
                folder,
                bundle: evidence.to_bytes(),
            }
        }

        fn verify(&self, bundle: &[u8], tx: Option<[u8; 32]>) -> Result<(), ClientError> {
            let path = |name: &str| self.folder.path().join(name);
            std::fs::write(path("batch.proof"), bundle).unwrap();
            let verify = Verify {
                bundle: path("batch.proof"),
                genesis: path("genesis.bin"),
                tx: tx.map(hex::encode),
                batch: None,
                record: None,
            };
            verify.run(Format::Json)
        }
    }

    #[test]
    fn a_bundle_verifies_with_nothing_but_the_genesis() {
        let fixture = Fixture::new();
        fixture.verify(&fixture.bundle, None).unwrap();
        fixture.verify(&fixture.bundle, Some([2; 32])).unwrap();
    }

    #[test]
    fn every_altered_byte_is_refused_and_what_is_wrong_is_named() {
        let fixture = Fixture::new();
        for place in (0..fixture.bundle.len()).step_by(7) {
            let mut altered = fixture.bundle.clone();
            altered[place] ^= 1;
            let error = fixture.verify(&altered, None).unwrap_err();
            assert_eq!(error.exit(), Exit::CouldNotRun, "byte {place}");
            let words = error.to_string();
            assert!(words.contains("is not proven"), "{words}");
        }
        let cut = &fixture.bundle[..fixture.bundle.len() / 2];
        let words = fixture.verify(cut, None).unwrap_err().to_string();
        assert!(words.contains("does not decode"), "{words}");
    }

    #[test]
    fn a_changed_outcome_is_named_as_what_does_not_lead_to_the_root() {
        let fixture = Fixture::new();
        let mut evidence = Evidence::from_bytes(&fixture.bundle).unwrap();
        if let Claim::Result(claim) = &mut evidence.claim
            && let BlockResult::Tx(tx) = &mut claim.result
        {
            tx.outcome = Outcome::Applied;
        }
        let error = fixture.verify(&evidence.to_bytes(), None).unwrap_err();
        assert!(error.to_string().contains("the result"), "{error}");
    }

    #[test]
    fn a_bundle_of_another_network_is_refused() {
        let fixture = Fixture::new();
        let chain_id = genesis(&SEEDS).chain_id().0;
        let strangers = testing::evidence(&chain_id, &[5, 6, 7, 8], &results(), Some(1));
        let error = fixture.verify(&strangers.to_bytes(), None).unwrap_err();
        assert!(
            error.to_string().contains("not signed by a quorum"),
            "{error}"
        );
        let foreign = testing::evidence(&[9; 32], &SEEDS, &results(), Some(1));
        let error = fixture.verify(&foreign.to_bytes(), None).unwrap_err();
        assert!(
            error.to_string().contains("not signed by a quorum"),
            "{error}"
        );
    }

    #[test]
    fn a_bundle_that_proves_something_else_is_refused() {
        let fixture = Fixture::new();
        let error = fixture.verify(&fixture.bundle, Some([1; 32])).unwrap_err();
        assert_eq!(error.exit(), Exit::CouldNotRun);
        assert!(error.to_string().contains(&hex::encode([2; 32])), "{error}");
    }

    #[test]
    fn a_file_that_is_no_genesis_is_a_usage_error() {
        let fixture = Fixture::new();
        std::fs::write(fixture.folder.path().join("genesis.bin"), "no").unwrap();
        let error = fixture.verify(&fixture.bundle, None).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.to_string().contains("is not a genesis"), "{error}");
    }
}
