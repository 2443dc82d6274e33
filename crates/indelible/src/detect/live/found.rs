//! Findings of the engines in the one shape in which they are recorded.

use indelible_detect::{builtin, sigma};
use indelible_record::{Stamp, UNSET};

use super::limits::{FINDING_BYTES_MAX, VALUE_BYTES_MAX, WHY_BYTES_MAX};
use crate::detect::sigma::license;
use crate::payload::finding::{EntriesSeen, EventSeen, Finder, Finding, RuleSource};
use crate::payload::to_bytes;

/// Says in which entries an event stands.
pub(super) type Locate<'a> = &'a dyn Fn(Option<&[u8]>, Stamp) -> Option<EntriesSeen>;

/// A built-in detection's.
pub(super) fn of_builtin(found: &builtin::Finding, locate: Locate<'_>) -> Finding {
    let about = found.about;
    let mut finding = Finding::new(
        (about.id, Finder::Builtin),
        found.level,
        about.title,
        cut(&found.why, WHY_BYTES_MAX),
    );
    finding.techniques = vec![found.technique.to_owned()];
    finding.host = found.node.as_deref().map(text);
    finding.events = events(&found.stamps, found.node.as_deref(), locate);
    finding.pid = found.pid;
    finding.exe = found.exe.as_deref().map(text);
    finding.auid = found.auid.filter(|auid| *auid != UNSET);
    finding
}

/// A Sigma rule's.
pub(super) fn of_sigma(found: &sigma::Finding, locate: Locate<'_>) -> Finding {
    let rule = &found.rule;
    let id = rule.id.as_deref().unwrap_or(&rule.title);
    let mut why: Vec<String> = Vec::new();
    if let Some(correlated) = &found.correlated {
        why.push(format!(
            "{} of {} events",
            correlated.value,
            correlated.stamps.len()
        ));
    }
    let values = found.fields.iter();
    why.extend(values.map(|(name, value)| format!("{name}={}", text(value))));
    if why.is_empty() {
        why.push("the event is as the rule describes".into());
    }
    let mut finding = Finding::new(
        (cut(id, VALUE_BYTES_MAX), Finder::Sigma),
        rule.level,
        cut(&rule.title, VALUE_BYTES_MAX),
        cut(&why.join(", "), WHY_BYTES_MAX),
    );
    finding.techniques = rule.techniques().collect();
    finding.host = found.node.as_deref().map(text);
    let stamps = match &found.correlated {
        Some(correlated) => correlated.stamps.clone(),
        None => found.stamp.into_iter().collect(),
    };
    finding.events = events(&stamps, found.node.as_deref(), locate);
    finding.fields = found
        .fields
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect();
    finding.rule = Some(RuleSource {
        author: rule
            .author
            .as_deref()
            .map(|author| cut(author, VALUE_BYTES_MAX)),
        license: cut(license(rule), VALUE_BYTES_MAX),
        file: cut(&rule.file, VALUE_BYTES_MAX),
    });
    finding
}

/// The bytes of its entry: never more than an entry can hold.
pub(super) fn bytes(finding: &mut Finding) -> Vec<u8> {
    let bytes = to_bytes(finding);
    if bytes.len() <= FINDING_BYTES_MAX {
        return bytes;
    }
    finding.fields.clear();
    finding.events.truncate(1);
    finding.why = cut(&finding.why, VALUE_BYTES_MAX);
    to_bytes(finding)
}

fn events(stamps: &[Stamp], node: Option<&[u8]>, locate: Locate<'_>) -> Vec<EventSeen> {
    stamps
        .iter()
        .map(|stamp| EventSeen {
            time_ms: stamp.ms(),
            serial: Some(u64::from(stamp.serial)),
            entries: locate(node, *stamp),
        })
        .collect()
}

fn text(bytes: &[u8]) -> String {
    cut(&String::from_utf8_lossy(bytes), VALUE_BYTES_MAX)
}

/// Not more than so many bytes, cut between characters.
pub(super) fn cut(text: &str, bytes_max: usize) -> String {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use indelible_detect::sigma::Level;

    use super::*;

    #[test]
    fn a_finding_fits_into_an_entry_whatever_the_attacker_writes() {
        let hostile = "\u{1}".repeat(20_000);
        let name = ("x", Finder::Sigma);
        let mut finding = Finding::new(name, Level::Low, "t", cut(&hostile, WHY_BYTES_MAX));
        for number in 0..24 {
            let value = cut(&hostile, VALUE_BYTES_MAX);
            finding.fields.insert(format!("field{number}"), value);
        }
        assert!(to_bytes(&finding).len() > FINDING_BYTES_MAX);
        let bytes = bytes(&mut finding);
        assert!(bytes.len() <= FINDING_BYTES_MAX, "{}", bytes.len());
        assert_eq!(serde_json::from_slice::<Finding>(&bytes).unwrap(), finding);
        assert_eq!(cut("aé", 2), "a");
    }
}
