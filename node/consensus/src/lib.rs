//! The ledger driver: agreement, execution and storage of blocks.
