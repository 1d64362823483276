//! Stands between two members on the wire: hears what passes, and cuts it when told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

/// Bytes that are passed on at a time.
const BUFFER_BYTES: usize = 16 * 1024;

/// What passed over a connection, in each direction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) to_server: Vec<u8>,
    pub(crate) from_server: Vec<u8>,
}

#[derive(Default)]
struct Shared {
    /// One for each connection, in the order in which they were opened.
    heard: Mutex<Vec<Heard>>,
    /// Bytes of the server that still pass before all connections are cut.
    budget: Mutex<Option<usize>>,
    cut: Notify,
}

/// A tap. Dropping it closes its port and the connections through it.
pub(crate) struct Tap {
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

impl Tap {
    /// Passes connections to `near` on to `far`.
    pub(crate) fn between(near: SocketAddr, far: SocketAddr) -> Self {
        let shared = Arc::<Shared>::default();
        let runtime = Runtime::new().expect("a runtime");
        let all = shared.clone();
        let listener = runtime.block_on(TcpListener::bind(near)).expect("a port");
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let shared = all.clone();
                tokio::spawn(async move {
                    if let Ok(far) = TcpStream::connect(far).await {
                        pass(near, far, shared).await;
                    }
                });
            }
        });
        Self {
            shared,
            runtime: Some(runtime),
        }
    }

    /// A handle with which connections are cut.
    pub(crate) fn scissors(&self) -> Scissors {
        Scissors(self.shared.clone())
    }

    /// What passed until now, for each connection that ever was.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.shared.heard.lock().expect("the tap").clone()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Cuts connections.
#[derive(Clone)]
pub(crate) struct Scissors(Arc<Shared>);

impl Scissors {
    /// Lets so many more bytes of the server pass, and then cuts all connections. New ones are not cut.
    pub(crate) fn cut_after(&self, bytes: usize) {
        *self.0.budget.lock().expect("the tap") = Some(bytes);
    }
}

async fn pass(near: TcpStream, far: TcpStream, shared: Arc<Shared>) {
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    let (there, back) = (shared.clone(), shared.clone());
    let number = {
        let mut heard = shared.heard.lock().expect("the tap");
        heard.push(Heard::default());
        heard.len() - 1
    };
    let there = copy(near_read, far_write, move |bytes| {
        let mut heard = there.heard.lock().expect("the tap");
        heard[number].to_server.extend_from_slice(bytes);
        bytes.len()
    });
    let cut = shared.clone();
    let back = copy(far_read, near_write, move |bytes| {
        let mut heard = back.heard.lock().expect("the tap");
        heard[number].from_server.extend_from_slice(bytes);
        let mut budget = back.budget.lock().expect("the tap");
        let passing = budget.map_or(bytes.len(), |left| left.min(bytes.len()));
        if let Some(left) = budget.as_mut() {
            *left -= passing;
            if *left == 0 {
                *budget = None;
                back.cut.notify_waiters();
                return passing.min(bytes.len().saturating_sub(1));
            }
        }
        passing
    });
    // Whichever ends first ends both: the sockets close when they are dropped.
    tokio::select! {
        () = there => {}
        () = back => {}
        () = cut.cut.notified() => {}
    }
}

/// Passes on as much of what it reads as `heard` says, and ends where that is not all.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    heard: impl Fn(&[u8]) -> usize,
) {
    let mut buffer = vec![0; BUFFER_BYTES];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let passing = heard(&buffer[..read]);
        let passed = to.write_all(&buffer[..passing]).await;
        if passed.is_err() || passing < read {
            return;
        }
    }
}
