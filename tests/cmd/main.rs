//! The command line as people and scripts meet it: no test here needs a node or a network.

mod ceremony;
mod completion;
mod failures;
mod help;
mod identifiers;
mod tacit;
