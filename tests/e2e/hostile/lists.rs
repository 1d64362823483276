//! Lists of dogwood's own making.

use rand_core::OsRng;
use tacit_circuits::curve::encode_field;
use tacit_circuits::identifier::{Conventions, IdentifierType, normalize};
use tacit_circuits::list::{IndexedTree, SizeClass, Tag, VersionId};
use tacit_circuits::oprf::{Entry, Input, KeyContext, KeyProof, ListKey, tag_batch};
use tacit_circuits::scope::{ListId, ListVersion, TagEpoch};
use tacit_frontend::ports::Ledger as _;
use tacit_ledger::kernel::Text;
use tacit_ledger::network::parameters::CategoryId;
use tacit_ledger::network::{Action, Event, Root};

use super::{Dogwood, bounded};

/// The category of the tests' lists: transaction fraud.
const CATEGORY: CategoryId = CategoryId(1);

/// Entries of the smallest list, padding included.
const ENTRIES: usize = 1_024;

/// Bytes of a part of a snapshot, as honest owners cut it.
const PART_BYTES: usize = 64 * 1024;

/// A list whose key is registered, and of which nothing is published yet.
pub(super) struct DraftList {
    pub(super) id: VersionId,
    pub(super) key: ListKey,
}

impl DraftList {
    /// Creates a list and registers the key of its first epoch.
    pub(super) fn create(dogwood: &Dogwood, name: &str) -> Self {
        let created = dogwood.submit(Action::CreateList {
            category: CATEGORY,
            name: Text::new(name).expect("a name"),
            accepts: bounded(vec![IdentifierType::Phone]),
        });
        let events = created.expect("created").events;
        let Some(Event::ListCreated { list, .. }) = events.first() else {
            panic!("{events:?}")
        };
        let (list, tag_epoch) = (*list, TagEpoch(0));
        let key = ListKey::generate(&mut OsRng);
        let context = KeyContext {
            chain_id: dogwood.ledger.chain_id().0,
            member: dogwood.ledger.member_id(),
            list,
            tag_epoch,
        };
        let registered = dogwood.submit(Action::RegisterTagEpoch {
            list,
            tag_epoch,
            key: key.public().to_wire(),
            proof: KeyProof::prove(&key, &context, &mut OsRng),
        });
        registered.expect("registered");
        let id = VersionId {
            list,
            tag_epoch,
            version: ListVersion(0),
        };
        Self { id, key }
    }

    /// The tree of these phone numbers, padded.
    pub(super) fn tree(&self, phones: &[String]) -> IndexedTree {
        let tags = tags(&self.key, self.id, phones, ENTRIES);
        IndexedTree::build(self.id, tags).expect("a tree")
    }

    /// Publishes the root of a tree.
    pub(super) fn publish(&self, dogwood: &Dogwood, tree: &IndexedTree) {
        let published = dogwood.submit(Action::Publish {
            publication: self.id,
            root: Root(encode_field(&tree.root())),
            size_class: SizeClass::filled_by(ENTRIES as u64).expect("a class"),
            evidence_root: Root([0; 32]),
        });
        published.expect("published");
    }

    pub(super) fn list(&self) -> ListId {
        self.id.list
    }
}

/// A mobile number as a list is asked about it.
pub(crate) fn input(phone: &str, list: ListId, tag_epoch: TagEpoch) -> Input {
    let (kind, spelling) = (IdentifierType::Phone, format!("+86{phone}"));
    let identifier = normalize(kind, &spelling, &Conventions::default());
    Input {
        kind,
        x: identifier.expect("a number").field(),
        list,
        tag_epoch,
    }
}

/// The tags of mobile numbers, and of padding up to so many entries, under a key.
pub(crate) fn tags(key: &ListKey, id: VersionId, phones: &[String], entries: usize) -> Vec<Tag> {
    let VersionId {
        list, tag_epoch, ..
    } = id;
    let entry = |phone: &String| {
        let input = input(phone, list, tag_epoch);
        Entry::identifier(input.kind, input.x)
    };
    let mut listed: Vec<Entry> = phones.iter().map(entry).collect();
    listed.resize_with(entries, || Entry::padding(&mut OsRng));
    tag_batch(key, &listed, list, tag_epoch, &|_| {}).expect("tags")
}

/// The snapshot of a tree in parts.
pub(super) fn parts(tree: &IndexedTree) -> Vec<Vec<u8>> {
    let bytes = tree.snapshot().to_bytes();
    bytes.chunks(PART_BYTES).map(<[u8]>::to_vec).collect()
}
