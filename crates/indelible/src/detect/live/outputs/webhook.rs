//! Findings posted to a server, each as the JSON object of its entry.

use anyhow::{Context, Result, bail};

use super::Output;
use crate::config::detections::WebhookConfig;
use crate::detect::live::limits::{ANSWER_BYTES_MAX, POST_TIMEOUT, RETRY_AFTER, TRIES_MAX};
use crate::net::http::{Client, Credentials};
use crate::payload::finding::Finding;

/// A server that takes findings.
pub(super) struct Webhook {
    client: Client,
    url: String,
}

impl Webhook {
    /// Reads certificates and token.
    pub(super) fn new(config: &WebhookConfig) -> Result<Self> {
        let token = match &config.token_file {
            Some(path) => {
                let token = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                Some(token.trim().to_owned())
            }
            None => None,
        };
        let client = Client::new(
            Credentials {
                ca: config.ca.as_deref(),
                certificate: None,
                token,
            },
            Some(POST_TIMEOUT),
        )?;
        Ok(Self {
            client,
            url: config.url.clone(),
        })
    }

    fn post(&self, json: &[u8]) -> Result<()> {
        let answer = self.client.post(&self.url, "application/json", json)?;
        if !(200..300).contains(&answer.status) {
            let status = answer.status;
            let said = answer.bytes(ANSWER_BYTES_MAX).unwrap_or_default();
            let said = String::from_utf8_lossy(&said).into_owned();
            bail!("{} answered {status}: {said:?}", self.url);
        }
        Ok(())
    }
}

impl Output for Webhook {
    fn tell(&mut self, _: &Finding, json: &[u8]) -> Result<()> {
        let mut pause = RETRY_AFTER;
        for _ in 1..TRIES_MAX {
            match self.post(json) {
                Ok(()) => return Ok(()),
                Err(error) => tracing::debug!("trying again: {error:#}"),
            }
            std::thread::sleep(pause);
            pause *= 2;
        }
        self.post(json)
    }
}
