//! The process: puts the parts together, starts, reloads, stops. Everything that only a whole gateway has lives here.
//!
//! It must never serve a configuration that `check` would refuse, and never leave a reload half done.

mod build;
mod desks;
mod explain;
mod failure;
mod generate;
mod notify;
mod process;
mod reload;
mod signals;
mod watch;

use std::path::{Path, PathBuf};

pub use explain::{Question, explain};
pub use failure::Failure;
pub use process::Process;

use crate::config::{Config, Loaded, Report};
use crate::server::PlainAddress;

/// Installs the cryptography of rustls and jsonwebtoken: the same back-end for both, named here so that a build without it
/// does not compile. Call first; calling again does nothing.
pub fn install_crypto() {
    // An error says that one is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    crate::token::install_crypto();
}

/// Loads a configuration and everything it names, makes nothing, and serves nothing.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check(path: &Path) -> Result<Report, Failure> {
    install_crypto();
    match Config::load(path, &environment)? {
        Loaded::Ready(config, report) => {
            build::check(&config)?;
            Ok(report)
        }
        Loaded::Incomplete { draft: _, missing: _, report } => Ok(report),
    }
}

/// Reads a configuration for a command that does not serve, and makes nothing. Secrets that are not there yet are stood in
/// for by random ones.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn configuration(path: &Path) -> Result<Config, Failure> {
    install_crypto();
    match Config::load(path, &environment)? {
        Loaded::Ready(config, _) | Loaded::Incomplete { draft: config, .. } => Ok(*config),
    }
}

/// Starts serving; makes the files it may make and lacks.
///
/// # Errors
/// Why it could not start.
pub fn start(path: &Path) -> Result<Process, Failure> {
    install_crypto();
    let (config, report) = generate::load(path)?;
    Process::start(path, *config, &report, Company::Alone)
}

/// Whether another gateway may work on the same state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Company {
    /// No: two that know nothing of each other are a mistake.
    Alone,
    /// Yes, as in an upgrade: each sees within a second what the other ends.
    Beside,
}

/// Where a running gateway of this configuration can be spoken to on this machine: its operator's socket, and its admin
/// listener if it has one.
///
/// # Errors
/// What is wrong with the configuration.
pub fn reachable_at(path: &Path) -> Result<(PathBuf, Option<PlainAddress>), Failure> {
    let (Loaded::Ready(config, _) | Loaded::Incomplete { draft: config, .. }) = Config::load(path, &environment)?;
    Ok((desks::operators_socket(&config), config.admin))
}

/// Serves until a signal ends it.
///
/// # Errors
/// Why it could not start.
pub fn run(path: &Path, company: Company) -> Result<(), Failure> {
    install_crypto();
    let (config, report) = generate::load(path)?;
    Process::start(path, *config, &report, company)?.wait()
}

/// The process environment, as configurations see it.
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
