//! Secrets and certificates in files beside the configuration, and the configuration's own file.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// A directory with a configuration in it, and what else its story needs.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(auth: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let rest = "[provider.mju]\nkind = \"http-form\"\npreset = \"mju\"\n[upstream.app]\nservers = [\"http://127.0.0.1:1\"]\n[[route]]\nupstream = \"app\"\n";
        folder.write("gateway.toml", &format!("[auth]\nissuer = \"https://gate.example\"\n{auth}\n{rest}"), 0o600);
        folder
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn load(&self) -> Result<Loaded, Rejected> {
        let credentials = self.0.path().display().to_string();
        Config::load(&self.0.path().join("gateway.toml"), &|name| (name == "CREDENTIALS_DIRECTORY").then(|| credentials.clone()))
    }

    fn only_fault(&self) -> String {
        let lines: Vec<String> = self.load().unwrap_err().report().lines().collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines[0].replace(&format!("{}/", self.0.path().display()), "")
    }
}

const SECRET: &str = "3f9a1c7be02d4856af71e0c9b8d2453677e1fa90cc18d3be";
const FROM_FILE: &str = "keys = [{ kid = \"k1\", algorithm = \"HS256\", secret_file = \"jwt.secret\" }]\n[server]\nlisten = []\nlisten_plain = [\"127.0.0.1:0\"]\ntrusted_proxies = [\"127.0.0.1\"]";

fn first_secret(loaded: Loaded) -> Vec<u8> {
    let Loaded::Ready(config, report) = loaded else { panic!("a file is missing") };
    assert!(report.is_empty(), "{report:?}");
    let KeyMaterial::Secret(secret) = &config.tokens.keys[0].material else { panic!() };
    secret.expose_secret().to_vec()
}

#[test]
fn a_secret_file_loses_one_newline_and_no_more() {
    let folder = Folder::new(FROM_FILE);
    for (text, wanted) in
        [(SECRET, SECRET.to_owned()), (&format!("{SECRET}\n"), SECRET.to_owned()), (&format!("{SECRET}\n\n"), format!("{SECRET}\n"))]
    {
        folder.write("jwt.secret", text, 0o640);
        assert_eq!(first_secret(folder.load().unwrap()), wanted.as_bytes());
    }
}

#[test]
fn credentials_of_systemd_are_found() {
    let folder = Folder::new(&FROM_FILE.replace("jwt.secret", "${CREDENTIALS_DIRECTORY}/jwt"));
    folder.write("jwt", SECRET, 0o400);
    assert_eq!(first_secret(folder.load().unwrap()), SECRET.as_bytes());
}

#[test]
fn a_secret_file_that_everybody_can_read_is_refused() {
    let folder = Folder::new(FROM_FILE);
    folder.write("jwt.secret", SECRET, 0o644);
    let fault = folder.only_fault();
    assert!(fault.contains("gateway.toml:3:58: everybody on this machine can read jwt.secret; chmod 600 jwt.secret"), "{fault}");
}

#[test]
fn a_secret_file_that_gives_nothing_is_refused() {
    let folder = Folder::new(FROM_FILE);
    assert!(folder.only_fault().contains("jwt.secret is not there; `munjigi gen-secret`"));
    folder.write("jwt.secret", "\n", 0o600);
    assert!(folder.only_fault().contains("jwt.secret is empty"));
    folder.write("jwt.secret", "secret\n", 0o600);
    assert!(folder.only_fault().contains("the secret in jwt.secret is refused"));
    folder.write("jwt.secret", &"x".repeat(262_145), 0o600);
    assert!(folder.only_fault().contains("more than 262144 bytes"));
    fs::remove_file(folder.0.path().join("jwt.secret")).unwrap();
    fs::create_dir(folder.0.path().join("jwt.secret")).unwrap();
    assert!(folder.only_fault().contains("is not a file"));
}

#[test]
fn a_secret_in_a_file_that_everybody_can_read_is_warned_of() {
    let inline = FROM_FILE.replace("secret_file = \"jwt.secret\"", &format!("secret = \"{SECRET}\""));
    let folder = Folder::new(&inline);
    assert_eq!(first_secret(folder.load().unwrap()), SECRET.as_bytes());
    fs::set_permissions(folder.0.path().join("gateway.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    let (_, report) = config(folder.load().unwrap());
    assert_eq!(report.count(Level::Warning), 1);
    assert!(report.lines().all(|line| line.contains("chmod 600") && !line.contains(SECRET)));
}

const GENERATED: &str = "[tls]\ngenerate = true\n[session]";

#[test]
fn what_is_to_be_generated_is_named_and_then_used() {
    let folder = Folder::new(GENERATED);
    let Loaded::Incomplete { missing, report, draft } = folder.load().unwrap() else { panic!("nothing is missing") };
    let certs = folder.0.path().join("certs");
    let pair = crate::tls::CertificateFiles { cert: certs.join("gateway.crt"), key: certs.join("gateway.key") };
    assert_eq!(missing, [ToGenerate::Certificate(pair), ToGenerate::Secret(certs.join("jwt.secret"))]);
    assert_eq!((report.count(Level::Note), report.entries().count(), draft.tokens.keys.len()), (2, 2, 1));
    fs::create_dir(&certs).unwrap();
    for name in ["certs/gateway.crt", "certs/gateway.key", "certs/jwt.secret"] {
        folder.write(name, SECRET, 0o600);
    }
    assert_eq!(first_secret(folder.load().unwrap()), SECRET.as_bytes());
}

#[test]
fn half_a_certificate_is_a_fault_even_when_it_could_be_generated() {
    let folder = Folder::new(GENERATED);
    fs::create_dir(folder.0.path().join("certs")).unwrap();
    folder.write("certs/jwt.secret", SECRET, 0o600);
    folder.write("certs/gateway.key", "key", 0o600);
    assert!(folder.only_fault().contains("certs/gateway.crt is not there; its key is"));
    folder.write("certs/gateway.crt", "cert", 0o644);
    folder.write("certs/gateway.key", "key", 0o644);
    assert!(folder.only_fault().contains("everybody on this machine can read certs/gateway.key"));
}

#[test]
fn a_file_that_cannot_be_read_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let load = |name: &str| Config::load(&folder.path().join(name), &|_| None).unwrap_err().report().lines().collect::<Vec<_>>();
    assert!(load("absent.toml")[0].contains("absent.toml: the file cannot be read"));
    assert!(load(".")[0].contains("this is no configuration file"));
    fs::write(folder.path().join("latin.toml"), b"# caf\xe9\n").unwrap();
    assert!(load("latin.toml")[0].contains("latin.toml:1:6: the file is not UTF-8 text"));
}
