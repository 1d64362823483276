//! Runs one consensus engine per epoch.

use super::{Committees, HandoverMailbox};
use crate::{block::Block, config::Timing, runtime::Runtime};
use commonware_actor::Feedback;
use commonware_consensus::{
    CertifiableAutomaton, Heightable as _, Relay, Reporter,
    marshal::{self, Update, standard::Standard},
    simplex::{
        self, Plan, SkipBudget,
        config::{Floor, ForwardPolicy, SkipPolicy},
        elector::RoundRobin,
        types::Activity,
    },
    types::{Epoch, Epocher as _, FixedEpocher, Height, ViewDelta},
};
use commonware_cryptography::{Digestible as _, certificate::Provider as _};
use commonware_p2p::{
    Blocker, Receiver, Sender,
    utils::mux::{Builder as _, MuxHandle, Muxer},
};
use commonware_parallel::Sequential;
use commonware_runtime::{Handle, buffer::paged::CacheRef};
use commonware_utils::{
    Acknowledgement as _, NZDuration, NZUsize, channel::mpsc, vec::NonEmptyVec,
};
use futures::future::{Either, select};
use std::{num::NonZeroUsize, pin::pin, time::Duration};
use tacit_finality::{
    ConsensusKey, Digest, Finalization, FinalizedHeader, Hash, ProposalContext, Scheme,
};
use tracing::{debug, info, warn};

/// Reaches the engine that keeps finalized blocks.
pub(crate) type Marshal = marshal::core::Mailbox<Scheme, Standard<Block>>;

/// Views behind the finalized one for which votes are kept.
const VIEW_RETENTION: ViewDelta = ViewDelta::new(64);
const MAILBOX_SIZE: NonZeroUsize = NZUsize!(1_024);
const BUFFER: NonZeroUsize = NZUsize!(1 << 20);

/// Finalized blocks on their way to the manager, with the acknowledgements it owes.
pub(crate) type FinalizedBlocks = mpsc::UnboundedReceiver<Update<Block>>;

/// Makes the reporter that hands finalized blocks to the manager.
///
/// The queue needs no bound of its own: no more blocks are under way than may be unacknowledged.
pub(crate) fn finalized_blocks() -> (BlockReporter, FinalizedBlocks) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (BlockReporter(sender), receiver)
}

/// Hands finalized blocks to the manager.
#[derive(Clone)]
pub(crate) struct BlockReporter(mpsc::UnboundedSender<Update<Block>>);

impl Reporter for BlockReporter {
    type Activity = Update<Block>;

    fn report(&mut self, update: Update<Block>) -> Feedback {
        match self.0.send(update) {
            Ok(()) => Feedback::Ok,
            Err(_) => Feedback::Closed,
        }
    }
}

/// Runs the engine of the current epoch, and replaces it when the epoch's last block is final.
pub(crate) struct EpochManager<A, B> {
    pub(crate) committees: Committees,
    pub(crate) handovers: HandoverMailbox,
    pub(crate) epocher: FixedEpocher,
    pub(crate) marshal: Marshal,
    pub(crate) application: A,
    pub(crate) blocker: B,
    pub(crate) prefix: String,
    pub(crate) page_cache: CacheRef,
    pub(crate) timing: Timing,
    pub(crate) genesis: Digest,
    /// Where state sync started, if this node's first start was one.
    pub(crate) sync_floor: Option<Finalization>,
}

struct Channels<S: Sender> {
    votes: MuxHandle<S>,
    certificates: MuxHandle<S>,
    resolver: MuxHandle<S>,
}

struct Running {
    epoch: Epoch,
    engine: Handle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.engine.abort();
    }
}

