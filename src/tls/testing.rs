//! Certificates for tests, here and in `server`.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

use super::CertificateFiles;

pub(crate) struct Pair {
    pub(crate) cert: Certificate,
    pub(crate) key: KeyPair,
}

fn params(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
}

fn finish(params: &CertificateParams) -> Pair {
    let key = KeyPair::generate().unwrap();
    Pair { cert: params.self_signed(&key).unwrap(), key }
}

/// Self-signed, for these names, good for a long time.
pub(crate) fn pair(names: &[&str]) -> Pair {
    finish(&params(names))
}

/// Self-signed and good until midnight (UTC) of this day.
pub(crate) fn pair_until(names: &[&str], (year, month, day): (i32, u8, u8)) -> Pair {
    let mut params = params(names);
    params.not_after = date_time_ymd(year, month, day);
    finish(&params)
}

/// Signed by an authority that is thrown away.
pub(crate) fn signed_by_other(names: &[&str]) -> Pair {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "somebody else");
    let issuer = Issuer::new(authority, KeyPair::generate().unwrap());
    let key = KeyPair::generate().unwrap();
    Pair { cert: params(names).signed_by(&key, &issuer).unwrap(), key }
}

impl Pair {
    /// Writes both files below `dir`, named after `name`.
    pub(crate) fn write(&self, dir: &Path, name: &str) -> CertificateFiles {
        let files = CertificateFiles { cert: dir.join(format!("{name}.crt")), key: dir.join(format!("{name}.key")) };
        fs::write(&files.cert, self.cert.pem()).unwrap();
        fs::write(&files.key, self.key.serialize_pem()).unwrap();
        set_mode(&files.key, 0o600);
        files
    }
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
