//! Tokens: what lets one new host in, once.

use std::fmt;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use serde::{Deserialize, Serialize};

use crate::payload::{hex, unhex};

/// What the operator carries to a host: one line of JSON.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    v: u8,
    /// `HOST:PORT` of the collector.
    pub(crate) address: String,
    /// The DNS name in its certificate.
    pub(crate) name: String,
    /// SHA-256 of the authority's certificate (DER), hexadecimal.
    pub(crate) authority_sha256: String,
    /// Hexadecimal.
    pub(crate) secret: String,
    /// Seconds since 1970.
    pub(crate) expires_s: u64,
}

impl Token {
    /// Reads what [`Token::text`] wrote.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let token: Self = serde_json::from_str(text.trim()).context("this is not a token")?;
        ensure!(token.v == 1, "tokens of version {} are unknown", token.v);
        ensure!(
            unhex::<32>(&token.authority_sha256).is_some(),
            "the token's hash of the authority is not 32 bytes"
        );
        Ok(token)
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("a structure with string keys")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Token({}, secret not shown)", self.address)
    }
}

/// The collector's side: a file per token, named by the hash of its secret.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    v: u8,
    expires_s: u64,
    /// The one host that may use it; any new one where it is missing.
    host: Option<String>,
}

impl Tokens {
    /// The tokens of the authority in a folder.
    pub(crate) fn of(pki: &Path) -> Self {
        Self {
            folder: pki.join("tokens"),
        }
    }

    /// Makes a token, and forgets those that ended long ago.
    pub(crate) fn create(
        &self,
        address: &str,
        name: &str,
        authority: &[u8],
        host: Option<&str>,
        now_s: u64,
        lifetime_s: u64,
    ) -> Result<Token> {
        let shown = || format!("cannot write to {}", self.folder.display());
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .with_context(shown)?;
        self.forget(now_s);
        let mut secret = [0; 32];
        rand::fill(&mut secret).context("the system gives no random bytes")?;
        let expires_s = now_s + lifetime_s;
        let kept = Kept {
            v: 1,
            expires_s,
            host: host.map(str::to_owned),
        };
        let mut options = fs::File::options();
        let mut file = options
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(self.path(&secret))
            .with_context(shown)?;
        file.write_all(&serde_json::to_vec(&kept)?)
            .with_context(shown)?;
        Ok(Token {
            v: 1,
            address: address.to_owned(),
            name: name.to_owned(),
            authority_sha256: hex(digest(&SHA256, authority).as_ref()),
            secret: hex(&secret),
            expires_s,
        })
    }

    /// Uses a token up; the answer is the host that it is for, where it is for one alone.
    ///
    /// # Errors
    /// For a token that is unknown, used or over: in words that help an operator.
    pub(crate) fn redeem(&self, secret: &str, now_s: u64) -> Result<Option<String>> {
        let Some(secret) = unhex::<32>(secret) else {
            bail!("this is not a token of this collector");
        };
        let path = self.path(&secret);
        let used = path.with_extension("used");
        // The one rename that succeeds is the one use.
        if fs::rename(&path, &used).is_err() {
            if used.exists() {
                bail!("the token was used already; make another with `indelible token create`");
            }
            bail!("this is not a token of this collector");
        }
        let kept: Kept = serde_json::from_slice(&fs::read(&used).context("the token is gone")?)
            .context("the token cannot be read")?;
        ensure!(
            now_s < kept.expires_s,
            "the token has expired; make another with `indelible token create`"
        );
        Ok(kept.host)
    }

    fn forget(&self, now_s: u64) {
        for item in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let kept = fs::read(item.path())
                .ok()
                .and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
            if kept.is_some_and(|kept| kept.expires_s + FORGET_AFTER_S < now_s) {
                let _ = fs::remove_file(item.path());
            }
        }
    }

    fn path(&self, secret: &[u8; 32]) -> PathBuf {
        self.folder.join(hex(digest(&SHA256, secret).as_ref()))
    }
}

/// How long a token lives.
pub(crate) const LIFETIME_MINUTES: u64 = 30;
/// How long it is known that one was used.
const FORGET_AFTER_S: u64 = 24 * 3600;

#[cfg(test)]
mod tests {
    use super::*;

    fn error(result: Result<Option<String>>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn a_token_is_good_once_and_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = Tokens::of(folder.path());
        let create = |host| {
            tokens
                .create("c:1", "collector", b"der", host, 1000, 60)
                .unwrap()
        };
        let token = create(None);
        assert_eq!(Token::parse(&(token.text() + "\n")).unwrap(), token);
        assert!(!format!("{token:?}").contains(&token.secret));
        assert_eq!(tokens.redeem(&token.secret, 1059).unwrap(), None);
        assert!(error(tokens.redeem(&token.secret, 1059)).contains("used already"));
        let token = create(Some("web1"));
        assert_eq!(
            tokens.redeem(&token.secret, 1000).unwrap().as_deref(),
            Some("web1")
        );
        let token = create(None);
        assert!(error(tokens.redeem(&token.secret, 1060)).contains("expired"));
        assert!(error(tokens.redeem(&"0".repeat(64), 1)).contains("not a token"));
        assert!(error(tokens.redeem("../../etc/passwd", 1)).contains("not a token"));
        // Long over: not even known to be used.
        tokens
            .create("c:1", "collector", b"der", None, 1_000_000, 60)
            .unwrap();
        assert!(error(tokens.redeem(&token.secret, 1)).contains("not a token"));
        assert!(Token::parse("{}").is_err());
    }
}
