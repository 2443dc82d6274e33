//! This host's certificate, which renews itself.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rustls::ClientConfig;
use tokio::sync::watch;

use crate::net::enrol::identity::IdentityFolder;
use crate::net::tls::Identity;

/// Renews the certificate whenever that is due; a connection that stands goes on with the old one.
pub(super) async fn keep_renewing(identity: IdentityFolder, tls: watch::Sender<Arc<ClientConfig>>) {
    loop {
        match renewed(&identity).await {
            Ok(None) => {}
            Ok(Some(config)) => {
                tracing::info!("renewed this host's certificate");
                tls.send_replace(config);
            }
            Err(error) => tracing::warn!("cannot renew this host's certificate: {error:#}"),
        }
        tokio::time::sleep(RENEWAL_EVERY).await;
    }
}

async fn renewed(identity: &IdentityFolder) -> Result<Option<Arc<ClientConfig>>> {
    if !identity.is_renewal_due()? {
        return Ok(None);
    }
    identity.renew().await?;
    Ok(Some(Identity::read(&identity.files())?.client()?))
}

/// How often it is asked whether the certificate must be renewed.
const RENEWAL_EVERY: Duration = Duration::from_secs(600);
