use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use tokio::runtime::{Builder, Runtime};

use super::desks::{self, Desks};
use super::signals::{Signals, Wish};
use super::watch::Watch;
use super::{Company, Failure, build, notify};
use crate::base::{Clock, SystemClock, TrustedProxies};
use crate::config::{Config, LogSettings, Report, StoreSettings};
use crate::gateway::{Admin, Gateway, Shared};
use crate::observe::{AccessLog, LogTarget, Metrics, init_tracing};
use crate::server::{Environment, Inherited, Listeners, Server};
use crate::store::{ChangeLog, LockError, Sqlite, StateLock};
use crate::throttle::Throttle;
use crate::tls::{Resumption, ServerTls};
use crate::upstream::Endpoints;

/// A running gateway.
pub struct Process {
    pub(super) path: PathBuf,
    pub(super) config: Config,
    pub(super) current: Arc<ArcSwap<Gateway>>,
    pub(super) tls: Arc<ArcSwap<ServerConfig>>,
    pub(super) trusted: Arc<ArcSwap<TrustedProxies>>,
    pub(super) resumption: Resumption,
    pub(super) endpoints: Arc<Endpoints>,
    pub(super) admin: Arc<Admin>,
    pub(super) shared: Arc<Shared>,
    server: Server,
    desks: Desks,
    services: Runtime,
    signals: Signals,
    pub(super) watch: Watch,
    /// Held for as long as the state is ours. None: somebody else has it, and we work beside them.
    _lock: Option<StateLock>,
}

