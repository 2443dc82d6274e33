//! How well the detections do on cases.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use super::{cases, print};
use crate::detect::print::Form;

/// What a detection made of the cases.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    /// Cases in which it has something to find.
    positive: u32,
    /// Cases that look like those and are not.
    benign: u32,
    found: u32,
    missed: u32,
    /// Found where there is nothing.
    wrong: u32,
}

impl Score {
    /// How much of what it found was right; none if it found nothing.
    fn precision(&self) -> Option<f64> {
        ratio(self.found, self.found + self.wrong)
    }

    /// How much it found of what there is.
    fn recall(&self) -> Option<f64> {
        ratio(self.found, self.found + self.missed)
    }
}

/// Tries the detections on the files' cases and prints the outcome; says whether every case is as
/// expected.
///
/// # Errors
/// A file that is none of cases, or an output that cannot be written.
pub(crate) fn test(files: &[PathBuf], form: Form) -> Result<bool> {
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in files {
        let file = cases::read(path)?;
        for case in &file.cases {
            count += 1;
            let (findings, outside) = case.run(file.engine()?)?;
            let found: BTreeSet<&str> = findings.iter().map(|finding| finding.about.id).collect();
            let expected: BTreeSet<&str> = case.expect.iter().map(String::as_str).collect();
            for id in found.union(&expected) {
                let score = scores.entry((*id).to_owned()).or_default();
                score.positive += u32::from(expected.contains(id));
                score.found += u32::from(found.contains(id) && expected.contains(id));
                score.missed += u32::from(!found.contains(id));
                score.wrong += u32::from(!expected.contains(id));
            }
            if let Some(id) = file
                .detection
                .as_ref()
                .filter(|id| !case.expect.contains(id))
            {
                scores.entry(id.clone()).or_default().benign += 1;
            }
            let mut say = |what: &str, ids: Vec<&str>| {
                if !ids.is_empty() {
                    wrong.push(format!(
                        "{}: {}: {what} {}",
                        path.display(),
                        case.name,
                        ids.join(", ")
                    ));
                }
            };
            say("not found:", expected.difference(&found).copied().collect());
            say("found too:", found.difference(&expected).copied().collect());
            say(
                "outside of its own --where:",
                outside.iter().map(String::as_str).collect(),
            );
        }
    }
    print(&shown(&scores, &wrong, count, form))?;
    Ok(wrong.is_empty())
}

fn shown(scores: &BTreeMap<String, Score>, wrong: &[String], count: u32, form: Form) -> String {
    if form != Form::Table {
        let scores: Vec<_> = scores
            .iter()
            .map(|(id, score)| {
                json!({
                    "id": id,
                    "cases": score.positive,
                    "benign": score.benign,
                    "found": score.found,
                    "missed": score.missed,
                    "wrong": score.wrong,
                    "precision": score.precision(),
                    "recall": score.recall(),
                })
            })
            .collect();
        return format!(
            "{}\n",
            json!({"cases": count, "wrong": wrong, "detections": scores})
        );
    }
    let mut text = String::new();
    for line in wrong {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(
        text,
        "{:<26} {:>5} {:>6} {:>6} {:>6} {:>9} {:>6}",
        "detection", "cases", "benign", "missed", "wrong", "precision", "recall"
    );
    let shown =
        |ratio: Option<f64>| ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
    for (id, score) in scores {
        let _ = writeln!(
            text,
            "{id:<26} {:>5} {:>6} {:>6} {:>6} {:>9} {:>6}",
            score.positive,
            score.benign,
            score.missed,
            score.wrong,
            shown(score.precision()),
            shown(score.recall()),
        );
    }
    let _ = writeln!(text, "{count} cases, {} not as expected", wrong.len());
    text
}

fn ratio(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}
