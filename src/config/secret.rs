use std::fs;
use std::io::{ErrorKind, Read as _};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use secrecy::SecretSlice;
use zeroize::Zeroizing;

use super::section::Section;
use super::value::At;
use crate::base::Fault;

/// Most bytes a secret or key file has: enough for any key, and an end to what is none.
const MOST: u64 = 256 * 1024;

/// The way out of every bad secret.
pub(super) const NEW_SECRET: &str =
    "`munjigi gen-secret` prints a good one; or name a `secret_file` that is not there yet and write generate = true in [tls]";

/// What a certificate in PEM begins with.
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// What a key for a secret, or its `_file` twin, gave.
pub(super) enum Given {
    /// The secret.
    Bytes {
        /// It.
        secret: SecretSlice<u8>,
        /// The file it was in, if in one of its own.
        file: Option<PathBuf>,
    },
    /// The file that should hold it is not there.
    Absent(PathBuf),
}

impl Section<'_> {
    /// A secret: from the file itself, or from another file, of which one final newline is taken off.
    pub(super) fn secret(&self, key: &'static str, file_key: &'static str) -> Option<At<Given>> {
        self.holds_secrets();
        let inline = self.take(key).inspect(|value| self.reader.hide(value.span()));
        let path = self.path(file_key);
        if let (Some(inline), true) = (&inline, self.has(file_key)) {
            let fault = Fault::new(format!("`{key}` and `{file_key}` cannot both be given")).at(inline.key_span());
            self.reader.fault(fault.help(format!("keep `{file_key}`, so that the secret is in no other file")));
            return None;
        }
        if let Some(path) = path {
            return self.secret_in(path, file_key);
        }
        let inline = inline?;
        let bytes = inline.text()?.into_bytes();
        if bytes.is_empty() {
            self.reader.fault(Fault::new(format!("`{key}` is empty")).at(inline.span()).help(NEW_SECRET));
            return None;
        }
        if inline.raw().as_str().is_some_and(|text| !text.contains("${")) {
            self.reader.inline_secret();
        }
        Some(At { value: Given::Bytes { secret: bytes.into(), file: None }, span: inline.span() })
    }

    /// A text in the file or in another one, which need not be kept from anybody.
    pub(super) fn public(&self, key: &'static str, file_key: &'static str) -> Option<At<String>> {
        let Some(path) = self.path(file_key) else { return self.text(key) };
        match read(&path.value) {
            Ok(bytes) => {
                let text = String::from_utf8(bytes.to_vec()).ok();
                if text.is_none() {
                    self.reader.fault(Fault::new(format!("{} is not text", path.value.display())).at(path.span.clone()));
                }
                text.map(|value| At { value, span: path.span })
            }
            Err(error) => {
                self.reader.fault(unreadable(&path.value, error).at(path.span));
                None
            }
        }
    }

    /// The bytes of a file with certificates in PEM.
    pub(super) fn certificates(&self, key: &'static str) -> Option<Vec<u8>> {
        let path = self.path(key)?;
        let fault = match read(&path.value) {
            Ok(bytes) if bytes.windows(BEGIN.len()).any(|window| window == BEGIN) => return Some(bytes.to_vec()),
            Ok(_) => Fault::new(format!("{} holds no certificate in PEM", path.value.display())),
            Err(error) => unreadable(&path.value, error),
        };
        self.reader.fault(fault.at(path.span).help("a PEM file with certificates"));
        None
    }

    /// The secret in a file that the configuration does not name.
    pub(super) fn default_secret(&self, path: &str) -> Option<At<Given>> {
        let at = At { value: self.reader.resolve(path), span: self.place().unwrap_or(0..0) };
        self.secret_in(at, "secret_file")
    }

    fn secret_in(&self, path: At<PathBuf>, file_key: &str) -> Option<At<Given>> {
        let At { value: path, span } = path;
        match read(&path) {
            Ok(bytes) => {
                self.keep_private(&path, &span);
                let secret = bytes.strip_suffix(b"\n").map_or(bytes.as_slice(), |line| line.strip_suffix(b"\r").unwrap_or(line));
                if secret.is_empty() {
                    self.reader.fault(Fault::new(format!("`{file_key}`: {} is empty", path.display())).at(span).help(NEW_SECRET));
                    return None;
                }
                Some(At { value: Given::Bytes { secret: secret.to_vec().into(), file: Some(path) }, span })
            }
            Err(Unreadable::Absent) => Some(At { value: Given::Absent(path), span }),
            Err(error) => {
                self.reader.fault(unreadable(&path, error).at(span));
                None
            }
        }
    }

    /// Refuses a file that everybody on the machine can read.
    pub(super) fn keep_private(&self, path: &Path, span: &Range<usize>) {
        if readable_by_all(path) {
            let fault = Fault::new(format!("everybody on this machine can read {}", path.display())).at(span.clone());
            let help =
                format!("chmod 600 {0}, or 640 with the gateway's group; if others may have read it, make a new one", path.display());
            self.reader.fault(fault.help(help));
        }
    }
}

/// Whether everybody on the machine can read this file.
pub(super) fn readable_by_all(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

/// Why a file gives nothing.
pub(super) enum Unreadable {
    Absent,
    NotAFile,
    TooLarge,
    Other(std::io::Error),
}

/// The fault that says so.
pub(super) fn unreadable(path: &Path, error: Unreadable) -> Fault {
    let path = path.display();
    match error {
        Unreadable::Absent => Fault::new(format!("{path} is not there")),
        Unreadable::NotAFile => Fault::new(format!("{path} is not a file")),
        Unreadable::TooLarge => Fault::new(format!("{path} has more than {MOST} bytes, which no key has")),
        Unreadable::Other(error) => {
            Fault::new(format!("{path} cannot be read: {error}")).help("the gateway's user has to be able to read it")
        }
    }
}

/// A small file's bytes, wiped when dropped.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
    let other = |error: std::io::Error| if error.kind() == ErrorKind::NotFound { Unreadable::Absent } else { Unreadable::Other(error) };
    // Asked first, since opening a pipe waits for somebody to write into it.
    let metadata = fs::metadata(path).map_err(other)?;
    if !metadata.is_file() {
        return Err(Unreadable::NotAFile);
    }
    // Enough room from the start: a buffer that grows leaves pieces of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len().min(MOST)).unwrap_or(0) + 2));
    fs::File::open(path).map_err(other)?.take(MOST + 1).read_to_end(&mut bytes).map_err(other)?;
    if bytes.len() as u64 > MOST { Err(Unreadable::TooLarge) } else { Ok(bytes) }
}
