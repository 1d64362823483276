//! Certificates: a development authority, loading, reloading, mutual TLS.
