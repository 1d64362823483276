//! Finalized events as SQL rows.
