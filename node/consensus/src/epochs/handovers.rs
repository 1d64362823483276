//! Keeps hand-overs, serves them, and asks for those it lacks.
//!
//! A joining node asks all peers for the next hand-over until there is none, and for the newest
//! finalization that they hold. Each is proven by its certificate, so one honest answer suffices for
//! truth. For recency it takes the newest of answers from f + 1 validators of the newest epoch it
//! knows, one of whom is honest.

use super::{Committees, Marshal};
use crate::runtime::Runtime;
use bytes::BufMut;
use commonware_codec::{
    Buf, DecodeExt as _, Encode as _, EncodeSize, Error as CodecError, FixedSize, Read,
    ReadExt as _, Write,
};
use commonware_consensus::marshal::Identifier;
use commonware_p2p::{Receiver, Recipients, Sender};
use commonware_runtime::{Handle, IoBuf};
use commonware_storage::metadata::{self, Metadata};
use commonware_utils::{
    Faults as _, N3f1,
    channel::{mpsc, oneshot},
    sequence::U64,
};
use futures::future::{Either, select};
use std::{collections::BTreeMap, future::pending, pin::pin, time::Duration};
use tacit_finality::{ConsensusKey, Finalization, FinalizedHeader, MAX_VALIDATORS};
use tracing::{debug, info};

/// The largest message on the channel: a header with the largest committee, its certificate, and
/// what surrounds them. Headers bound themselves; a certificate has a signature per validator.
pub(crate) const MAX_HANDOVER_MESSAGE: usize = 64 * 1024;
/// Requests of this node that wait before a caller has to.
const MAILBOX_SIZE: usize = 64;
/// How long to wait for an answer before asking again.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// What goes over the channel.
enum Message {
    /// Asks for the hand-over that ends this epoch.
    Request(u64),
    /// A hand-over.
    Response(Box<FinalizedHeader>),
    /// Asks for the newest finalization.
    RequestTip,
    /// A finalization.
    Tip(Box<Finalization>),
}

impl Write for Message {
    fn write(&self, buf: &mut impl BufMut) {
        match self {
            Self::Request(epoch) => {
                0u8.write(buf);
                epoch.write(buf);
            }
            Self::Response(handover) => {
                1u8.write(buf);
                handover.write(buf);
            }
            Self::RequestTip => 2u8.write(buf),
            Self::Tip(finalization) => {
                3u8.write(buf);
                finalization.write(buf);
            }
        }
    }
}

impl EncodeSize for Message {
    fn encode_size(&self) -> usize {
        u8::SIZE
            + match self {
                Self::Request(_) => u64::SIZE,
                Self::Response(handover) => handover.encode_size(),
                Self::RequestTip => 0,
                Self::Tip(finalization) => finalization.encode_size(),
            }
    }
}

impl Read for Message {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        match u8::read(buf)? {
            0 => Ok(Self::Request(u64::read(buf)?)),
            1 => Ok(Self::Response(Box::new(FinalizedHeader::read(buf)?))),
            2 => Ok(Self::RequestTip),
            3 => Ok(Self::Tip(Box::new(Finalization::read_cfg(
                buf,
                &MAX_VALIDATORS,
            )?))),
            tag => Err(CodecError::InvalidEnum(tag)),
        }
    }
}

enum Command {
    Keep(Box<FinalizedHeader>, oneshot::Sender<()>),
    Get(u64, oneshot::Sender<Option<FinalizedHeader>>),
    Serve(Marshal),
    FindFloor(oneshot::Sender<Finalization>),
}

/// Reaches the hand-overs. Clones reach the same ones.
#[derive(Clone)]
pub(crate) struct HandoverMailbox {
    commands: mpsc::Sender<Command>,
}

impl HandoverMailbox {
    /// Keeps a hand-over that this node saw become final, and returns when it is on disk.
    pub(crate) async fn keep(&self, handover: FinalizedHeader) {
        let (done, durable) = oneshot::channel();
        let sent = self
            .commands
            .send(Command::Keep(Box::new(handover), done))
            .await;
        if sent.is_err() || durable.await.is_err() {
            // The node is stopping, and must not go on as if the hand-over were kept.
            pending::<()>().await;
        }
    }

