//! Takes part in the ledger's beacon while this member validates: commits to a value in each attempt, and
//! reveals it.

use std::sync::Arc;
use std::time::Duration;

use tacit_circuits::scope::MemberId;
use tacit_frontend::ports::{FinalizedBlock, Ledger, LedgerError, read};
use tacit_ledger::kernel::ChainId;
use tacit_ledger::network::record::{Attempt, Beacon, BeaconValue};
use tacit_ledger::network::{Action, Event, read as state};
use tokio::sync::broadcast;
use zeroize::Zeroizing;

/// Derives a member's values from the key with which it signs on the ledger, so that a node which
/// restarts between commitment and reveal still knows its value. To everybody else they are as good as
/// random: BLAKE3 is a pseudorandom function of a key that nobody else knows.
const VALUE_CONTEXT: &str = "tacit v1 value of the beacon";

/// How often an open round is looked at while no block comes, and a ledger that does not answer.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// A member's part in the beacon.
pub(super) struct Participant {
    ledger: Arc<dyn Ledger>,
    secret: Zeroizing<[u8; 32]>,
    member: MemberId,
}

impl Participant {
    /// Of the member with this signing key.
    pub(super) fn new(ledger: Arc<dyn Ledger>, signing_key: &[u8; 32]) -> Self {
        let member = ledger.member_id();
        let secret = Zeroizing::new(blake3::derive_key(VALUE_CONTEXT, signing_key));
        Self {
            ledger,
            secret,
            member,
        }
    }

    /// Runs until the ledger stops.
    pub(super) async fn run(self) {
        let mut blocks = self.ledger.finalized();
        let mut open = true;
        loop {
            if open {
                open = match self.take_part().await {
                    Ok(open) => open,
                    Err(error) => {
                        tracing::warn!(%error, "beacon.take-part: trying again");
                        true
                    }
                };
            }
            match tokio::time::timeout(LOOK_INTERVAL, blocks.recv()).await {
                Ok(Ok(block)) => open |= opens(&block),
                // What was missed may have opened a round; and a while without blocks changes nothing.
                Ok(Err(broadcast::error::RecvError::Lagged(_))) | Err(_) => open = true,
                Ok(Err(broadcast::error::RecvError::Closed)) => return,
            }
        }
    }

    /// Does what is to be done now. Says whether a round is open.
    async fn take_part(&self) -> Result<bool, LedgerError> {
        let beacon = read(&*self.ledger, state::beacon).await?;
        if let Some(action) = self.next(&beacon, self.ledger.height() + 1) {
            match self.ledger.submit(action).await {
                // Refused: the attempt ended meanwhile. The next look shows what follows.
                Ok(_) | Err(LedgerError::Rejected(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(beacon.open.is_some())
    }

    /// What this member has to say at `height`.
    fn next(&self, beacon: &Beacon, height: u64) -> Option<Action> {
        let round = beacon.open.as_ref()?;
        let share = round.share(self.member)?;
        let (attempt, chain_id) = (round.attempt, self.ledger.chain_id());
        let value = value(&self.secret, chain_id, attempt);
        let commitment = attempt.commitment(chain_id, self.member, &value);
        if share.commitment.is_none() && round.takes_commitments(height) {
            return Some(Action::BeaconCommit {
                attempt,
                commitment,
            });
        }
        let to_reveal = share.commitment == Some(commitment) && share.value.is_none();
        (to_reveal && round.takes_values(height)).then_some(Action::BeaconReveal { attempt, value })
    }
}

fn opens(block: &FinalizedBlock) -> bool {
    let said = |event: &Event| matches!(event, Event::BeaconOpened { .. });
    block.events.iter().any(|event| said(&event.event))
}

fn value(secret: &[u8; 32], chain_id: ChainId, attempt: Attempt) -> BeaconValue {
    let mut hasher = blake3::Hasher::new_keyed(secret);
    hasher.update(&chain_id.0);
    hasher.update(&attempt.round.0.to_le_bytes());
    hasher.update(&attempt.number.to_le_bytes());
    *hasher.finalize().as_bytes()
}
