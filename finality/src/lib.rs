//! Block headers, finality certificates and their verification.
