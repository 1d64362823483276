//! The client library and the commands that people type.
