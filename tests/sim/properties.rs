//! What must hold of every simulated network.

use crate::{harness::NodeState, load::Witness, wallet};
use commonware_glue::simulate::{
    exit::ExitCondition, property::Property, tracker::ProgressTracker,
};
use std::{collections::BTreeMap, future::Future, pin::Pin};
use tacit_consensus::LedgerError;
use tacit_finality::{ConsensusKey, Digest, Header};
use tacit_ledger::kernel::BlockResult;

type Check<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// One chain, one state root at each height, the same results; and every transaction that a client
/// was told is final stands at the height it was told, on every node that keeps that height.
#[derive(Clone)]
pub(crate) struct OneLedger {
    /// What clients were told.
    pub(crate) witness: Witness,
    /// Nodes that may lack old blocks, because they joined late or prune.
    pub(crate) may_lack_history: bool,
}

impl Property<ConsensusKey, NodeState> for OneLedger {
    fn name(&self) -> &str {
        "one ledger"
    }

    fn check<'a>(
        &'a self,
        _: &'a ProgressTracker<ConsensusKey>,
        nodes: &'a [&'a NodeState],
    ) -> Check<'a, ()> {
        Box::pin(async move {
            let promised = self.witness.promised();
            let mut chain = Chain::default();
            for node in nodes {
                let oldest = self.compare(node, &mut chain).await?;
                let newest = node.handle.height();
                for (id, height) in &promised {
                    if *height < oldest || *height > newest {
                        continue;
                    }
                    let found = node
                        .handle
                        .transaction(*id)
                        .await
                        .map_err(|e| e.to_string())?;
                    let found = found.map(|found| found.height);
                    if found != Some(*height) {
                        return Err(format!(
                            "node {} holds transaction {id} at {found:?}, promised at {height}",
                            node.index
                        ));
                    }
                }
            }
            Ok(())
        })
    }
}

/// The blocks that nodes agreed on so far.
type Chain = BTreeMap<u64, (Header, Vec<BlockResult>)>;

impl OneLedger {
    /// Compares a node's blocks with those of the others, and returns the oldest that it keeps.
    async fn compare(&self, node: &NodeState, chain: &mut Chain) -> Result<u64, String> {
        let index = node.index;
        let (mut oldest, mut height) = (1, 1);
        let mut parent: Option<Digest> = None;
        while height <= node.handle.height() {
            let block = match node.handle.block(height).await {
                Ok(block) => block,
                // What was pruned is not lost, and pruning goes on while this looks.
                Err(LedgerError::Pruned { oldest: kept, .. })
                    if self.may_lack_history && kept > height =>
                {
                    (oldest, height, parent) = (kept, kept, None);
                    continue;
                }
                Err(error) => return Err(format!("node {index} lost block {height}: {error}")),
            };
            if parent.is_some_and(|parent| parent != block.header.parent) {
                return Err(format!(
                    "node {index}: block {height} is no child of the one before"
                ));
            }
            parent = Some(commonware_cryptography::Digestible::digest(&block.header));
            let facts = (block.header, block.results);
            let agreed = chain.entry(height).or_insert_with(|| facts.clone());
            if *agreed != facts {
                return Err(format!(
                    "node {index} has another block or results at height {height}"
                ));
            }
            height += 1;
        }
        Ok(oldest)
    }
}

/// All that members hold, opened with their keys, is what was minted and not burnt, and nobody holds less
/// than nothing.
#[derive(Clone)]
pub(crate) struct Books;

impl Property<ConsensusKey, NodeState> for Books {
    fn name(&self) -> &str {
        "books of quota"
    }

    fn check<'a>(
        &'a self,
        _: &'a ProgressTracker<ConsensusKey>,
        nodes: &'a [&'a NodeState],
    ) -> Check<'a, ()> {
        Box::pin(async move {
            for node in nodes {
                let state = node.handle.state();
                let told = state.read(wallet::supply).await;
                let (held, minted) = told.map_err(|error| error.to_string())?;
                if held != Some(minted) {
                    return Err(format!(
                        "members of node {} hold {held:?} of {minted}",
                        node.index
                    ));
                }
            }
            Ok(())
        })
    }
}

/// Ends a run when all nodes but the misbehaving one executed a height.
#[derive(Clone)]
pub(crate) struct Reached {
    pub(crate) height: u64,
    pub(crate) misbehaves: Option<usize>,
}

impl ExitCondition<ConsensusKey, NodeState> for Reached {
    fn name(&self) -> &str {
        "height reached by all honest nodes"
    }

    fn requires_polling(&self) -> bool {
        true
    }

    fn reached<'a>(
        &'a self,
        _: &'a ProgressTracker<ConsensusKey>,
        nodes: &'a [&'a NodeState],
        target_count: usize,
    ) -> Check<'a, bool> {
        Box::pin(async move {
            let honest = |node: &&&NodeState| Some(node.index) != self.misbehaves;
            let there = nodes
                .iter()
                .filter(honest)
                .filter(|node| node.handle.height() >= self.height);
            Ok(there.count() + usize::from(self.misbehaves.is_some()) >= target_count)
        })
    }
}
