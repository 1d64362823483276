//! `tacit quota change-key`

use futures::StreamExt as _;
use serde_json::json;
use tacit_proto::operator::ChangeQuotaKeyRequest;
use tacit_proto::operator::change_quota_key_response::Step;

use crate::Context;
use crate::error::ClientError;
use crate::exit::Exit;
use crate::output::{Format, print_json};

/// Changes the key, and says what is waited for.
pub(super) async fn change(context: &Context) -> Result<Exit, ClientError> {
    let mut node = context.node().await?;
    let mut steps = node
        .change_quota_key(ChangeQuotaKeyRequest {})
        .await?
        .into_inner();
    let mut told = None;
    while let Some(step) = steps.next().await {
        match step?.step {
            Some(Step::Waiting(waiting)) if context.format() == Format::Text => {
                let now = (waiting.own_sessions, waiting.served_sessions);
                // Said again only when it is another.
                if told.replace(now) != Some(now) {
                    eprintln!(
                        "waiting for {} own sessions, until height {} at the latest, and {} with own lists",
                        waiting.own_sessions, waiting.until_height, waiting.served_sessions
                    );
                }
            }
            Some(Step::Changed(changed)) => {
                match context.format() {
                    Format::Json => print_json(&json!({
                        "height": changed.height,
                        "tx_id": hex::encode(&changed.tx_id),
                        "key": hex::encode(&changed.key),
                        "generation": changed.generation,
                    }))?,
                    Format::Text => println!(
                        "sealed to key {} of this member, final at height {}, transaction {}",
                        changed.generation + 1,
                        changed.height,
                        hex::encode(&changed.tx_id)
                    ),
                }
                return Ok(Exit::Clear);
            }
            Some(Step::Waiting(_)) | None => {}
        }
    }
    Err(ClientError::Unexpected("the end of a change of key"))
}
