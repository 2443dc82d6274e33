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
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use time::OffsetDateTime;

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

    /// Makes the authority and the collector's certificate where they are missing; true if there was
    /// no authority.
    pub(crate) fn ensure(&self) -> Result<bool> {
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("cannot create {}", self.folder.display()))?;
        let is_new = !self.authority().exists();
        if is_new {
            let key = KeyPair::generate()?;
            let authority = CertifiedIssuer::self_signed(authority_params(), key)?;
            write_private(&self.file("ca-key"), &authority.key().serialize_pem())?;
            write(&self.authority(), &authority.pem())?;
        }
        if !self.certificate(COLLECTOR).exists() {
            self.issue(COLLECTOR)?;
        }
        Ok(is_new)
    }

    /// Issues a certificate for `name`, which becomes the peer name of its holder.
    pub(crate) fn issue(&self, name: &str) -> Result<()> {
        let issuer = self.issuer()?;
        let key = KeyPair::generate()?;
        let mut params = host_params(name)?;
        params
            .extended_key_usages
            .push(ExtendedKeyUsagePurpose::ServerAuth);
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

    /// Issues a certificate for a request that a host made; it lives for [`LIFETIME_S`]. Only the
    /// public key is taken from the request.
    pub(crate) fn sign_request(&self, name: &str, request: &str) -> Result<String> {
        check_name(name)?;
        let request = CertificateSigningRequestParams::from_pem(request)
            .context("the request for a certificate cannot be read, or is not signed by its key")?;
        let now_s = now_s();
        let mut params = host_params(name)?;
        params.not_before = time(now_s)?;
        params.not_after = time(now_s + LIFETIME_S)?;
        let certificate = params.signed_by(&request.public_key, &self.issuer()?)?;
        let hosts = self.folder.join("hosts");
        fs::create_dir_all(&hosts).with_context(|| format!("cannot create {}", hosts.display()))?;
        write(&hosts.join(name), &certificate.pem())?;
        Ok(certificate.pem())
    }

    /// Whether a certificate was ever issued for a name.
    pub(crate) fn knows(&self, name: &str) -> bool {
        check_name(name).is_ok()
            && (self.folder.join("hosts").join(name).exists() || self.certificate(name).exists())
    }

    /// Refuses a host's certificates that were issued up to now.
    pub(crate) fn revoke(&self, name: &str) -> Result<()> {
        check_name(name)?;
        anyhow::ensure!(self.knows(name), "no certificate was issued for {name:?}");
        let folder = self.folder.join("revoked");
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        write(&folder.join(name), &now_s().to_string())
    }

    /// When a host was revoked last.
    pub(crate) fn revoked_s(&self, name: &str) -> Result<Option<u64>> {
        if check_name(name).is_err() {
            return Ok(None);
        }
        let path = self.folder.join("revoked").join(name);
        match fs::read_to_string(&path) {
            // Half a file is a revocation, too: of whatever was issued until now.
            Ok(text) => Ok(Some(text.trim().parse().unwrap_or_else(|_| now_s()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// The authority's certificate, as PEM.
    pub(crate) fn authority_pem(&self) -> Result<String> {
        read(&self.authority())
    }

    /// The authority's certificate, as its hash is taken.
    pub(crate) fn authority_der(&self) -> Result<CertificateDer<'static>> {
        let path = self.authority();
        anyhow::ensure!(
            path.exists(),
            "there is no authority in {}: the collector makes one at its first start, STORE.pki \
             beside a store",
            self.folder.display()
        );
        CertificateDer::from_pem_file(&path)
            .with_context(|| format!("cannot read the authority {}", path.display()))
    }

    fn issuer(&self) -> Result<Issuer<'static, KeyPair>> {
        let key = KeyPair::from_pem(&read(&self.file("ca-key"))?)?;
        Ok(Issuer::new(authority_params(), key))
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

/// A certificate with which a host shows who it is.
fn host_params(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(params)
}

/// A host's name is also a file's, and never the collector's.
fn check_name(name: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    anyhow::ensure!(
        !name.is_empty()
            && name.len() <= 253
            && name.bytes().all(allowed)
            && !name.starts_with('.'),
        "{name:?} is not a name for a host: letters, digits, `-`, `_` and `.` are"
    );
    anyhow::ensure!(
        name != COLLECTOR,
        "{COLLECTOR:?} is the collector's own name"
    );
    Ok(())
}

/// The clock, in seconds since 1970.
pub(crate) fn now_s() -> u64 {
    indelible_sys::clock::realtime_ns() / 1_000_000_000
}

fn time(seconds: u64) -> Result<OffsetDateTime> {
    let seconds = i64::try_from(seconds)?;
    OffsetDateTime::from_unix_timestamp(seconds).context("a time beyond the calendar")
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

/// How long a certificate that a host asked for lives: it renews it after a third of that.
pub(crate) const LIFETIME_S: u64 = 7 * 24 * 3600;
/// The collector's name in its own certificate.
pub(crate) const COLLECTOR: &str = "collector";
