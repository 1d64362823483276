//! The server of a member institution.
