//! What must hold of every simulated network.

use crate::{harness::NodeState, load::Witness};
use commonware_glue::simulate::{property::Property, tracker::ProgressTracker};
use std::{collections::BTreeMap, future::Future, pin::Pin};
use tacit_consensus::LedgerError;
use tacit_finality::ConsensusKey;

/// One chain, one state root at each height, the same results; and every transaction that a client
/// was told is final stands at the height it was told, on every node that keeps that height.
#[derive(Clone)]
pub struct OneLedger {
    pub witness: Witness,
}

impl Property<ConsensusKey, NodeState> for OneLedger {
    fn name(&self) -> &str {
        "one ledger"
    }

    fn check<'a>(
        &'a self,
        _: &'a ProgressTracker<ConsensusKey>,
        nodes: &'a [&'a NodeState],
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>> {
        Box::pin(async move {
            let mut chain = BTreeMap::new();
            for (index, node) in nodes.iter().enumerate() {
                let mut oldest = 1;
                let mut height = 1;
                while height <= node.handle.height() {
                    let block = match node.handle.block(height).await {
                        Ok(block) => block,
                        // What was pruned is not lost, and pruning goes on while this looks.
                        Err(LedgerError::Pruned { oldest: kept, .. }) if kept > height => {
                            (oldest, height) = (kept, kept);
                            continue;
                        }
                        Err(error) => {
                            return Err(format!("node {index} lost block {height}: {error}"));
                        }
                    };
                    let facts = (block.header, block.results);
                    let agreed = chain.entry(height).or_insert_with(|| facts.clone());
                    if *agreed != facts {
                        return Err(format!("node {index} has another block at height {height}"));
                    }
                    height += 1;
                }
                for (id, height) in self.witness.promised() {
                    if height < oldest || height > node.handle.height() {
                        continue;
                    }
                    let found = node
                        .handle
                        .transaction(id)
                        .await
                        .map_err(|e| e.to_string())?;
                    if found.map(|found| found.height) != Some(height) {
                        return Err(format!(
                            "node {index} lost transaction {id:?} of block {height}"
                        ));
                    }
                }
            }
            println!(
                "  agreed on {} blocks, {} promises, {} nodes",
                chain.len(),
                self.witness.promised().len(),
                nodes.len()
            );
            Ok(())
        })
    }
}