    /// The hand-over that ends `epoch`, if it is known.
    pub(crate) async fn get(&self, epoch: u64) -> Option<FinalizedHeader> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Get(epoch, reply)).await.ok()?;
        answer.await.ok().flatten()
    }

    /// Lets peers ask for the newest finalization that `marshal` holds.
    pub(crate) async fn serve(&self, marshal: Marshal) {
        let _ = self.commands.send(Command::Serve(marshal)).await;
    }

    /// Follows the network up to its newest epoch, and returns a recent finalization.
    pub(crate) async fn find_floor(&self) -> Option<Finalization> {
        let (reply, floor) = oneshot::channel();
        self.commands.send(Command::FindFloor(reply)).await.ok()?;
        floor.await.ok()
    }
}

/// What a joining node has heard so far.
struct Search {
    reply: oneshot::Sender<Finalization>,
    tips: BTreeMap<ConsensusKey, Finalization>,
}

/// The actor behind the mailbox.
pub(crate) struct Handovers<E: Runtime> {
    store: Metadata<E, U64, FinalizedHeader>,
    committees: Committees,
    commands: mpsc::Receiver<Command>,
    marshal: Option<Marshal>,
    search: Option<Search>,
}

impl<E: Runtime> Handovers<E> {
    /// Opens the store and teaches `committees` all that it holds.
    ///
    /// # Panics
    ///
    /// If the store does not open, or holds a hand-over that does not verify: it was verified before
    /// it was written, so the files are damaged or belong to another chain.
    pub(crate) async fn open(
        runtime: &E,
        prefix: &str,
        committees: Committees,
    ) -> (Self, HandoverMailbox) {
        let config = metadata::Config {
            partition: format!("{prefix}-handovers"),
            codec_config: (),
        };
        let store: Metadata<E, U64, FinalizedHeader> =
            Metadata::init(runtime.child("handovers"), config)
                .await
                .expect("the store of hand-overs must open");
        let mut epoch = 0;
        while let Some(handover) = store.get(&U64::new(epoch)) {
            committees
                .follow(handover)
                .expect("a kept hand-over must verify");
            epoch += 1;
        }
        let (sender, commands) = mpsc::channel(MAILBOX_SIZE);
        (
            Self {
                store,
                committees,
                commands,
                marshal: None,
                search: None,
            },
            HandoverMailbox { commands: sender },
        )
    }

    /// Runs on the channel until every mailbox is gone.
    pub(crate) fn start<S, R>(self, runtime: E, channel: (S, R)) -> Handle<()>
    where
        S: Sender<PublicKey = ConsensusKey>,
        R: Receiver<PublicKey = ConsensusKey>,
    {
        runtime.spawn(move |runtime| self.run(runtime, channel))
    }

    async fn run<S, R>(mut self, runtime: E, (mut sender, mut receiver): (S, R))
    where
        S: Sender<PublicKey = ConsensusKey>,
        R: Receiver<PublicKey = ConsensusKey>,
    {
        let mut ask_at = runtime.current();
        loop {
            if self.search.is_some() && runtime.current() >= ask_at {
                self.ask(&mut sender);
                ask_at = runtime.current() + ASK_EVERY;
            }
            let event = {
                let command = pin!(self.commands.recv());
                let message = pin!(receiver.recv());
                let timer = pin!(async {
                    match self.search {
                        Some(_) => runtime.sleep_until(ask_at).await,
                        None => pending().await,
                    }
                });
                match select(select(command, message), timer).await {
                    Either::Left((Either::Left((command, _)), _)) => Either::Left(command),
                    Either::Left((Either::Right((message, _)), _)) => Either::Right(message),
                    Either::Right(_) => continue,
                }
            };
            match event {
                Either::Left(None) | Either::Right(Err(_)) => return,
                Either::Left(Some(command)) => {
                    self = self.obey(command).await;
                }
                Either::Right(Ok((from, message))) => match Message::decode(message) {
                    Err(error) => debug!(?from, %error, "a hand-over message does not decode"),
                    Ok(Message::Request(epoch)) => {
                        if let Some(handover) = self.store.get(&U64::new(epoch)) {
                            let answer = Message::Response(Box::new(handover.clone()));
                            send(&mut sender, Recipients::One(from), &answer);
                        }
                    }
                    Ok(Message::Response(handover)) => {
                        let before = self.committees.newest();
                        self = self.learn(*handover).await;
                        if self.search.is_some() && self.committees.newest() > before {
                            self.ask(&mut sender);
                            ask_at = runtime.current() + ASK_EVERY;
                        }
                    }
                    Ok(Message::RequestTip) => {
                        if let Some(tip) = self.newest_finalization().await {
                            let answer = Message::Tip(Box::new(tip));
                            send(&mut sender, Recipients::One(from), &answer);
                        }
                    }
                    Ok(Message::Tip(tip)) => self.hear(from, *tip),
                },
            }
        }
    }

