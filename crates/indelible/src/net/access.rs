//! How a reader shows a collector who it is: a token or a certificate, and whom it believes.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;

use super::http::Credentials;

/// What is shown to a collector. Secrets stand in files or the environment, where other users of this
/// host do not see them as they see arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub(crate) struct Access {
    /// File with the token that may read there [default: INDELIBLE_TOKEN in the environment, or the
    /// unit's credential `indelible.token`]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Certificates of the authorities that an https server comes from, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Certificate to show instead of a token, PEM
    #[arg(long, value_name = "FILE", requires = "certificate_key")]
    pub(crate) certificate: Option<PathBuf>,
    /// The certificate's private key, PEM
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) certificate_key: Option<PathBuf>,
}

impl Access {
    /// What to show to the server at a URL.
    ///
    /// # Errors
    /// Files that cannot be read; a URL that would show a token to everybody on the way, and `https`
    /// without anybody to believe.
    pub(crate) fn credentials(&self, url: &str) -> Result<Credentials<'_>> {
        let token = self.token()?;
        match url.strip_prefix("http://") {
            Some(rest) => ensure!(
                is_loopback(rest) || token.is_none(),
                "{url} would show the token to everybody on the way; use https://"
            ),
            None => {
                ensure!(
                    url.starts_with("https://"),
                    "{url:?} is no URL of a collector: https://HOST:PORT"
                );
                ensure!(
                    self.ca.is_some(),
                    "https needs the authority that the collector's certificate comes from: --ca FILE"
                );
            }
        }
        Ok(Credentials {
            ca: self.ca.as_deref(),
            certificate: self
                .certificate
                .as_deref()
                .zip(self.certificate_key.as_deref()),
            token,
        })
    }

    fn token(&self) -> Result<Option<String>> {
        let read = |path: &PathBuf| {
            let token = std::fs::read_to_string(path);
            token.with_context(|| format!("cannot read {}", path.display()))
        };
        let credential = || {
            let folder = std::env::var_os("CREDENTIALS_DIRECTORY")?;
            Some(PathBuf::from(folder).join(CREDENTIAL)).filter(|path| path.exists())
        };
        let text = match &self.token_file {
            Some(path) => Some(read(path)?),
            None => match std::env::var(VARIABLE) {
                Ok(token) => Some(token),
                Err(_) => credential().as_ref().map(read).transpose()?,
            },
        };
        let Some(text) = text else {
            return Ok(None);
        };
        let token = text.trim();
        let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        ensure!(is_token, "the token is empty, or no one word of ASCII");
        Ok(Some(token.to_owned()))
    }
}

/// Whether what follows `http://` names this host.
fn is_loopback(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

const VARIABLE: &str = "INDELIBLE_TOKEN";
const CREDENTIAL: &str = "indelible.token";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_only_where_nobody_listens() {
        for yes in ["127.0.0.1:80", "localhost", "[::1]:8080/x", "127.1.2.3"] {
            assert!(is_loopback(yes), "{yes}");
        }
        for no in [
            "192.0.2.1",
            "localhost.example:1",
            "a@127.0.0.1:1",
            "",
            "127.0.0.1.example",
        ] {
            assert!(!is_loopback(no), "{no}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "secret\n").unwrap();
        let access = Access {
            token_file: Some(file.clone()),
            ..Access::default()
        };
        let refused = |access: &Access, url: &str| {
            let error = access.credentials(url).err();
            error.map_or_else(String::new, |error| format!("{error:#}"))
        };
        let told = access.credentials("http://127.0.0.1:1").unwrap();
        assert_eq!(told.token.as_deref(), Some("secret"));
        assert!(refused(&access, "http://192.0.2.1").contains("use https"));
        assert!(refused(&access, "https://192.0.2.1").contains("--ca FILE"));
        assert!(refused(&access, "192.0.2.1").contains("no URL"));
        std::fs::write(&file, "two words").unwrap();
        assert!(refused(&access, "http://127.0.0.1").contains("no one word"));
    }
}
