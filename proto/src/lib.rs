//! Protocol buffers and their generated types.
