//! What a collector's store keeps, for how long, and how it gets out.

mod export;
mod lab;
mod orders;
mod retention;
