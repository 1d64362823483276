//! Logs, metrics and probes.
//!
//! Nothing that is logged or counted holds an identifier, a tag or an answer: whoever operates the machine need
//! not be allowed to know whom the institution asked about.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tacit_certs::PeerRefusal;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Telemetry};

/// Why telemetry does not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter of log lines is no filter.
    #[error("telemetry.log_filter is not usable: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Logs are written to somewhere else already.
    #[error("logging was started before: {0}")]
    Logging(String),
    /// Metrics are collected by something else already.
    #[error("metrics cannot be collected: {0}")]
    Metrics(#[from] BuildError),
    /// The listener of the probes cannot be opened.
    #[error("cannot listen for probes at {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
}

/// The filter of log lines.
///
/// # Errors
/// [`TelemetryError::Filter`].
pub fn filter(config: &Telemetry) -> Result<EnvFilter, TelemetryError> {
    Ok(EnvFilter::try_new(&config.log_filter)?)
}

/// Begins to write log lines to standard output.
///
/// # Errors
/// [`TelemetryError`], where the filter is no filter or logging was started before.
pub fn log(config: &Telemetry) -> Result<(), TelemetryError> {
    let filter = filter(config)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter);
    let started = match config.log_format {
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Text => lines.try_init(),
    };
    started.map_err(|error| TelemetryError::Logging(error.to_string()))
}

/// What the probes ask of the node.
pub trait Health: Send + Sync + 'static {
    /// Why the node cannot serve yet or any more; `None` when it can.
    fn not_ready(&self) -> Option<String>;

    /// Brings the gauges up to date before they are read.
    fn measure(&self);
}

/// Gauges that a node reports, with what they mean.
pub const GAUGES: [(&str, &str); 4] = [
    (
        "tacit_ledger_height",
        "Height of the newest finalized block that was executed.",
    ),
    (
        "tacit_read_model_height",
        "Height of the newest block in the SQL read model.",
    ),
    (
        "tacit_calls_waiting",
        "Batches of calls answered and not final yet.",
    ),
    (
        "tacit_lists_current",
        "Lists of others whose copy here is the version in force.",
    ),
];

/// Collects metrics and serves `/healthz`, `/readyz` and `/metrics` until the listener fails.
///
/// # Errors
/// [`TelemetryError`], where metrics are collected already or the listener cannot be opened.
pub async fn serve(address: SocketAddr, health: Arc<dyn Health>) -> Result<(), TelemetryError> {
    let collected = PrometheusBuilder::new().install_recorder()?;
    for (name, meaning) in GAUGES {
        metrics::describe_gauge!(name, meaning);
        metrics::gauge!(name).set(0.0);
    }
    for reason in PeerRefusal::CODES {
        metrics::counter!("tacit_peer_refused_total", "reason" => reason).absolute(0);
    }
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| TelemetryError::Listen { address, source })?;
    let router = Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .with_state(Probes { health, collected });
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "telemetry.serve: probes and metrics are not served any more");
        }
    });
    Ok(())
}

#[derive(Clone)]
struct Probes {
    health: Arc<dyn Health>,
    collected: PrometheusHandle,
}

async fn ready(State(probes): State<Probes>) -> (StatusCode, String) {
    match probes.health.not_ready() {
        None => (StatusCode::OK, "ready\n".into()),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

async fn metrics_text(State(probes): State<Probes>) -> String {
    probes.health.measure();
    probes.collected.run_upkeep();
    probes.collected.render()
}
