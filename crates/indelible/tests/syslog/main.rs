//! Receivers of syslog and RELP: what peers send is in the store, once, as it was sent; and what
//! is not a peer harms nobody.

mod collector;
mod framing;
mod full;
mod hostile;
mod peer;
mod rsyslog;
mod search;
mod udp;