    async fn obey(mut self, command: Command) -> Self {
        match command {
            Command::Keep(handover, done) => {
                let this = self.learn(*handover).await;
                let _ = done.send(());
                return this;
            }
            Command::Get(epoch, reply) => {
                let _ = reply.send(self.store.get(&U64::new(epoch)).cloned());
            }
            Command::Serve(marshal) => self.marshal = Some(marshal),
            Command::FindFloor(reply) => {
                self.search = Some(Search {
                    reply,
                    tips: BTreeMap::new(),
                });
            }
        }
        self
    }

    /// Verifies and keeps a hand-over that is the next one; ignores any other.
    async fn learn(mut self, handover: FinalizedHeader) -> Self {
        let epoch = handover.header.epoch();
        if epoch != self.committees.newest() {
            return self;
        }
        if let Err(error) = self.committees.follow(&handover) {
            debug!(%epoch, %error, "a hand-over does not verify");
            return self;
        }
        self.store = self
            .store
            .put_sync(U64::new(epoch.get()), handover)
            .await
            .expect("the store of hand-overs must be writable");
        info!(
            epoch = epoch.next().get(),
            "the validators of an epoch are known"
        );
        if let Some(search) = &mut self.search {
            // Another committee answers for recency from here on.
            search.tips.clear();
        }
        self
    }

    /// Notes a validator's newest finalization, and ends the search when enough are heard.
    fn hear(&mut self, from: ConsensusKey, tip: Finalization) {
        let newest = self.committees.newest();
        let Some(committee) = self.committees.committee(newest) else {
            return;
        };
        let Some(mut search) = self.search.take() else {
            return;
        };
        if committee.contains(&from) {
            match self.committees.verify(&tip) {
                Ok(()) => {
                    search.tips.insert(from, tip);
                }
                Err(error) => debug!(?from, %error, "a peer's finalization does not verify"),
            }
        }
        let enough = N3f1::max_faults(committee.keys().len()) as usize + 1;
        if search.tips.len() < enough {
            self.search = Some(search);
            return;
        }
        let floor = search.tips.into_values().max_by_key(Finalization::round);
        if let Some(floor) = floor {
            info!(round = ?floor.round(), "joining from a recent finalization");
            let _ = search.reply.send(floor);
        }
    }

    async fn newest_finalization(&self) -> Option<Finalization> {
        let marshal = self.marshal.as_ref()?;
        let (height, _) = marshal.get_info(Identifier::Latest).await?;
        marshal.get_finalization(height).await
    }

    fn ask<S: Sender<PublicKey = ConsensusKey>>(&self, sender: &mut S) {
        let request = Message::Request(self.committees.newest().get());
        send(sender, Recipients::All, &request);
        send(sender, Recipients::All, &Message::RequestTip);
    }
}

fn send<S>(sender: &mut S, to: Recipients<ConsensusKey>, message: &Message)
where
    S: Sender<PublicKey = ConsensusKey>,
{
    // Whatever is lost is asked for again.
    let _ = sender.send(to, IoBuf::from(message.encode()), false);
}
