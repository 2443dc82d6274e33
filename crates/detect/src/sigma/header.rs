//! What a rule says about itself.

use std::fmt;
use std::str::FromStr;

use super::yaml::Yaml;

/// Title, author, level and the like, as findings show them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// What the rule finds.
    pub title: String,
    /// A UUID, mostly.
    pub id: Option<String>,
    /// By which correlations may refer to it.
    pub name: Option<String>,
    /// `stable`, `test`, `experimental` …
    pub status: Option<String>,
    /// How bad it is.
    pub level: Level,
    /// Who wrote it; the Detection Rule License asks for this to be shown.
    pub author: Option<String>,
    /// The licence that the rule names.
    pub license: Option<String>,
    /// Where to read more.
    pub references: Vec<String>,
    /// `attack.t1059`, `attack.execution` …
    pub tags: Vec<String>,
    /// The file that it stands in, as the caller named it.
    pub file: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// To know of.
    Informational,
    /// Low.
    Low,
    /// What a rule without a level has.
    #[default]
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Level {
    /// All of them, ascending.
    pub const ALL: [Level; 5] = [
        Level::Informational,
        Level::Low,
        Level::Medium,
        Level::High,
        Level::Critical,
    ];

    /// As rules write it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Informational => "informational",
            Level::Low => "low",
            Level::Medium => "medium",
            Level::High => "high",
            Level::Critical => "critical",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Level, String> {
        let found = Level::ALL
            .into_iter()
            .find(|level| text.eq_ignore_ascii_case(level.name()));
        found.ok_or_else(|| {
            let names = Level::ALL.map(Level::name).join(", ");
            format!("{text:?} is no level; there are {names}")
        })
    }
}

impl Header {
    /// ATT&CK techniques in the tags: `T1059.004`.
    pub fn techniques(&self) -> impl Iterator<Item = String> {
        self.tags.iter().filter_map(|tag| {
            let technique = tag.to_ascii_lowercase();
            let number = technique.strip_prefix("attack.t")?;
            number
                .starts_with(|first: char| first.is_ascii_digit())
                .then(|| format!("T{number}"))
        })
    }

    pub(super) fn read(document: &Yaml, file: &str) -> Result<Header, String> {
        let text = |name: &str| match document.get(name) {
            None => Ok(None),
            Some(Yaml::Scalar(_)) => Ok(document.get(name).and_then(Yaml::text).map(str::to_owned)),
            Some(_) => Err(format!("{name} is no text")),
        };
        let texts = |name: &str| match document.get(name) {
            None => Ok(Vec::new()),
            Some(node) => node
                .texts()
                .ok_or_else(|| format!("{name} is no list of texts")),
        };
        // A few rules give several authors as a list.
        let author = texts("author")?.join(", ");
        Ok(Header {
            title: text("title")?.ok_or("it has no title")?,
            id: text("id")?,
            name: text("name")?,
            status: text("status")?,
            level: text("level")?
                .map(|level| level.parse())
                .transpose()?
                .unwrap_or_default(),
            author: (!author.is_empty()).then_some(author),
            license: text("license")?,
            references: texts("references")?,
            tags: texts("tags")?,
            file: file.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_techniques() {
        assert!(Level::Critical > Level::High);
        assert_eq!("HIGH".parse(), Ok(Level::High));
        assert!(
            "urgent"
                .parse::<Level>()
                .expect_err("none")
                .contains("critical")
        );
        let header = Header {
            tags: [
                "attack.t1059.004",
                "attack.execution",
                "cve.2021-1",
                "attack.tools",
            ]
            .map(str::to_owned)
            .to_vec(),
            ..Header::default()
        };
        assert_eq!(header.techniques().collect::<Vec<_>>(), ["T1059.004"]);
    }
}
