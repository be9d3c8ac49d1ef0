use std::sync::Arc;

use super::process::Process;
use super::watch::Watch;
use super::{Failure, build, environment};
use crate::base::Timestamp;
use crate::config::{Config, Loaded};
use crate::gateway::Gateway;
use crate::observe::{AuditEvent, AuditKind};
use crate::tls::ServerTls;

/// A new configuration, built as a whole and not yet in place.
struct Next {
    config: Config,
    gateway: Gateway,
    tls: ServerTls,
    watch: Watch,
}

impl Process {
    /// HUP: takes up the file as it is now, as a whole, or keeps everything as it was and says why.
    pub(super) fn reload(&mut self) {
        let now = self.shared.clock.now();
        match self.next(now) {
            Ok(next) => {
                self.shared.throttle.reconfigure(next.config.throttle.clone());
                self.shared.log.retain(next.config.retention);
                self.tls.store(next.tls.config);
                self.trusted.store(Arc::new(next.config.trusted_proxies.clone()));
                self.current.store(Arc::new(next.gateway));
                self.admin.reloaded(next.tls.certificates);
                self.config = next.config;
                self.watch = next.watch;
                tracing::info!("reloaded {}", self.path.display());
                self.note(now, "taken up");
            }
            Err(failure) => {
                self.shared.metrics.reloads_refused.inc();
                if let Failure::Rejected(rejected) = &failure {
                    for line in rejected.report().lines() {
                        tracing::error!("{line}");
                    }
                }
                tracing::error!("reload refused, the running configuration stays: {failure}");
                self.note(now, "refused");
            }
        }
    }

    fn next(&self, now: Timestamp) -> Result<Next, Failure> {
        let config = match Config::load(&self.path, &environment)? {
            Loaded::Ready(config, report) => {
                for line in report.lines() {
                    tracing::warn!("{line}");
                }
                *config
            }
            // A reload makes no files: a key that vanished is a mistake, not a wish for another one.
            Loaded::Incomplete { missing, .. } => return Err(Failure::Missing(missing.iter().map(ToString::to_string).collect())),
        };
        let fixed = Config::changes_needing_restart(&self.config, &config);
        if !fixed.is_empty() {
            return Err(Failure::NeedsRestart(fixed));
        }
        let watch = Watch::new(&config.tls);
        let tls = ServerTls::load(&config.tls, &self.resumption, now)?;
        let gateway = build::gateway(&config, Some(&tls), &self.endpoints, &self.shared)?;
        // Before tokens of a longer life are given out, the change log has to be kept that long.
        self.services().block_on(async { self.shared.log.token_life(config.longest_token()).await })?;
        Ok(Next { config, gateway, tls, watch })
    }

    /// Takes up changed certificate files and nothing else, or keeps those in use and says why.
    pub(super) fn renew_certificates(&mut self) {
        let now = self.shared.clock.now();
        let renewed = ServerTls::load(&self.config.tls, &self.resumption, now).map_err(Failure::from).and_then(|tls| {
            let gateway = build::gateway(&self.config, Some(&tls), &self.endpoints, &self.shared)?;
            Ok((tls, gateway))
        });
        match renewed {
            Ok((tls, gateway)) => {
                for warning in &tls.warnings {
                    tracing::warn!("{warning}");
                }
                self.tls.store(tls.config);
                self.current.store(Arc::new(gateway));
                tracing::info!("took up the changed certificates");
            }
            Err(failure) => {
                self.shared.metrics.reloads_refused.inc();
                tracing::error!("certificate files have changed and cannot be used; those in use stay: {failure}");
            }
        }
    }

    fn note(&self, at: Timestamp, detail: &str) {
        let event = AuditEvent {
            at,
            kind: AuditKind::Reloaded,
            user: None,
            session: None,
            address: None,
            request: None,
            detail: detail.to_owned(),
        };
        self.shared.audit(event);
    }
}
