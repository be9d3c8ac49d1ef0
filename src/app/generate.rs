use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::{Failure, environment};
use crate::base::{Clock as _, SystemClock, random_bytes};
use crate::config::{Config, Loaded, Report, ToGenerate};
use crate::{tls, token};

/// Loads a configuration for serving; makes what it may make and lacks, says so, and loads again.
pub(super) fn load(path: &Path) -> Result<(Box<Config>, Report), Failure> {
    match Config::load(path, &environment)? {
        Loaded::Ready(config, report) => Ok((config, report)),
        Loaded::Incomplete { draft, missing, report: _ } => {
            for file in missing {
                make(&file, &draft)?;
            }
            match Config::load(path, &environment)? {
                Loaded::Ready(config, report) => Ok((config, report)),
                Loaded::Incomplete { report, .. } => {
                    Err(Failure::System { what: "a file that was just made is gone again", source: gone(&report) })
                }
            }
        }
    }
}

fn gone(report: &Report) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::NotFound, report.lines().collect::<Vec<_>>().join("; "))
}

fn make(file: &ToGenerate, config: &Config) -> Result<(), Failure> {
    match file {
        ToGenerate::Certificate(files) => {
            let hosts: Vec<String> =
                config.routes.iter().filter_map(|route| route.host.as_ref().map(ToString::to_string)).chain(issuer_host(config)).collect();
            tls::generate(&files.cert, &files.key, &hosts, SystemClock::new().now())?;
            eprintln_made(&format!("a self-signed certificate {} and its key {}", files.cert.display(), files.key.display()));
        }
        ToGenerate::Secret(path) => {
            let secret = Zeroizing::new(format!("{}\n", URL_SAFE_NO_PAD.encode(random_bytes::<32>())));
            write_private(path, secret.as_bytes()).map_err(|source| Failure::Secret { path: path.clone(), source })?;
            eprintln_made(&format!("a random secret {}", path.display()));
        }
        ToGenerate::SigningKey(path) => {
            let key = token::new_signing_key().map_err(std::io::Error::other);
            let written = key.and_then(|pem| write_private(path, pem.expose_secret().as_bytes()));
            written.map_err(|source| Failure::Secret { path: path.clone(), source })?;
            eprintln_made(&format!("a private key {}", path.display()));
        }
    }
    Ok(())
}

/// The log is not open yet when files are made.
#[expect(clippy::print_stderr, reason = "said before the log is set up, and has to be said")]
fn eprintln_made(what: &str) {
    eprintln!("munjigi: made {what} (generate = true); it is never overwritten");
}

fn issuer_host(config: &Config) -> Option<String> {
    config.tokens.issuer.parse::<http::Uri>().ok()?.host().map(str::to_owned)
}

/// Makes a file of its owner's alone. An existing file is never touched.
fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
