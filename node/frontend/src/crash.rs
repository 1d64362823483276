//! Named points at which a test can stop a front end as a power cut would.
//!
//! The points lie between the steps that must not be torn apart: answer, local write, finality. In
//! production nothing is attached and a point costs a branch. Tests attach a [`CrashHook`]: in one process
//! it lets the task wait for ever, after which the test drops the front end and starts it anew over the
//! same files; in a real process it aborts.

use std::{fmt, str::FromStr, sync::Arc};

use async_trait::async_trait;

macro_rules! crash_points {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A place between two steps.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum CrashPoint { $($(#[$doc])* $name,)* }

        impl CrashPoint {
            /// Every point.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name under which tests ask for it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

crash_points! {
    /// Provider: evaluated, nothing on the disk.
    BeforeServedWrite = "before-served-write",
    /// Provider: on the disk, not answered.
    BeforeAnswer = "before-answer",
    /// Provider: the batch is on its way to the ledger, nothing noted.
    BeforePost = "before-post",
    /// Provider: final on the ledger, not noted.
    BeforeSettledWrite = "before-settled-write",
    /// Querier: signed, nothing on the disk.
    BeforeAskedWrite = "before-asked-write",
    /// Querier: on the disk, not sent.
    BeforeSend = "before-send",
    /// Querier: answered and verified, answer not on the disk.
    BeforeAnswerWrite = "before-answer-write",
    /// Querier: answer on the disk, not handed over.
    BeforeHandOver = "before-hand-over",
    /// Owner: a version's changes and key are on the disk.
    AfterDraft = "after-draft",
    /// Owner: the list has its number on the ledger, which is not noted.
    AfterListCreated = "after-list-created",
    /// Owner: the snapshot is on the disk.
    AfterBuild = "after-build",
    /// Owner: the key stands on the ledger.
    AfterKeyRegistered = "after-key-registered",
    /// Owner: the publication stands on the ledger, which is not noted.
    AfterPublish = "after-publish",
    /// Owner: its calls about drawn entries are logged, nothing is proven about them.
    AfterSamplesLogged = "after-samples-logged",
    /// Reader: a snapshot is on the disk and verified, not attested.
    BeforeAttest = "before-attest",
}

impl fmt::Display for CrashPoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// There is no crash point of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no crash point {0:?}")]
pub struct UnknownCrashPoint(String);

impl FromStr for CrashPoint {
    type Err = UnknownCrashPoint;

    fn from_str(name: &str) -> Result<Self, UnknownCrashPoint> {
        let found = Self::ALL.iter().find(|point| point.name() == name);
        found
            .copied()
            .ok_or_else(|| UnknownCrashPoint(name.to_owned()))
    }
}

/// What happens when a point is reached.
#[async_trait]
pub trait CrashHook: Send + Sync + 'static {
    /// Called at every point. Whoever stops here does not return.
    async fn reach(&self, point: CrashPoint);
}

/// The hook of a front end, or none.
#[derive(Clone, Default)]
pub struct CrashPoints(Option<Arc<dyn CrashHook>>);

impl CrashPoints {
    /// Attaches a hook.
    pub fn with(hook: impl CrashHook) -> Self {
        Self(Some(Arc::new(hook)))
    }

    /// Aborts the process when the point is reached, without running destructors: as `kill -9` would.
    pub fn aborting_at(point: CrashPoint) -> Self {
        Self::with(AbortAt(point))
    }

    pub(crate) async fn reach(&self, point: CrashPoint) {
        if let Some(hook) = &self.0 {
            hook.reach(point).await;
        }
    }
}

impl fmt::Debug for CrashPoints {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attached = if self.0.is_some() { "attached" } else { "none" };
        write!(formatter, "CrashPoints({attached})")
    }
}

struct AbortAt(CrashPoint);

#[async_trait]
impl CrashHook for AbortAt {
    async fn reach(&self, point: CrashPoint) {
        if point == self.0 {
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crash_point_is_found_by_its_name() {
        for point in CrashPoint::ALL {
            assert_eq!(point.name().parse(), Ok(*point));
        }
        assert!("nowhere".parse::<CrashPoint>().is_err());
    }
}
