//! Lists, calls and a log, as a querier and an owner meet them.

use std::path::Path;
use std::sync::LazyLock;

use rand::{Rng, RngCore};
use rand_chacha::ChaCha20Rng;
use tacit_circuits::curve::{Field, Point, decode_field};
use tacit_circuits::identifier::IdentifierType;
use tacit_circuits::list::{IndexedTree, MembershipPath, Tag, VersionId};
use tacit_circuits::log::{LogTree, log_leaf};
use tacit_circuits::oprf::{
    Blind, Entry, EvaluationContext, Input, ListKey, blind, blind_entries, evaluate, tag_batch,
};
use tacit_circuits::receipt::{
    CacheDigest, CommitmentSecret, ContextHash, Prover, ProvingKey, Purpose, Witness,
    development_keys,
};
use tacit_circuits::scope::{ListId, ListVersion, MemberId, Scope, TagEpoch};

use crate::common::rng;

/// What the tests prove with. The set-up takes a while, so that a cache of it outlives a test; which
/// bytes are the right ones is pinned.
pub(crate) static PROVER: LazyLock<Prover> = LazyLock::new(|| {
    let pinned: serde_json::Value =
        serde_json::from_str(include_str!("../../src/receipt/fingerprint.json")).unwrap();
    let digest = pinned["development_cache"].as_str().unwrap_or_default();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("receipt-keys-{digest}"));
    let cached = hex::decode(digest).ok().and_then(|digest| {
        let digest = CacheDigest(digest.try_into().ok()?);
        ProvingKey::from_cache(&std::fs::read(&file).ok()?, &digest).ok()
    });
    Prover::new(cached.unwrap_or_else(|| {
        let key = development_keys();
        // Renamed into its place whole, since other tests look for it at the same time.
        let written = file.with_extension(std::process::id().to_string());
        std::fs::write(&written, key.to_cache().0).unwrap();
        std::fs::rename(written, file).unwrap();
        key
    }))
});

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

/// One list of one owner, and a log.
pub(crate) struct World {
    pub(crate) key: ListKey,
    pub(crate) scope: Scope,
    pub(crate) entries: Vec<Entry>,
    pub(crate) tree: IndexedTree,
    pub(crate) log: LogTree,
    pub(crate) rng: ChaCha20Rng,
}

impl World {
    /// A list with so many identifiers and as many entries of padding.
    pub(crate) fn new(seed: u64, identifiers: usize) -> Self {
        let mut rng = rng(seed);
        let key = ListKey::generate(&mut rng);
        let scope = Scope {
            list: ListId(rng.next_u32()),
            tag_epoch: TagEpoch(rng.next_u32()),
            querier: MemberId(rng.next_u32()),
        };
        let mut entries: Vec<Entry> = (0..identifiers)
            .map(|n| {
                let kind = IdentifierType::ALL[n % IdentifierType::ALL.len()];
                Entry::identifier(kind, any_field(&mut rng))
            })
            .collect();
        entries.extend((0..identifiers).map(|_| Entry::padding(&mut rng)));
        let tree = IndexedTree::build(version(&scope), tags(&key, &scope, &entries)).unwrap();
        let others = (0..rng.gen_range(0..20))
            .map(|_| any_field(&mut rng))
            .collect();
        Self {
            key,
            scope,
            entries,
            tree,
            log: LogTree::new(others).unwrap(),
            rng,
        }
    }

    pub(crate) fn tag(&self, entry: &Entry) -> Tag {
        tags(&self.key, &self.scope, &[*entry])[0]
    }

    pub(crate) fn path(&self, entry: &Entry) -> MembershipPath {
        self.tree.path(self.tag(entry))
    }

    /// Calls about an identifier, logs the call, and makes a receipt's witness of it.
    pub(crate) fn ask(&mut self, kind: IdentifierType, x: Field) -> Witness {
        let input = Input {
            kind,
            x,
            list: self.scope.list,
            tag_epoch: self.scope.tag_epoch,
        };
        let (states, blinded) = blind(&[input], &mut self.rng).unwrap();
        let blind = states[0].blind().clone();
        self.witness(
            Entry::identifier(kind, x),
            blind,
            blinded[0],
            Purpose::Answer,
        )
    }

    /// Calls about the identifier of one of the list's entries.
    pub(crate) fn ask_listed(&mut self, index: usize) -> Witness {
        let bytes = self.entries[index].to_secret_bytes();
        let kind = u16::from_le_bytes([bytes[0], bytes[1]]);
        let x = decode_field(bytes[2..].try_into().unwrap()).unwrap();
        self.ask(IdentifierType::from_code(kind).unwrap(), x)
    }

    /// Calls about a subject that is on no list.
    pub(crate) fn ask_stranger(&mut self) -> Witness {
        let kind = IdentifierType::ALL[self.rng.gen_range(0..IdentifierType::ALL.len())];
        let x = any_field(&mut self.rng);
        self.ask(kind, x)
    }

    /// The owner calls about one of its own entries, padding or not, and makes the witness of a sample.
    pub(crate) fn sample(&mut self, index: usize) -> Witness {
        let entry = self.entries[index];
        let (list, epoch) = (self.scope.list, self.scope.tag_epoch);
        let (states, blinded) = blind_entries(&[entry], list, epoch, &mut self.rng).unwrap();
        let blind = states[0].blind().clone();
        self.witness(entry, blind, blinded[0], Purpose::SampledEntry)
    }

    fn witness(
        &mut self,
        subject: Entry,
        blind: Blind,
        blinded: Point,
        purpose: Purpose,
    ) -> Witness {
        let evaluated = self.evaluate(&blinded);
        let slot = self
            .log
            .append(&[log_leaf(&self.scope, &blinded, &evaluated)])
            .unwrap();
        let mut context = [0; 32];
        self.rng.fill_bytes(&mut context);
        Witness {
            subject,
            secret: CommitmentSecret::random(&mut self.rng),
            blind,
            blinded,
            evaluated,
            scope: self.scope,
            log_root: self.log.root(),
            log_path: self.log.path(slot).unwrap(),
            list_root: self.tree.root(),
            list_path: self.path(&subject),
            context: ContextHash(context),
            purpose,
        }
    }

    /// `k·B`.
    pub(crate) fn evaluate(&mut self, blinded: &Point) -> Point {
        let context = EvaluationContext {
            chain_id: [9; 32],
            session: 1,
            sequence: 1,
            list: self.scope.list,
            tag_epoch: self.scope.tag_epoch,
        };
        evaluate(&self.key, &context, &[*blinded], &mut self.rng)
            .unwrap()
            .0[0]
    }
}

pub(crate) fn any_field(rng: &mut ChaCha20Rng) -> Field {
    use ark_ff::UniformRand;
    Field::rand(rng)
}

pub(crate) fn version(scope: &Scope) -> VersionId {
    VersionId {
        list: scope.list,
        tag_epoch: scope.tag_epoch,
        version: ListVersion(1),
    }
}

pub(crate) fn tags(key: &ListKey, scope: &Scope, entries: &[Entry]) -> Vec<Tag> {
    tag_batch(key, entries, scope.list, scope.tag_epoch, &|_| {}).unwrap()
}
