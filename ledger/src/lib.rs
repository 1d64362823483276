//! The deterministic state machine: kernel and risk network.
