//! What goes over the network: certificates, TLS, and the names that they prove.

pub(crate) mod access;
pub(crate) mod certificate;
pub(crate) mod checkpoint;
pub(crate) mod enrol;
pub(crate) mod http;
pub(crate) mod link;
pub(crate) mod pki;
pub(crate) mod tls;
