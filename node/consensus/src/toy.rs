#![allow(missing_docs, unreachable_pub)]
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeMap;
pub const MAX_ENVELOPE_BYTES: usize = 192 * 1024 + 256;
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct MemberId(pub u32);
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainId(pub [u8; 32]);
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Digest(pub [u8; 32]);
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct TxId(pub Digest);
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateKey(pub Vec<u8>);
impl StateKey {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
#[derive(Clone, Debug)]
pub struct Missing(Vec<StateKey>);
impl Missing {
    pub fn one(k: StateKey) -> Self {
        Self(vec![k])
    }
    pub fn into_keys(self) -> Vec<StateKey> {
        self.0
    }
}
pub trait StateView {
    fn get(&self, key: &StateKey) -> Result<Option<Vec<u8>>, Missing>;
}
pub type Writes = BTreeMap<StateKey, Option<Vec<u8>>>;
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Envelope {
    pub sender: MemberId,
    pub sequence: u64,
    pub expiry_height: u64,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
}
impl Envelope {
    pub fn from_bytes(b: &[u8]) -> Result<Self, std::io::Error> {
        borsh::from_slice(b)
    }
    pub fn to_bytes(&self) -> Vec<u8> {
        borsh::to_vec(self).unwrap()
    }
    pub fn tx_id(&self) -> TxId {
        TxId(Digest(*blake3::hash(&self.to_bytes()).as_bytes()))
    }
}
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Reject(pub u16);
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Outcome {
    Applied,
    Rejected(Reject),
}
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TxResult {
    pub tx_id: TxId,
    pub outcome: Outcome,
    pub events: Vec<Vec<u8>>,
}
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum BlockResult {
    Block { height: u64, events: Vec<Vec<u8>> },
    Tx(TxResult),
}
pub fn results_root(r: &[BlockResult]) -> Digest {
    Digest(*blake3::hash(&borsh::to_vec(r).unwrap()).as_bytes())
}
#[derive(Clone, Copy, Debug)]
pub struct BlockContext {
    pub chain_id: ChainId,
    pub height: u64,
    pub time_ms: u64,
}
#[derive(Clone, Debug)]
pub struct Machine;
pub struct BlockRun {
    supplied: BTreeMap<StateKey, Option<Vec<u8>>>,
    writes: Writes,
    results: Vec<BlockResult>,
    height: u64,
}
pub struct Execution {
    pub writes: Writes,
    pub results: Vec<BlockResult>,
}
fn seq_key(m: MemberId) -> StateKey {
    StateKey([b"s", &m.0.to_be_bytes()[..]].concat())
}
impl Machine {
    pub fn genesis(&self) -> Writes {
        [(StateKey(b"genesis".to_vec()), Some(b"yes".to_vec()))].into()
    }
    pub fn check_stateless(&self, e: &[Envelope]) -> Vec<Result<(), Reject>> {
        e.iter()
            .map(|e| {
                if e.value.is_empty() {
                    Err(Reject(1))
                } else {
                    Ok(())
                }
            })
            .collect()
    }
    pub fn begin(&self, c: BlockContext) -> BlockRun {
        BlockRun {
            supplied: BTreeMap::new(),
            writes: Writes::new(),
            results: vec![],
            height: c.height,
        }
    }
}
impl BlockRun {
    pub fn supply(&mut self, k: StateKey, v: Option<Vec<u8>>) {
        self.supplied.entry(k).or_insert(v);
    }
    pub fn prefetch(&self, e: &Envelope) -> Vec<StateKey> {
        vec![seq_key(e.sender)]
    }
    fn get(&self, k: &StateKey) -> Result<Option<Vec<u8>>, Missing> {
        self.writes
            .get(k)
            .or_else(|| self.supplied.get(k))
            .cloned()
            .ok_or_else(|| Missing(vec![k.clone()]))
    }
    pub fn open(&mut self) -> Result<(), Missing> {
        let k = StateKey(b"height".to_vec());
        let h = self
            .get(&k)?
            .map_or(0, |v| u64::from_be_bytes(v.try_into().unwrap()));
        assert_eq!(h + 1, self.height);
        self.writes
            .insert(k, Some(self.height.to_be_bytes().to_vec()));
        Ok(())
    }
    pub fn apply(&mut self, e: &Envelope) -> Result<Outcome, Missing> {
        let sk = seq_key(e.sender);
        let next = self
            .get(&sk)?
            .map_or(0, |v| u64::from_be_bytes(v.try_into().unwrap()));
        if e.sequence < next {
            return Ok(Outcome::Rejected(Reject(24)));
        }
        if e.sequence > next {
            return Ok(Outcome::Rejected(Reject(25)));
        }
        let k = StateKey([b"k", &e.key[..]].concat());
        self.get(&k)?;
        self.writes
            .insert(sk, Some((next + 1).to_be_bytes().to_vec()));
        self.writes.insert(k, Some(e.value.clone()));
        self.results.push(BlockResult::Tx(TxResult {
            tx_id: e.tx_id(),
            outcome: Outcome::Applied,
            events: vec![e.key.clone()],
        }));
        Ok(Outcome::Applied)
    }
    pub fn close(&mut self) -> Result<Execution, Missing> {
        Ok(Execution {
            writes: std::mem::take(&mut self.writes),
            results: std::mem::take(&mut self.results),
        })
    }
}
