//! The commands of the server side: `tacit node …`, `tacit certs …` and `tacit demo`.

mod certs;
mod demo;
mod node;

pub use certs::CertsCommand;
pub use demo::DemoCommand;
pub use node::NodeCommand;
