//! Looks ahead whether this release knows the rules of the next block.
//!
//! Consensus executes no block whose rules it does not know. The node ends then, and says why: whoever watches
//! the process would only start it again and again.

use std::time::Duration;

use tacit_consensus::{LedgerError, LedgerHandle};
use tacit_ledger::network::{CodeVersions, SUPPORTED_CODE_VERSIONS, read};

/// For how long a node that executes no more still hands out its last blocks: others may be a block behind, and
/// if all ended at once nobody would tell them.
const LAST_BLOCK_PATIENCE: Duration = Duration::from_secs(5);

/// Rules that this release does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "from height {from_height} on, the members voted version {version} of the rules; this release knows {} to {}: \
     install one that knows it",
    SUPPORTED_CODE_VERSIONS.start(),
    SUPPORTED_CODE_VERSIONS.end()
)]
pub struct UnknownRules {
    /// Version that is in force.
    pub version: u32,
    /// The first height that it executes, of those that this node has not executed.
    pub from_height: u64,
}

/// Ends when the next block is one of rules that this release does not know. Says from the vote on that they
/// will come.
pub(super) async fn unknown(handle: LedgerHandle) -> Result<UnknownRules, LedgerError> {
    let mut tip = handle.tip();
    let mut warned = None;
    loop {
        let height = tip.borrow_and_update().height.get();
        let versions = handle.state().read(read::code_versions).await?;
        if let Some(unknown) = unknown_after(&versions, height) {
            if unknown.from_height <= height + 1 {
                tracing::error!(%unknown, "rules.watch: the node stops");
                tokio::time::sleep(LAST_BLOCK_PATIENCE).await;
                return Ok(unknown);
            }
            if warned.replace(unknown) != Some(unknown) {
                tracing::warn!(%unknown, "rules.watch: the node stops before that height");
            }
        }
        metrics::gauge!("tacit_rules_unknown_from_height").set(
            unknown_after(&versions, height).map_or(0.0, |unknown| unknown.from_height as f64),
        );
        if tip.changed().await.is_err() {
            return Err(LedgerError::Stopped);
        }
    }
}

/// The first rules after a height that this release does not know.
fn unknown_after(versions: &CodeVersions, height: u64) -> Option<UnknownRules> {
    let now = UnknownRules {
        version: versions.at(height + 1),
        from_height: height + 1,
    };
    let next = versions.after(height + 1).map(|next| UnknownRules {
        version: next.version,
        from_height: next.from_height,
    });
    let mut both = std::iter::once(now).chain(next);
    both.find(|rules| !SUPPORTED_CODE_VERSIONS.contains(&rules.version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_ledger::network::NextVersion;

    fn voted(current: u32, next: Option<(u32, u64)>) -> CodeVersions {
        let next = next.map(|(version, from_height)| NextVersion {
            version,
            from_height,
        });
        CodeVersions { current, next }
    }

    #[test]
    fn known_rules_are_no_reason_to_stop() {
        assert_eq!(unknown_after(&CodeVersions::default(), 7), None);
    }

    #[test]
    fn unknown_rules_are_told_of_from_the_vote_on_and_stop_before_their_height() {
        let newer = SUPPORTED_CODE_VERSIONS.end() + 1;
        let versions = voted(1, Some((newer, 100)));
        let unknown = UnknownRules {
            version: newer,
            from_height: 100,
        };
        for height in [1, 50, 98, 99] {
            assert_eq!(unknown_after(&versions, height), Some(unknown));
        }
        // A node that comes late: the next block is of those rules already.
        let late = unknown_after(&versions, 120).expect("unknown");
        assert_eq!(late.from_height, 121);
        let said = unknown.to_string();
        assert!(
            said.contains("height 100") && said.contains("install"),
            "{said}"
        );
    }
}
