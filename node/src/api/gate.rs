//! Lets through whom the list of operators knows, for what their roles allow.
//!
//! The list is looked at with each request: an open connection does not outlive the withdrawal of its certificate,
//! nor its expiry.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use futures::future::Either;
use tacit_certs::SpkiHash;
use tacit_certs::serve::OperatorConnection;
use tonic::codegen::http;
use tonic::{Code, Status};
use tower::{Layer, Service};

use super::error::ApiError;
use super::roles;
use crate::operators::{LiveOperators, Role};

/// Who calls. Handlers find it among the extensions of a request that was let through.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The name in the list of operators.
    pub name: String,
    /// The key of the certificate that was shown.
    pub spki: SpkiHash,
}

/// The layer.
#[derive(Clone, Debug)]
pub struct OperatorGate(Arc<LiveOperators>);

impl OperatorGate {
    /// Asks this list.
    pub fn new(operators: Arc<LiveOperators>) -> Self {
        Self(operators)
    }

    fn admit(&self, connection: &OperatorConnection, path: &str) -> Result<Caller, Status> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_s = now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        if now_s > connection.not_after_s {
            return Err(unknown(
                "certificate-expired",
                "the certificate has expired".into(),
            ));
        }
        let Some(listed) = self.0.by_key(&connection.spki) else {
            let spki = connection.spki;
            return Err(unknown(
                "operator-unknown",
                format!("the certificate with the key {spki} is not in the node's operators.toml"),
            ));
        };
        let call = roles::call_of(path).unwrap_or_default();
        let needed = roles::needed(call)
            .ok_or_else(|| Status::unimplemented("the service has no such call"))?;
        if !needed.iter().any(|role| listed.roles.contains(role)) {
            return Err(missing(&listed.name, &listed.roles, call, needed));
        }
        Ok(Caller {
            name: listed.name,
            spki: connection.spki,
        })
    }
}

fn unknown(code: &str, message: String) -> Status {
    let remedy = "Ask whoever keeps the node's operators.toml.";
    with_code(
        Code::Unauthenticated,
        ApiError::caller(code, message, remedy),
    )
}

fn missing(name: &str, held: &[Role], call: &str, needed: &[Role]) -> Status {
    let held: Vec<&str> = held.iter().map(|role| role.name()).collect();
    let message = format!(
        "{call} needs {}; {name} holds: {}",
        roles::words(needed),
        held.join(", ")
    );
    let remedy = "Ask somebody who holds it, or whoever keeps the node's operators.toml.";
    with_code(
        Code::PermissionDenied,
        ApiError::caller("role-missing", message, remedy),
    )
}

fn with_code(code: Code, error: ApiError) -> Status {
    let status = Status::from(error);
    let details = status.details().to_vec();
    Status::with_details(code, status.message(), details.into())
}

impl<S> Layer<S> for OperatorGate {
    type Service = OperatorGateService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        OperatorGateService {
            gate: self.clone(),
            inner,
        }
    }
}

/// A service behind [`OperatorGate`].
#[derive(Clone, Debug)]
pub struct OperatorGateService<S> {
    gate: OperatorGate,
    inner: S,
}

impl<S, B, R> Service<http::Request<B>> for OperatorGateService<S>
where
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
        let connection = request.extensions().get::<OperatorConnection>();
        let admitted = match connection {
            Some(connection) => self.gate.admit(connection, request.uri().path()),
            None => Err(Status::unauthenticated("no operator's certificate")),
        };
        match admitted {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
                Either::Left(self.inner.call(request))
            }
            Err(status) => {
                tracing::warn!(reason = status.message(), "operators.gate: refused");
                Either::Right(ready(Ok(status.into_http())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operators::Operators;

    const SERVICE: &str = "/tacit.operator.v1.Operator/";

    fn connection(spki: SpkiHash, not_after_s: i64) -> OperatorConnection {
        OperatorConnection {
            name: "as the certificate says".into(),
            spki,
            not_after_s,
            address: ([127, 0, 0, 1], 1).into(),
        }
    }

    #[test]
    fn each_role_opens_its_calls_and_a_refusal_names_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("operators.toml");
        let key = |place: usize| SpkiHash([place as u8; 32]);
        let entries = Role::ALL.iter().enumerate();
        let entries =
            entries.map(|(place, role)| Operators::entry(role.name(), &key(place), &[*role]));
        std::fs::write(&path, entries.collect::<String>()).unwrap();
        let gate = OperatorGate::new(LiveOperators::open(&path).unwrap());
        for (call, needed) in super::roles::all() {
            for (place, role) in Role::ALL.into_iter().enumerate() {
                let connection = connection(key(place), i64::MAX);
                let admitted = gate.admit(&connection, &format!("{SERVICE}{call}"));
                match admitted {
                    Ok(caller) => {
                        assert!(needed.contains(&role), "{call} with {role}");
                        assert_eq!(caller.name, role.name());
                    }
                    Err(status) => {
                        assert!(!needed.contains(&role), "{call} with {role}");
                        assert_eq!(status.code(), Code::PermissionDenied);
                        let detail = tacit_proto::error_detail(&status).unwrap();
                        assert_eq!(detail.code, "role-missing");
                        for needed in *needed {
                            assert!(detail.message.contains(needed.name()), "{detail:?}");
                        }
                    }
                }
            }
        }
        let status = gate.admit(&connection(key(0), i64::MAX), "/other.Service/Screen");
        assert_eq!(status.unwrap_err().code(), Code::Unimplemented);
    }

    #[test]
    fn who_is_not_listed_or_has_expired_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("operators.toml");
        std::fs::write(&path, Operators::first("alice", &SpkiHash([1; 32]))).unwrap();
        let gate = OperatorGate::new(LiveOperators::open(&path).unwrap());
        let status = format!("{SERVICE}Status");
        gate.admit(&connection(SpkiHash([1; 32]), i64::MAX), &status)
            .unwrap();
        for (connection, code) in [
            (connection(SpkiHash([2; 32]), i64::MAX), "operator-unknown"),
            (connection(SpkiHash([1; 32]), 1_000), "certificate-expired"),
        ] {
            let refused = gate.admit(&connection, &status).unwrap_err();
            assert_eq!(refused.code(), Code::Unauthenticated);
            assert_eq!(tacit_proto::error_detail(&refused).unwrap().code, code);
        }
    }
}
