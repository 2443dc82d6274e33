//! A certificate authority for one collector and its hosts, in one folder.
//!
//! `ca.pem`, `ca-key.pem`, and for each name `<name>.pem` and `<name>-key.pem`; keys are readable
//! by their owner alone. Sites that have an authority name its files in the configuration instead.

use std::fs::{self, File};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};

use crate::config::TlsFiles;

/// A folder that holds, or will hold, an authority.
#[derive(Clone, Debug)]
pub(crate) struct Pki {
    folder: PathBuf,
}

impl Pki {
    /// Names the folder; touches nothing.
    pub(crate) fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Makes the authority and the collector's certificate where they are missing.
    pub(crate) fn ensure(&self) -> Result<()> {
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("cannot create {}", self.folder.display()))?;
        if !self.authority().exists() {
            let key = KeyPair::generate()?;
            let authority = CertifiedIssuer::self_signed(authority_params(), key)?;
            write_private(&self.file("ca-key"), &authority.key().serialize_pem())?;
            write(&self.authority(), &authority.pem())?;
        }
        if !self.certificate(COLLECTOR).exists() {
            self.issue(COLLECTOR)?;
        }
        Ok(())
    }

    /// Issues a certificate for `name`, which becomes the peer name of its holder.
    pub(crate) fn issue(&self, name: &str) -> Result<()> {
        let issuer_key = KeyPair::from_pem(&read(&self.file("ca-key"))?)?;
        let issuer = Issuer::new(authority_params(), issuer_key);
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        if name == COLLECTOR {
            for address in [
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(Ipv6Addr::LOCALHOST),
            ] {
                params.subject_alt_names.push(SanType::IpAddress(address));
            }
        }
        let certificate = params.signed_by(&key, &issuer)?;
        write_private(&self.file(&format!("{name}-key")), &key.serialize_pem())?;
        write(&self.certificate(name), &certificate.pem())
    }

    /// The files that `name` needs for its side of a connection.
    pub(crate) fn files(&self, name: &str) -> TlsFiles {
        TlsFiles {
            ca: self.authority(),
            certificate: self.certificate(name),
            key: self.file(&format!("{name}-key")),
        }
    }

    /// Where the collector leaves its verifier key for its agents.
    pub(crate) fn log_key(&self) -> PathBuf {
        self.folder.join("log.vkey")
    }

    fn authority(&self) -> PathBuf {
        self.file("ca")
    }

    fn certificate(&self, name: &str) -> PathBuf {
        self.file(name)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.pem"))
    }
}

/// What the authority's certificate says; certificates that it signs name it so.
fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "Indelible authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut options = File::options();
    let open = options
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path);
    open.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The collector's name in its own certificate.
pub(crate) const COLLECTOR: &str = "collector";
