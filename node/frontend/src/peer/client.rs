//! Asks another member.

use std::time::Duration;

use tacit_circuits::curve::WirePoint;
use tacit_circuits::oprf::DleqProof;
use tacit_ledger::kernel::{BoundedVec, codec};
use tacit_ledger::network::request::MAX_CALLS;
use tacit_proto::peer as wire;
use tacit_proto::peer::peer_client::PeerClient;
use tokio::time::timeout;
use tonic::transport::Channel;

use super::error::{PeerError, PeerMisbehaved, Refusal};

/// Longest answer that is read: 1,000 points of 64 bytes, a proof, and the framing; or a refusal.
const MAX_ANSWER_BYTES: usize = 72 * 1024;

/// What a provider answers: `Z` for each call, and the proof over the batch. Not verified yet.
pub(crate) type Evaluated = (BoundedVec<WirePoint, MAX_CALLS>, DleqProof);

/// Sends an encoded signed request and reads the answer.
pub(crate) async fn evaluate(
    channel: Channel,
    signed_request: Vec<u8>,
    opened_height: u64,
    within: Duration,
) -> Result<Evaluated, PeerError> {
    let mut client = PeerClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES);
    let request = wire::EvaluateRequest {
        signed_request,
        opened_height,
    };
    let answer = timeout(within, client.evaluate(request)).await;
    let timeout_ms = within.as_millis() as u64;
    let response = answer
        .map_err(|_| PeerError::TimedOut { timeout_ms })??
        .into_inner();
    match response.outcome {
        Some(wire::evaluate_response::Outcome::Evaluation(bytes)) => {
            codec::decode(&bytes).map_err(|_| PeerMisbehaved::MalformedAnswer.into())
        }
        Some(wire::evaluate_response::Outcome::Refusal(refusal)) => {
            Err(Refusal::from_wire(refusal).into())
        }
        None => Err(PeerMisbehaved::MalformedAnswer.into()),
    }
}
