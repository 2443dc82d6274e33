//! What enrolment leaves on a host: a folder with its identity, and where its collector is.
//!
//! `collector.json`, `ca.pem`, `log.vkey`, and `host.pem` with key and certificate in one file, so
//! that a renewal replaces both at once.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::client;
use super::token::Token;
use crate::agent::layout::Owner;
use crate::config::{CollectorAddress, TlsFiles};
use crate::files;
use crate::net::certificate::Certificate;
use crate::net::pki::now_s;
use crate::net::tls::Identity;

/// What a collector granted.
pub(crate) struct Granted {
    pub(super) certificate: String,
    pub(super) key: String,
    pub(super) authority: String,
    pub(super) log_key: String,
}

/// The folder of a host's identity.
#[derive(Clone, Debug)]
pub(crate) struct IdentityFolder {
    folder: PathBuf,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Place {
    v: u8,
    address: String,
    /// In the collector's certificate.
    name: String,
    /// In this host's.
    host: String,
}

impl IdentityFolder {
    /// Names the folder; touches nothing.
    pub(crate) fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Whether the host was enrolled.
    pub(crate) fn exists(&self) -> bool {
        self.file("collector.json").exists()
    }

    /// The collector, with this identity's files.
    pub(crate) fn collector(&self) -> Result<CollectorAddress> {
        let place = self.place()?;
        Ok(CollectorAddress {
            address: place.address,
            alternates: Vec::new(),
            name: place.name,
            log_key: self.file("log.vkey"),
            tls: self.files(),
        })
    }

    /// Enrols this host with a token, under a name; what is written belongs to `owner`.
    pub(crate) fn enroll(&self, token: &Token, host: &str, owner: Option<Owner>) -> Result<()> {
        let granted = block_on(client::enroll(token, host))?;
        let place = Place {
            v: 1,
            address: token.address.clone(),
            name: token.name.clone(),
            host: host.to_owned(),
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .with_context(|| format!("cannot create {}", self.folder.display()))?;
        self.keep(&granted)?;
        self.write("log.vkey", &format!("{}\n", granted.log_key))?;
        // Last: with it the identity is complete.
        self.write("collector.json", &serde_json::to_string(&place)?)?;
        self.give_to(owner)
    }

    /// Makes the files those of the worker, who renews them.
    pub(crate) fn give_to(&self, owner: Option<Owner>) -> Result<()> {
        if let Some(Owner { uid, gid }) = owner {
            let names = ["", "ca.pem", "host.pem", "log.vkey", "collector.json"];
            for name in names {
                chown(self.file(name), Some(uid), Some(gid))
                    .with_context(|| format!("cannot give {name} to the worker"))?;
            }
        }
        Ok(())
    }

    /// Whether a third of the certificate's time is over.
    pub(crate) fn is_renewal_due(&self) -> Result<bool> {
        let certificate = Certificate::read(&self.file("host.pem"))?;
        let lifetime_s = certificate.ends_s.saturating_sub(certificate.begins_s);
        Ok(now_s() >= certificate.begins_s + lifetime_s / 3)
    }

    /// Gets a new key and certificate.
    pub(crate) async fn renew(&self) -> Result<()> {
        let place = self.place()?;
        let identity = Identity::read(&self.files())?;
        let granted = client::renew(&place.address, &place.name, identity, &place.host).await?;
        self.keep(&granted)
    }

    /// As [`IdentityFolder::renew`], where nothing else runs.
    pub(crate) fn renew_now(&self) -> Result<()> {
        block_on(self.renew())
    }

    pub(crate) fn files(&self) -> TlsFiles {
        TlsFiles {
            ca: self.file("ca.pem"),
            certificate: self.file("host.pem"),
            key: self.file("host.pem"),
        }
    }

    fn place(&self) -> Result<Place> {
        let path = self.file("collector.json");
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("in {}", path.display()))
    }

    fn keep(&self, granted: &Granted) -> Result<()> {
        self.write("ca.pem", &granted.authority)?;
        self.write(
            "host.pem",
            &format!("{}{}", granted.key, granted.certificate),
        )
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Replaces a file, readable by its owner alone.
    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.file(name);
        files::replace(&path, 0o600, text.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(future)
}
