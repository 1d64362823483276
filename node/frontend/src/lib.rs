//! Screening, lists and snapshots beside a member's core systems.