impl<A, B> EpochManager<A, B>
where
    A: CertifiableAutomaton<Context = ProposalContext, Digest = Digest>
        + Relay<Digest = Digest, PublicKey = ConsensusKey, Plan = Plan<ConsensusKey>>
        + Reporter<Activity = Activity<Scheme, Digest>>,
    B: Blocker<PublicKey = ConsensusKey> + Sync,
{
    /// Runs until finalized blocks stop coming.
    pub(crate) async fn run<E, S, R>(
        self,
        runtime: E,
        mut blocks: FinalizedBlocks,
        votes: (S, R),
        certificates: (S, R),
        resolver: (S, R),
    ) where
        E: Runtime,
        S: Sender<PublicKey = ConsensusKey>,
        R: Receiver<PublicKey = ConsensusKey>,
    {
        let (mux, votes, mut later_votes) =
            Muxer::builder(runtime.child("votes"), votes.0, votes.1)
                .with_backup()
                .build();
        mux.start();
        let (mux, certificates, mut later_certificates) = Muxer::builder(
            runtime.child("certificates"),
            certificates.0,
            certificates.1,
        )
        .with_backup()
        .build();
        mux.start();
        let (mux, resolver) = Muxer::new(runtime.child("resolver"), resolver.0, resolver.1);
        mux.start();
        let mut channels = Channels {
            votes,
            certificates,
            resolver,
        };

        let (epoch, floor) = self.resume().await;
        let mut running = self.enter(&runtime, epoch, floor, &mut channels).await;
        loop {
            let event = {
                let block = pin!(blocks.recv());
                let vote = pin!(later_votes.recv());
                let certificate = pin!(later_certificates.recv());
                match select(block, select(vote, certificate)).await {
                    Either::Left((block, _)) => Either::Left(block),
                    Either::Right((message, _)) => Either::Right(message.factor_first().0),
                }
            };
            match event {
                Either::Left(None) | Either::Right(None) => return,
                Either::Left(Some(Update::Tip(..))) => {}
                Either::Left(Some(Update::Block(block, acknowledgement))) => {
                    if Some(block.height()) == self.epocher.last(running.epoch) {
                        let next = self.hand_over(&block).await;
                        let floor = Floor::Genesis(block.digest());
                        running = self.enter(&runtime, next, floor, &mut channels).await;
                        self.forget(&runtime, next).await;
                    }
                    acknowledgement.acknowledge();
                }
                // Somebody is in a later epoch: this node missed the end of its own.
                Either::Right(Some((epoch, (from, _)))) => {
                    if epoch > running.epoch.get()
                        && let Some(last) = self.epocher.last(running.epoch)
                    {
                        debug!(
                            ours = running.epoch.get(),
                            theirs = epoch,
                            "behind an epoch"
                        );
                        self.marshal.hint_finalized(last, NonEmptyVec::new(from));
                    }
                }
            }
        }
    }

    /// The epoch of the next block, and what its engine starts from.
    async fn resume(&self) -> (Epoch, Floor<Scheme, Digest>) {
        let processed = self
            .marshal
            .get_processed()
            .await
            .map_or(Height::zero(), |processed| processed.height());
        let next = self
            .epocher
            .containing(processed.next())
            .expect("epochs of fixed length cover every height")
            .epoch();
        match &self.sync_floor {
            Some(floor) if floor.proposal.round.epoch() >= next => (
                floor.proposal.round.epoch(),
                Floor::Finalized(floor.clone()),
            ),
            _ => (next, Floor::Genesis(self.first_parent(next).await)),
        }
    }

    /// The block on which an epoch's first block builds.
    async fn first_parent(&self, epoch: Epoch) -> Digest {
        match epoch.previous() {
            None => self.genesis,
            Some(previous) => self
                .handovers
                .get(previous.get())
                .await
                .expect("the hand-over into the current epoch was kept before the epoch began")
                .header
                .digest(),
        }
    }

    /// Keeps the hand-over that `block` is, before the block is acknowledged.
    async fn hand_over(&self, block: &commonware_cryptography::Digested<Block>) -> Epoch {
        let next = block.inner().header.epoch().next();
        if self.committees.committee(next).is_none() {
            let finalization = self
                .marshal
                .get_finalization(block.height())
                .await
                .expect("the last block of an epoch is final by a certificate of its own");
            let header = block.inner().header.clone();
            let handover = FinalizedHeader {
                header,
                descendants: Vec::new(),
                finalization,
            };
            self.handovers.keep(handover).await;
        }
        next
    }

    async fn enter<E, S>(
        &self,
        runtime: &E,
        epoch: Epoch,
        floor: Floor<Scheme, Digest>,
        channels: &mut Channels<S>,
    ) -> Running
    where
        E: Runtime,
        S: Sender<PublicKey = ConsensusKey>,
    {
        let scheme = self
            .committees
            .scheme(epoch)
            .expect("the epoch's validators are known");
        let leader = self.timing.leader_timeout;
        let engine = simplex::Engine::new(
            runtime.child("simplex").with_attribute("epoch", epoch),
            simplex::Config {
                scheme: scheme.as_ref().clone(),
                elector: RoundRobin::<Hash>::default(),
                blocker: self.blocker.clone(),
                automaton: self.application.clone(),
                relay: self.application.clone(),
                reporter: self.application.clone(),
                track_historical_votes: false,
                strategy: Sequential,
                partition: self.partition(epoch),
                mailbox_size: MAILBOX_SIZE,
                epoch,
                floor,
                replay_buffer: BUFFER,
                write_buffer: BUFFER,
                page_cache: self.page_cache.clone(),
                leader_timeout: leader,
                certification_timeout: leader * 2,
                timeout_retry: leader * 2,
                view_retention: VIEW_RETENTION,
                skip: SkipPolicy::Enabled {
                    timeout: leader * 5,
                    budget: SkipBudget::Participants,
                },
                fetch_timeout: NZDuration!(Duration::from_secs(2)),
                fetch_retry_delay: Duration::from_millis(200),
                forward: ForwardPolicy::SilentVoters,
            },
        );
        let votes = channels.votes.register(epoch.get()).await;
        let certificates = channels.certificates.register(epoch.get()).await;
        let resolver = channels.resolver.register(epoch.get()).await;
        let (Ok(votes), Ok(certificates), Ok(resolver)) = (votes, certificates, resolver) else {
            // The network is gone, which happens only while the node stops.
            warn!(%epoch, "an epoch cannot start because the network stopped");
            return std::future::pending().await;
        };
        info!(%epoch, "an epoch starts");
        Running {
            epoch,
            engine: engine.start(votes, certificates, resolver),
        }
    }

    /// Removes the votes of epochs that nobody will ask about again.
    async fn forget<E: Runtime>(&self, runtime: &E, epoch: Epoch) {
        let Some(old) = epoch.previous().and_then(Epoch::previous) else {
            return;
        };
        match runtime.remove(&self.partition(old), None).await {
            Ok(()) | Err(commonware_runtime::Error::PartitionMissing(_)) => {}
            Err(error) => warn!(%old, %error, "the votes of an old epoch cannot be removed"),
        }
    }

    fn partition(&self, epoch: Epoch) -> String {
        format!("{}-votes-{epoch}", self.prefix)
    }
}
