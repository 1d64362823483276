//! A ceremony from its header to proofs, and what is refused on the way.

mod attacks;
mod changed;
mod circuit;
mod forge;
mod refused_bytes;
mod whole;
mod world;
