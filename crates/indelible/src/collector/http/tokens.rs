//! Tokens: who may read.
//!
//! A file has a line per token: `NAME EXPIRES SHA256`, the expiry in RFC 3339 and the digest of the
//! token in hexadecimal; `#` begins a comment. The token itself stands nowhere but with its holder.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;

use super::noted::Principal;

/// The tokens of a file.
#[derive(Debug, Default)]
pub(super) struct Tokens(Vec<Token>);

#[derive(Debug)]
struct Token {
    /// Who holds it, as entries of the log name them.
    principal: Arc<str>,
    expires: Timestamp,
    sha256: [u8; 32],
}

impl Tokens {
    /// Reads the file.
    ///
    /// # Errors
    /// A file that others may read, or a line of another form.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
        let mut tokens = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.split('#').next().unwrap_or_default();
            if !line.trim().is_empty() {
                let token =
                    Token::parse(line).with_context(|| format!("in {shown}, line {number}"))?;
                tokens.push(token);
            }
        }
        Ok(Self(tokens))
    }

    /// The holder of the token with this secret, if there is one and it is not expired.
    pub(super) fn accept(&self, secret: &[u8], now: Timestamp) -> Option<Principal> {
        let hash = digest(&SHA256, secret);
        // Every token is compared, so that the time tells nothing.
        self.0.iter().fold(None, |accepted, token| {
            let equal = verify_slices_are_equal(&token.sha256, hash.as_ref()).is_ok();
            let holder = (equal && now < token.expires).then(|| Principal(token.principal.clone()));
            accepted.or(holder)
        })
    }
}

impl Token {
    fn parse(line: &str) -> Result<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, expires, digits] = words.as_slice() else {
            bail!("expected NAME EXPIRES SHA256");
        };
        let mut sha256 = [0; 32];
        if digits.len() != 64 {
            bail!("a SHA-256 has 64 hexadecimal digits");
        }
        for (byte, pair) in sha256.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair)?;
            *byte = u8::from_str_radix(pair, 16).context("not hexadecimal")?;
        }
        Ok(Self {
            principal: format!("token:{name}").into(),
            expires: expires.parse().context("the expiry is no RFC 3339 time")?,
            sha256,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_expire_and_are_known_by_their_digest() {
        let digest = digest(&SHA256, b"secret");
        let digits = crate::payload::hex(digest.as_ref());
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(
            &file,
            format!("# who\nalice 2026-01-02T00:00:00Z {digits} # until then\n\n"),
        )
        .unwrap();
        let tokens = Tokens::read(file.path()).unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let accepted = tokens.accept(b"secret", at("2026-01-01T23:59:59Z"));
        assert_eq!(accepted, Some(Principal("token:alice".into())));
        let refused = [
            tokens.accept(b"secret", at("2026-01-02T00:00:00Z")),
            tokens.accept(b"Secret", at("2026-01-01T00:00:00Z")),
            Tokens::default().accept(b"", at("2026-01-01T00:00:00Z")),
        ];
        assert_eq!(refused, [None, None, None]);
        for bad in [
            "alice",
            "alice tomorrow 00",
            "alice 2026-01-02T00:00:00Z 00",
        ] {
            fs::write(&file, bad).unwrap();
            let error = format!("{:#}", Tokens::read(file.path()).unwrap_err());
            assert!(error.contains("line 1"), "{error}");
        }
    }
}