impl Process {
    /// Starts everything, in the order in which a fault costs least: what can be wrong with the files comes before the
    /// store, and the store before the sockets. When this returns, the gateway serves.
    ///
    /// # Errors
    /// The first thing that does not work.
    pub fn start(path: &Path, config: Config, report: &Report, company: Company) -> Result<Self, Failure> {
        init_tracing(&config.log.level, false)?;
        let inherited = Inherited::take()?;
        for line in report.lines() {
            tracing::warn!("{line}");
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let resumption = Resumption::new().map_err(|error| vec![error])?;
        let watch = Watch::new(&config.tls);
        let tls = ServerTls::load(&config.tls, &resumption, clock.now())?;
        for warning in &tls.warnings {
            tracing::warn!("{warning}");
        }
        let services = runtime()?;
        let StoreSettings::Sqlite(store) = &config.store;
        let lock = state(build::folder(&store.path), company)?;
        let store = Arc::new(Sqlite::open(store.clone())?);
        let log = services.block_on(ChangeLog::start(store, Arc::clone(&clock), config.longest_token()))?;
        log.retain(config.retention);

        let metrics = Arc::new(Metrics::new());
        let access_log = access_log(&config.log, &metrics)?;
        let throttle = Throttle::new(config.throttle.clone());
        let shared = Shared::new(Arc::clone(&clock), log, throttle, services.handle().clone(), access_log.clone(), Arc::clone(&metrics));
        let listeners = Listeners::inherit(&config.server, inherited)?;
        let desk_sockets = desks::bind(&config)?;
        let endpoints = Arc::new(Endpoints::new(listeners.workers()));
        let gateway = build::gateway(&config, Some(&tls), &endpoints, &shared)?;
        let current = Arc::new(ArcSwap::from_pointee(gateway));
        let admin = Admin::new(Arc::clone(&shared), Arc::clone(&current), Arc::clone(&endpoints), tls.certificates);
        let tls = Arc::new(ArcSwap::from(tls.config));
        let trusted = Arc::new(ArcSwap::from_pointee(config.trusted_proxies.clone()));
        let tunnels = shared.tunnels.clone();
        let environment = Environment { tls: Arc::clone(&tls), trusted: Arc::clone(&trusted), metrics, access_log, clock, tunnels };
        let signals = services.block_on(async { Signals::listen() })?;
        let (server, desks) = {
            let _on_services = services.enter();
            let desks = Desks::open(desk_sockets, &config.server, &environment, &admin)?;
            let current = Arc::clone(&current);
            let handler = move |request, peer: Arc<crate::web::Peer>| current.load_full().handle(request, &peer);
            let server = Server::start(&config.server, listeners, &environment, &handler)
                .map_err(|source| Failure::System { what: "cannot start the workers", source })?;
            (server, desks)
        };
        services.spawn(Arc::clone(&shared.log).follow());
        services.spawn(Arc::clone(&shared.streams).follow(Arc::clone(&shared.view)));
        services.spawn(Arc::clone(&shared.streams).sweep(Arc::clone(&shared.log), Arc::clone(&shared.clock)));
        for address in server.addresses() {
            tracing::info!("listening on https://{address}");
        }
        for place in server.plain_addresses() {
            tracing::info!("listening without TLS on {place}");
        }
        if let Some(address) = server.redirect_address() {
            tracing::info!("listening on http://{address}, which sends browsers on to https");
        }
        desks.tell();
        Ok(Self {
            path: path.to_owned(),
            watch,
            config,
            current,
            tls,
            trusted,
            resumption,
            endpoints,
            admin,
            shared,
            server,
            desks,
            services,
            signals,
            _lock: lock,
        })
    }

    /// The runtime for everything that is not the data path.
    pub(super) const fn services(&self) -> &Runtime {
        &self.services
    }

    /// Where TLS is served.
    pub fn addresses(&self) -> &[std::net::SocketAddr] {
        self.server.addresses()
    }

    /// Serves until a signal says stop; then answers what was asked, and ends.
    ///
    /// # Errors
    /// When what is only in memory cannot be written down at the end.
    pub fn wait(mut self) -> Result<(), Failure> {
        notify::ready();
        loop {
            let Self { services, signals, watch, .. } = &mut self;
            let wish = services.block_on(async {
                tokio::select! {
                    wish = signals.next() => wish,
                    () = watch.changed() => Wish::Certificates,
                }
            });
            match wish {
                Wish::Reload => {
                    notify::reloading();
                    self.reload();
                    notify::ready();
                }
                Wish::Certificates => self.renew_certificates(),
                Wish::Reopen => self.shared.access_log.reopen(),
                Wish::Stop | Wish::Interrupt => return self.stop(),
            }
        }
    }

    fn stop(self) -> Result<(), Failure> {
        let Self { config, shared, server, desks, admin, services, mut signals, .. } = self;
        notify::stopping();
        admin.drain();
        if !config.drain_delay.is_zero() {
            tracing::info!("stopping: not ready any more; connections are taken for another {:?}", config.drain_delay);
            // A second signal means now.
            _ = services.block_on(async { tokio::time::timeout(config.drain_delay, another(&mut signals)).await });
        }
        tracing::info!("stopping: no new connections; requests have {:?} to finish", config.server.drain_timeout);
        let stopped = services.block_on(async {
            tokio::select! {
                stopped = server.stop(config.server.drain_timeout) => Some(stopped),
                () = again(&mut signals) => None,
            }
        });
        let Some(stopped) = stopped else {
            shared.access_log.close();
            services.shutdown_background();
            return Err(Failure::Interrupted);
        };
        tracing::info!(connections_cut = stopped.connections_cut, tunnels_closed = stopped.tunnels_closed, "stopped");
        services.block_on(desks.close());
        let flushed = services.block_on(shared.log.flush());
        shared.access_log.close();
        services.shutdown_background();
        Ok(flushed?)
    }
}

fn state(folder: &Path, company: Company) -> Result<Option<StateLock>, Failure> {
    match (StateLock::acquire(folder), company) {
        (Err(held @ LockError::InUse { .. }), Company::Beside) => {
            tracing::info!("working beside another gateway: {held}");
            Ok(None)
        }
        (lock, Company::Alone | Company::Beside) => Ok(Some(lock?)),
    }
}

/// Waits for any signal that means stop.
async fn another(signals: &mut Signals) {
    while !matches!(signals.next().await, Wish::Stop | Wish::Interrupt) {}
}

/// Waits for a second INT.
async fn again(signals: &mut Signals) {
    while signals.next().await != Wish::Interrupt {}
}

/// The runtime for everything that is not the data path: small, because it mostly waits.
fn runtime() -> Result<Runtime, Failure> {
    let built = Builder::new_multi_thread().worker_threads(2).thread_name("services").enable_all().build();
    built.map_err(|source| Failure::System { what: "cannot start a runtime", source })
}

fn access_log(settings: &LogSettings, metrics: &Metrics) -> Result<AccessLog, Failure> {
    let Some(format) = settings.access else { return Ok(AccessLog::off()) };
    let target = settings.access_path.clone().map_or(LogTarget::Stdout, LogTarget::File);
    AccessLog::start(&target, format, metrics.log_lines_dropped.clone()).map_err(|source| match target {
        LogTarget::File(path) => Failure::File { path, source },
        LogTarget::Stdout | LogTarget::Off => Failure::System { what: "cannot write the access log", source },
    })
}
