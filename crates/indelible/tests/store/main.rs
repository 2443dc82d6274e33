//! What a collector's store keeps, for how long, and how it gets out.

mod export;
mod lab;
mod limits;
mod orders;
mod retention;
