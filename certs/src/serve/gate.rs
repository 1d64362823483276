//! Looks at the directory again with each request.

use std::{
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::Either;
use tacit_circuits::scope::MemberId;
use tonic::{Code, Status, codegen::http};
use tower::{Layer, Service};

use super::{PeerConnection, accept::report};
use crate::{PeerRefusal, PeerVerifier, facts::now_s};

/// A layer for tonic's server that refuses requests over connections whose certificate has expired or was
/// withdrawn since the handshake, and tells handlers who calls.
#[derive(Clone)]
pub struct PeerGate<F> {
    verifier: Arc<PeerVerifier>,
    identify: F,
}

impl<F> PeerGate<F> {
    /// Asks the directory of `verifier`. Handlers find what `identify` makes of the caller's number among the
    /// extensions of the request; it is their own type, so that they need not know of certificates.
    pub fn new(verifier: Arc<PeerVerifier>, identify: F) -> Self {
        Self { verifier, identify }
    }
}

impl<S, F: Clone> Layer<S> for PeerGate<F> {
    type Service = PeerGateService<S, F>;

    fn layer(&self, inner: S) -> Self::Service {
        let (verifier, identify) = (self.verifier.clone(), self.identify.clone());
        PeerGateService {
            verifier,
            identify,
            inner,
        }
    }
}

/// A service behind [`PeerGate`].
#[derive(Clone)]
pub struct PeerGateService<S, F> {
    verifier: Arc<PeerVerifier>,
    identify: F,
    inner: S,
}

impl<S, F, I, B, R> Service<http::Request<B>> for PeerGateService<S, F>
where
    F: Fn(MemberId) -> I,
    I: Clone + Send + Sync + 'static,
    S: Service<http::Request<B>, Response = http::Response<R>>,
    R: Default,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<S::Response, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let Some(connection) = request.extensions().get::<PeerConnection>() else {
            let status = Status::unauthenticated("no verified connection");
            return Either::Right(ready(Ok(status.into_http())));
        };
        let standing = self.verifier.standing(
            &connection.spki,
            connection.not_before_s,
            connection.not_after_s,
            now_s(),
        );
        match standing {
            Ok(member) => {
                request.extensions_mut().insert((self.identify)(member));
                Either::Left(self.inner.call(request))
            }
            Err(refusal) => {
                report(&refusal);
                Either::Right(ready(Ok(status(&refusal).into_http())))
            }
        }
    }
}

fn status(refusal: &PeerRefusal) -> Status {
    Status::new(Code::Unauthenticated, refusal.to_string())
}
