//! A front end that stops at a named point.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tacit_frontend::crash::{CrashHook, CrashPoint, CrashPoints};

/// Lets whoever reaches the point wait for ever, so that the test can drop the front end there.
#[derive(Clone)]
pub struct HaltAt {
    pub point: CrashPoint,
    pub reached: Arc<tokio::sync::Notify>,
}

impl HaltAt {
    pub fn new(point: CrashPoint) -> Self {
        Self {
            point,
            reached: Arc::default(),
        }
    }

    pub fn points(&self) -> CrashPoints {
        CrashPoints::with(self.clone())
    }

    pub async fn wait(&self) {
        tokio::time::timeout(Duration::from_secs(20), self.reached.notified())
            .await
            .unwrap_or_else(|_| panic!("{} is reached", self.point));
    }
}

#[async_trait]
impl CrashHook for HaltAt {
    async fn reach(&self, point: CrashPoint) {
        if point == self.point {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
    }
}
