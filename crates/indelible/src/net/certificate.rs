//! What must be known of a certificate beyond what TLS checks: its dates.

use std::path::Path;

use anyhow::{Context, Result};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The dates of one certificate, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) begins_s: u64,
    pub(crate) ends_s: u64,
}

impl Certificate {
    /// The first certificate of a PEM file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let shown = || format!("cannot read a certificate from {}", path.display());
        let certificate = CertificateDer::from_pem_file(path).with_context(shown)?;
        Self::parse(&certificate).with_context(shown)
    }

    pub(crate) fn parse(der: &CertificateDer<'_>) -> Result<Self> {
        let (_, certificate) =
            X509Certificate::from_der(der).context("not an X.509 certificate")?;
        let seconds = |timestamp: i64| u64::try_from(timestamp).unwrap_or(0);
        let validity = certificate.validity();
        Ok(Self {
            begins_s: seconds(validity.not_before.timestamp()),
            ends_s: seconds(validity.not_after.timestamp()),
        })
    }
}
