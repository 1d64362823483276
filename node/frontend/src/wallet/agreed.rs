//! What querier and provider of a request know of its charge without a word.
//!
//! Blinding of the charge and padding are drawn from the secret that the keys of both share, under the
//! request's own context. So nothing is sent or kept for them, and the provider sees of each request how
//! many of its calls charge, and that the rest is padding from the seed and nothing else.

use tacit_circuits::curve::Point;
use tacit_circuits::oprf::{BlindState, HashesToSmallOrder, padding_calls};
use tacit_circuits::quota::{Opening, SharedSecret};
use tacit_ledger::kernel::{ChainId, Digest};
use tacit_ledger::network::quota::charge_context;
use tacit_ledger::network::request::MAX_CALLS;
use tacit_ledger::network::{Request, SessionId};
use zeroize::Zeroizing;

/// Least calls of a padded request: one call, two and three look the same.
const LEAST_SIZE: u64 = 4;

/// Calls of a request once it is padded: the next power of two, so that whoever counts the log's leaves
/// learns how many calls were made only up to a factor of two. At most [`MAX_CALLS`].
#[must_use]
pub fn padded_size(calls: u64) -> u64 {
    calls
        .max(LEAST_SIZE)
        .next_power_of_two()
        .min(MAX_CALLS as u64)
        .max(calls)
}

/// What the two sides of one request share.
pub(crate) struct Agreed {
    secret: SharedSecret,
    context: [u8; 32],
}

/// Padding calls.
pub(crate) struct Padding {
    pub(crate) states: Vec<BlindState>,
    pub(crate) points: Vec<Point>,
    /// In the place of hashes of audit records.
    pub(crate) audits: Vec<Digest>,
}

/// Why a request's charge is not what its calls cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WrongCharge {
    #[error("its charge is not the price of any number of its calls under the agreed blinding")]
    NotACount,
    #[error("more of its calls are padding than its size takes")]
    TooMuchPadding,
    #[error("calls that it does not pay for are not the agreed padding")]
    NotPadding,
}

impl Agreed {
    pub(crate) fn new(
        secret: SharedSecret,
        chain_id: ChainId,
        session: SessionId,
        sequence: u64,
    ) -> Self {
        let context = charge_context(chain_id, session, sequence);
        Self { secret, context }
    }

    /// Opens the charge of a request that charges so much, of which one call's price is public.
    pub(crate) fn opening(&self, charge_minor: u32, price_minor: u32) -> Opening {
        let hidden_minor = charge_minor.saturating_sub(price_minor);
        self.secret.opening(&self.context, hidden_minor)
    }

    /// The seed of the padding: whoever has it sees that padding is padding.
    pub(crate) fn padding_seed(&self) -> [u8; 32] {
        let mut seed = [0; 32];
        self.secret.draw(&self.context, &mut seed);
        seed
    }

    /// The padding of a request to a list.
    pub(crate) fn padding(
        &self,
        count: usize,
        request: (
            tacit_circuits::scope::ListId,
            tacit_circuits::scope::TagEpoch,
        ),
    ) -> Result<Padding, HashesToSmallOrder> {
        let mut drawn = Zeroizing::new(vec![0; 32 * (1 + count)]);
        self.secret.draw(&self.context, &mut drawn);
        let mut parts = drawn.as_chunks().0.iter();
        let seed = parts.next().expect("drawn above");
        let audits = parts.map(|digest| Digest(*digest)).collect();
        let (list, tag_epoch) = request;
        let (states, points) = padding_calls(seed, count, list, tag_epoch)?;
        Ok(Padding {
            states,
            points,
            audits,
        })
    }

    /// How many calls of a request its charge is the price of, under the agreed blinding.
    pub(crate) fn count(&self, request: &Request) -> Option<u32> {
        // A request has a call at the least, and 1,000 at most.
        let most = (request.calls.len() as u32).checked_sub(1)?;
        let (charge, price) = (&request.charge, request.price_minor);
        let beyond_one = self.secret.find_vartime(&self.context, charge, price, most);
        Some(beyond_one? + 1)
    }

    /// How many calls of a request charge its price; the others, at its end, are padding. `blinded` are its
    /// points. Takes the time of making the padding.
    pub(crate) fn charged_calls(
        &self,
        request: &Request,
        blinded: &[Point],
    ) -> Result<u32, WrongCharge> {
        let charged = self.count(request).ok_or(WrongCharge::NotACount)?;
        let calls = request.calls.len();
        if calls as u64 > padded_size(charged.into()) {
            return Err(WrongCharge::TooMuchPadding);
        }
        let tail = blinded.get(charged as usize..).unwrap_or_default();
        let scope = (request.list, request.tag_epoch);
        let padding = self.padding(tail.len(), scope);
        match padding {
            Ok(padding) if padding.points == tail => Ok(charged),
            _ => Err(WrongCharge::NotPadding),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_hide_the_number_of_calls_up_to_a_factor_of_two() {
        let sizes: Vec<u64> = [1, 3, 4, 5, 8, 9, 512, 513, 1_000]
            .map(padded_size)
            .to_vec();
        assert_eq!(sizes, [4, 4, 4, 8, 8, 16, 512, 1_000, 1_000]);
    }
}
