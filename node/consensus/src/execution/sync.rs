//! The store's operations on the wire to a joining node.
//!
//! The engine's download protocol carries operations whose decoding needs no configuration; those of
//! a store with values of any length need a bound. [`WireOperation`] carries the bound in its type,
//! [`Served`] serves a store's operations as such, and [`Downloader`] hands them to a new store as
//! what they are.

use super::store::{Store, Stores, operation_config};
use crate::runtime::Runtime;
use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, Read, Write};
use commonware_glue::stateful::db::{
    AttachableResolver, Shared,
    p2p::{Mailbox, ResponseDropped},
};
use commonware_storage::{
    mmr,
    qmdb::sync::{Feedback, Request, Response, ServeError, Source, source},
};
use commonware_utils::channel::{mpsc, oneshot};
use futures::future::{Either, select};
use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tacit_finality::{Digest, StateOperation};

type Family = mmr::Family;

/// An operation of the store, whose values are bounded by
/// [`MAX_VALUE_BYTES`](tacit_finality::MAX_VALUE_BYTES).
#[derive(Clone, Debug)]
pub(crate) struct WireOperation(StateOperation);

impl Write for WireOperation {
    fn write(&self, buf: &mut impl BufMut) {
        self.0.write(buf);
    }
}

impl EncodeSize for WireOperation {
    fn encode_size(&self) -> usize {
        self.0.encode_size()
    }
}

impl Read for WireOperation {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, CodecError> {
        StateOperation::read_cfg(buf, &operation_config()).map(Self)
    }
}

/// A store whose operations peers may fetch.
pub(crate) struct Served<E: Runtime>(Stores<E>);

impl<E: Runtime> Source for Served<E> {
    type Family = Family;
    type Digest = Digest;
    type Op = WireOperation;
    type Error = ServeError<Family>;

    async fn serve(&self, request: Request<Family>) -> source::Result<Self> {
        // A local store answers with what is true, so there is no verdict to pass on.
        let (response, _) = self.0.serve(request).await?;
        Ok((convert(response, WireOperation), None))
    }
}

type Inner<E> = Mailbox<Served<E>, Family, WireOperation, Digest>;

/// Counts the answers of peers. Clones count together.
#[derive(Clone, Default)]
pub(crate) struct Downloads(Arc<AtomicU64>);

impl Downloads {
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Fetches operations from peers, and serves this node's once it has them.
pub(crate) struct Downloader<E: Runtime> {
    inner: Inner<E>,
    runtime: Arc<E>,
    downloads: Downloads,
}

impl<E: Runtime> Clone for Downloader<E> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            runtime: self.runtime.clone(),
            downloads: self.downloads.clone(),
        }
    }
}

impl<E: Runtime> Downloader<E> {
    pub(crate) fn new(runtime: E, inner: Inner<E>, downloads: Downloads) -> Self {
        Self {
            inner,
            runtime: Arc::new(runtime),
            downloads,
        }
    }
}

impl<E: Runtime> Source for Downloader<E> {
    type Family = Family;
    type Digest = Digest;
    type Op = StateOperation;
    type Error = ResponseDropped;

    async fn serve(&self, request: Request<Family>) -> source::Result<Self> {
        let (response, feedback) = self.inner.serve(request).await?;
        self.downloads.add();
        let feedback = feedback.map(|feedback| {
            let (verdict, judged) = oneshot::channel();
            let (candidates, later) = mpsc::channel(1);
            self.runtime
                .child("verdict")
                .spawn(move |_| forward_verdicts(feedback, judged, candidates));
            Feedback::new(verdict, later)
        });
        Ok((
            convert(response, |operation: WireOperation| operation.0),
            feedback,
        ))
    }
}

impl<E: Runtime> AttachableResolver<Store<E>> for Downloader<E> {
    async fn attach_database(&self, store: Stores<E>) {
        self.inner
            .attach_database(Shared::new("served_state", Served(store)));
    }
}

type WireResponse = Response<Family, WireOperation, Digest>;
type StateResponse = Response<Family, StateOperation, Digest>;

/// Passes verdicts on downloaded operations to the protocol, and further candidates back, until one
/// is accepted or nobody waits.
async fn forward_verdicts(
    mut feedback: Feedback<WireResponse>,
    mut judged: oneshot::Receiver<bool>,
    candidates: mpsc::Sender<(StateResponse, oneshot::Sender<bool>)>,
) {
    loop {
        match judged.await {
            Ok(true) => return feedback.accept(),
            Ok(false) => {}
            // Nobody judges it any more: dropping the feedback cancels the request.
            Err(_) => return,
        }
        let next = {
            let rejected = pin!(feedback.reject());
            let gone = pin!(candidates.closed());
            match select(rejected, gone).await {
                Either::Left((next, _)) => next,
                Either::Right(_) => return,
            }
        };
        let Some((response, later)) = next else {
            return;
        };
        feedback = later;
        let verdict;
        (verdict, judged) = oneshot::channel();
        let response = convert(response, |operation: WireOperation| operation.0);
        if candidates.send((response, verdict)).await.is_err() {
            return;
        }
    }
}

fn convert<A, B>(
    response: Response<Family, A, Digest>,
    operation: impl Fn(A) -> B,
) -> Response<Family, B, Digest> {
    match response {
        Response::Operations { proof, operations } => Response::Operations {
            proof,
            operations: operations.into_iter().map(operation).collect(),
        },
        Response::Boundary {
            proof,
            op,
            pinned_nodes,
        } => Response::Boundary {
            proof,
            op: operation(op),
            pinned_nodes,
        },
    }
}
