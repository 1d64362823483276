//! What a node needs to be told.

use crate::pacing::Pacing;
use std::{num::NonZeroU64, time::Duration};

/// How long the parts of consensus wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How often blocks are made.
    pub pacing: Pacing,
    /// How long a view waits for its leader's block. Must exceed the heartbeat, which a leader may
    /// wait, by a network round trip.
    pub leader_timeout: Duration,
}

impl Default for Timing {
    /// Up to 20 blocks a second under load, 4 when idle; a silent leader costs half a second.
    fn default() -> Self {
        Self {
            pacing: Pacing {
                min_interval: Duration::from_millis(50),
                heartbeat: Duration::from_millis(250),
            },
            leader_timeout: Duration::from_millis(600),
        }
    }
}

/// How much history a node keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Blocks, certificates and results behind the newest finalized block; `None` keeps all.
    pub blocks: Option<NonZeroU64>,
}
