//! A row per source, as RFC 4180 has it.

use indelible_detect::ssh::address::Network;

use super::Outcome;
use super::words::{rate, time};

/// Header and rows; at most `top` of these.
pub(crate) fn csv(outcome: &Outcome, top: Option<usize>) -> String {
    let mut out = String::from(
        "address,network,failures,attempts,connections,successes,drops,names,first,last,rate_per_minute,outcome\r\n",
    );
    for source in outcome
        .report
        .sources
        .iter()
        .take(top.unwrap_or(usize::MAX))
    {
        let rate =
            rate(source.attempts, &source.seen).map_or(String::new(), |rate| format!("{rate:.3}"));
        // No value has a comma, a quote or a line feed in it.
        out.push_str(&format!(
            "{},{},{},{},{},{},{},{},{},{},{rate},{}\r\n",
            source.address,
            Network::of(source.address),
            source.failures,
            source.attempts,
            source.connections,
            source.successes,
            source.drops,
            source.names,
            time(source.seen.first_ms),
            time(source.seen.last_ms),
            source.outcome.name(),
        ));
    }
    out
}
