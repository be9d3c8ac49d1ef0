use std::path::PathBuf;
use std::time::Duration;

use super::ToGenerate;
use super::parse;
use super::section::Section;
use super::value::At;
use crate::base::Fault;
use crate::tls::{self, CertificateFiles};

/// What `[tls]` says.
pub(super) struct Tls {
    pub(super) settings: tls::Settings,
    /// What `Strict-Transport-Security` says; `None`: it is not sent.
    pub(super) hsts: Option<Duration>,
}

/// The files that are made and used when nothing else is said.
const DEFAULT_CERT: &str = "certs/gateway.crt";
const DEFAULT_KEY: &str = "certs/gateway.key";

/// Half a year: what browsers are told unless said.
const DEFAULT_HSTS: Duration = Duration::from_secs(180 * 86_400);

/// Reads `[tls]`. Without a TLS listener no certificate is wanted.
pub(super) fn read(root: &Section<'_>, wanted: bool) -> Tls {
    let section = root.section("tls", "[tls]");
    section.moved("cert", "write `certificates = [{ cert = \"…\", key = \"…\" }]`");
    section.moved("key", "write `certificates = [{ cert = \"…\", key = \"…\" }]`");
    // A switch that cannot be read is taken for on, so that nothing is called missing because of it.
    let generate = section.flag("generate", section.has("generate"));
    let mut certificates = Vec::new();
    match section.tables("certificates", "[[tls.certificates]]") {
        Some(entries) => certificates.extend(entries.iter().filter_map(|entry| pair(entry, generate))),
        None if generate && wanted && !section.has("certificates") => certificates.push(default_pair(&section)),
        None => {}
    }
    if certificates.is_empty() && wanted && !section.has("certificates") {
        let fault = section.at(Fault::new("there is no certificate, and `listen` speaks TLS"));
        let help = "write certificates = [{ cert = \"…\", key = \"…\" }] in [tls], or generate = true for a self-signed one";
        section.reader.mismatch(fault.help(help));
    }
    let hsts = section.take("hsts").and_then(|value| {
        value.read(|text| match parse::flag(text) {
            Ok(false) => Ok(None),
            Ok(true) => Ok(Some(DEFAULT_HSTS)),
            Err(_) => parse::duration(text, Duration::from_secs(60), Duration::from_secs(10 * 365 * 86_400)).map(Some),
        })
    });
    Tls {
        settings: tls::Settings { certificates, generate, watch: section.flag("watch", false) },
        hsts: hsts.map_or(Some(DEFAULT_HSTS), |hsts| hsts.value),
    }
}

fn pair(entry: &Section<'_>, generate: bool) -> Option<CertificateFiles> {
    entry.require("cert", "the certificate chain in PEM, the server's own certificate first");
    entry.require("key", "the private key in PEM");
    let (cert, key) = (entry.path("cert"), entry.path("key"));
    let (cert, key) = (cert?, key?);
    check(entry, &cert, &key, generate);
    Some(CertificateFiles { cert: cert.value, key: key.value })
}

fn default_pair(section: &Section<'_>) -> CertificateFiles {
    let at = |path: &str| -> At<PathBuf> { At { value: section.reader.resolve(path), span: section.place().unwrap_or(0..0) } };
    let (cert, key) = (at(DEFAULT_CERT), at(DEFAULT_KEY));
    check(section, &cert, &key, true);
    CertificateFiles { cert: cert.value, key: key.value }
}

/// Looks whether both files are there. A half that is there is never overwritten.
fn check(section: &Section<'_>, cert: &At<PathBuf>, key: &At<PathBuf>, generate: bool) {
    let absent = |path: &At<PathBuf>| Fault::new(format!("{} is not there", path.value.display())).at(path.span.clone());
    match (cert.value.exists(), key.value.exists()) {
        (true, true) => section.keep_private(&key.value, &key.span),
        (false, false) if generate => {
            let files = CertificateFiles { cert: cert.value.clone(), key: key.value.clone() };
            let note = format!("{} and its key are not there yet; `munjigi run` will make a self-signed certificate", files.cert.display());
            section.reader.missing(ToGenerate::Certificate(files), Fault::new(note).at(cert.span.clone()));
        }
        (false, false) => {
            let help = "put the file there, or write generate = true in [tls] for a self-signed certificate";
            section.reader.fault(absent(cert).help(help));
            section.reader.fault(absent(key).help(help));
        }
        (false, true) => {
            section.reader.fault(absent(cert).help("its key is; nothing is generated beside a file that is there"));
        }
        (true, false) => {
            section.reader.fault(absent(key).help("its certificate is; nothing is generated beside a file that is there"));
        }
    }
}
