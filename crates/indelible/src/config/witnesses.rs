//! Whom a collector asks to cosign its checkpoints.

use std::path::PathBuf;

use serde::Deserialize;

/// A witness (C2SP tlog-witness).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WitnessConfig {
    /// Its public key as a C2SP verifier key, `NAME+ID+BASE64`.
    pub(crate) key: String,
    /// Where it listens: `add-checkpoint` is put behind it.
    pub(crate) url: String,
    /// Certificates of the authorities that an `https` witness must come from, as PEM.
    pub(crate) ca: Option<PathBuf>,
    /// Publish nothing that this witness has not signed.
    #[serde(default)]
    pub(crate) required: bool,
}

impl WitnessConfig {
    /// A witness on the command line: its key, white space, its URL.
    ///
    /// # Errors
    /// Text of another form.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (key, url) = text
            .trim()
            .split_once(char::is_whitespace)
            .ok_or("expected a key and a URL, as in \"NAME+ID+BASE64 https://witness.example\"")?;
        Ok(Self {
            key: key.to_owned(),
            url: url.trim_start().to_owned(),
            ca: None,
            required: false,
        })
    }
}
