use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd};

use super::GenerateError;
use crate::base::Timestamp;

/// Days a certificate of our own is good: the most that Apple's systems take from anybody but a public authority.
const DAYS: i64 = 825;

/// Makes a self-signed ECDSA P-256 certificate for this machine (`localhost`, 127.0.0.1, `::1`) and for `names` (host names or
/// addresses), with its key. Files are only ever made, never overwritten; the key can be read by its owner alone.
///
/// # Errors
/// When either file exists, a file or folder cannot be made, or a name cannot stand in a certificate. Nothing is left behind then.
pub fn generate(cert: &Path, key: &Path, names: &[String], now: Timestamp) -> Result<(), GenerateError> {
    for path in [cert, key] {
        if fs::symlink_metadata(path).is_ok() {
            return Err(GenerateError::Exists(path.to_owned()));
        }
    }
    let (cert_pem, key_pem) = make(names, now).map_err(GenerateError::Certificate)?;
    for path in [key, cert] {
        make_folder_of(path)?;
    }
    create(key, 0o600, key_pem.as_bytes())?;
    create(cert, 0o644, cert_pem.as_bytes()).inspect_err(|_| {
        // The key was made a moment ago and belongs to nothing now; in the way of the next try it would only do harm.
        let _ = fs::remove_file(key);
    })
}

fn make(names: &[String], now: Timestamp) -> Result<(String, zeroize::Zeroizing<String>), rcgen::Error> {
    let mut all: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(String::from).into();
    for name in names {
        let name = name.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if !all.contains(&name) {
            all.push(name);
        }
    }
    let mut params = CertificateParams::new(all)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Munjigi");
    params.distinguished_name.push(DnType::CommonName, "self-made certificate");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // A day back, for clients whose clock is slow.
    let ((y, m, d), (end_y, end_m, end_d)) = (date(now, -1), date(now, DAYS));
    params.not_before = date_time_ymd(y, m, d);
    params.not_after = date_time_ymd(end_y, end_m, end_d);
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    Ok((params.self_signed(&key)?.pem(), zeroize::Zeroizing::new(key.serialize_pem())))
}

/// Year, month and day (UTC) of the day `days` after `now`.
fn date(now: Timestamp, days: i64) -> (i32, u8, u8) {
    let seconds = i64::try_from(now.secs()).unwrap_or(i64::MAX).saturating_add(days * 86_400);
    let date = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX).to_zoned(jiff::tz::TimeZone::UTC).date();
    (i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
}

fn make_folder_of(path: &Path) -> Result<(), GenerateError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    DirBuilder::new().recursive(true).mode(0o755).create(folder).map_err(|source| GenerateError::Write { path: folder.to_owned(), source })
}

fn create(path: &Path, mode: u32, content: &[u8]) -> Result<(), GenerateError> {
    let fail = |source: std::io::Error| {
        if source.kind() == ErrorKind::AlreadyExists {
            GenerateError::Exists(path.to_owned())
        } else {
            GenerateError::Write { path: path.to_owned(), source }
        }
    };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(fail)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(|error| {
        let _ = fs::remove_file(path);
        fail(error)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::{CertificateFiles, Resumption, ServerTls, Settings, TlsWarning};
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_249_260);

    #[test]
    fn what_is_made_can_be_loaded_and_lasts() {
        let dir = tempfile::tempdir().unwrap();
        let (cert, key) = (dir.path().join("a/b/gateway.crt"), dir.path().join("c/gateway.key"));
        generate(&cert, &key, &["Gate.example.ac.kr".into(), "localhost".into(), "192.0.2.3".into(), "[2001:db8::1]".into()], NOW).unwrap();
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        let settings = Settings { certificates: vec![CertificateFiles { cert, key }], generate: true, watch: false };
        let tls = ServerTls::load(&settings, &Resumption::new().unwrap(), NOW).unwrap();
        assert_eq!(tls.certificates[0].names, ["localhost", "gate.example.ac.kr"]);
        assert_eq!(tls.warnings, Vec::<TlsWarning>::new());
        assert!(tls.self_made());
        assert!((398..=825).contains(&tls.days_left(NOW)), "{}", tls.days_left(NOW));
    }

    #[test]
    fn nothing_is_ever_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let (cert, key) = (dir.path().join("g.crt"), dir.path().join("g.key"));
        for (there, other) in [(&cert, &key), (&key, &cert)] {
            fs::write(there, "mine").unwrap();
            assert!(matches!(generate(&cert, &key, &[], NOW), Err(GenerateError::Exists(path)) if path == *there));
            assert_eq!(fs::metadata(there).unwrap().len(), 4);
            assert!(!other.exists());
            fs::remove_file(there).unwrap();
        }
        // A link that leads nowhere is a file in the way too: following it would write somewhere else.
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &key).unwrap();
        assert!(matches!(generate(&cert, &key, &[], NOW), Err(GenerateError::Exists(_))));
    }

    #[test]
    fn a_key_without_its_certificate_does_not_stay_behind() {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("g.key");
        // A folder of this name cannot be made below a file, so the certificate cannot be written.
        fs::write(dir.path().join("file"), "").unwrap();
        assert!(matches!(generate(&dir.path().join("file/g.crt"), &key, &[], NOW), Err(GenerateError::Write { .. })));
        assert!(!key.exists());
    }

    #[test]
    fn names_that_cannot_be_certified_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let made = generate(&dir.path().join("g.crt"), &dir.path().join("g.key"), &["한글.kr".into()], NOW);
        assert!(matches!(made, Err(GenerateError::Certificate(_))));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
