//! The gateway under test: a directory with a configuration of its own, and the process that serves it.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;
use toml::{Table, Value};

use super::client::Client;
use super::origin::Origin;
use super::process::{Finished, Process};
use super::sso::Sso;
use super::tls::Tls;
use super::tokens::Pair;

/// The secret every gateway under test signs with, so that tests can make tokens of any age.
pub const SECRET: &str = "q7tY2mXc9LdR4vWz8KpB1nHs6JfG3aEu5TxMiOyQ0rCk";

/// What every gateway under test is configured with before a story adds its own.
const USUAL: &str = r#"
    [server]
    listen = ["127.0.0.1:0"]

    [tls]
    certificates = [{ cert = "certs/gateway.crt", key = "certs/gateway.key" }]
    generate = true

    [auth]
    issuer = "https://gate.test"
    keys = [{ kid = "k1", algorithm = "HS256", secret_file = "certs/jwt.secret" }]
    providers = ["mju"]

    [provider.mju]
    kind = "http-form"
    preset = "mju"

    [store]
    kind = "sqlite"
    path = "state/munjigi.db"
"#;

/// A gateway that is not running yet.
pub struct Builder {
    dir: TempDir,
    config: Table,
    env: Vec<(String, String)>,
    flags: Vec<&'static str>,
    under: Vec<String>,
}

impl Builder {
    /// With the usual configuration: no upstream, no route, an SSO that is the real one and must be replaced.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("certs")).unwrap();
        write_private(&dir.path().join("certs/jwt.secret"), SECRET.as_ref());
        Self { dir, config: USUAL.parse().unwrap(), env: Vec::new(), flags: Vec::new(), under: Vec::new() }
    }

    /// With nothing at all.
    pub fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), config: Table::new(), env: Vec::new(), flags: Vec::new(), under: Vec::new() }
    }

    /// Adds to the configuration: tables are merged, routes are appended, everything else replaces what stood there.
    #[track_caller]
    pub fn toml(mut self, more: &str) -> Self {
        merge(&mut self.config, more.parse().unwrap_or_else(|error| panic!("{error}:\n{more}")));
        self
    }

    /// Asks this SSO.
    pub fn sso(self, sso: &Sso) -> Self {
        let url = sso.url();
        self.toml(&format!("[provider.mju]\nurl = \"{url}\""))
    }

    /// Adds an upstream.
    pub fn upstream(self, name: &str, origin: &Origin) -> Self {
        let url = origin.url();
        self.toml(&format!("[upstream.{name}]\nservers = [\"{url}\"]"))
    }

    /// Takes a key of the configuration away, as in `auth.keys`.
    pub fn without(mut self, key: &str) -> Self {
        let (tables, name) = key.rsplit_once('.').unwrap_or(("", key));
        let mut table = &mut self.config;
        for part in tables.split('.').filter(|part| !part.is_empty()) {
            table = table[part].as_table_mut().unwrap();
        }
        table.remove(name).expect("the key to take away is there");
        self
    }

    /// Sets a variable of the process's environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Is started with one more flag.
    pub fn flag(mut self, flag: &'static str) -> Self {
        self.flags.push(flag);
        self
    }

    /// Is started by another program, which gets the gateway's command line behind these arguments and turns into it.
    pub fn under(mut self, program: &[&str]) -> Self {
        self.under = program.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Logs everything it can.
    pub fn trace(self) -> Self {
        self.toml("[log]\nlevel = \"trace\"")
    }

    /// Writes a file into the gateway's directory.
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_private(&path, content.as_ref());
        self
    }

    /// The directory the gateway will run in.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Starts it and waits until it serves.
    #[track_caller]
    pub fn start(self) -> Gateway {
        self.write();
        let process = Process::start(self.command(&["run", "-c", "gateway.toml"]).args(&self.flags));
        let address = address_in(&process.logged(LISTENING));
        Gateway { process, address, built: self }
    }

    /// Starts one that does not speak TLS, and waits until it serves. Its address is that of its plain port.
    #[track_caller]
    pub fn start_plain(self) -> Gateway {
        self.write();
        let process = Process::start(self.command(&["run", "-c", "gateway.toml"]).args(&self.flags));
        let address = plain_address(&process);
        Gateway { process, address, built: self }
    }

    /// Runs a command that is expected to end by itself (`check`, or a `run` that cannot start).
    #[track_caller]
    pub fn finish(&self, arguments: &[&str]) -> Finished {
        self.write();
        Process::start(&mut self.command(arguments)).finish()
    }

    /// The same with something typed.
    #[track_caller]
    pub fn finish_fed(&self, arguments: &[&str], text: &str) -> Finished {
        self.write();
        Process::fed(&mut self.command(arguments), text).finish()
    }

    /// Writes the configuration, for a story that starts the process in a way of its own.
    pub fn write(&self) {
        fs::write(self.dir.path().join("gateway.toml"), self.config.to_string()).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match &*self.under {
            [] => binary(),
            [program, rest @ ..] => {
                let mut command = Command::new(program);
                command.args(rest).arg(binary().get_program());
                command
            }
        };
        command.args(arguments).current_dir(self.dir.path());
        // A proxy named in the environment is never used: with these set, any use of it would show.
        command.envs([("http_proxy", "http://127.0.0.1:9"), ("https_proxy", "http://127.0.0.1:9"), ("ALL_PROXY", "http://127.0.0.1:9")]);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// What the line holds that names the TLS listener.
const LISTENING: &str = "listening on https://";

/// The program the stories are about: the one built with them, or the one `MUNJIGI_TEST_BINARY` names, such as that of a
/// release.
fn binary() -> Command {
    let other = std::env::var_os("MUNJIGI_TEST_BINARY").map(|path| Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
    Command::new(other.unwrap_or_else(|| env!("CARGO_BIN_EXE_munjigi").into()))
}

/// Runs `munjigi` with arguments in a directory, to its end.
#[track_caller]
pub fn munjigi(dir: &Path, arguments: &[&str]) -> Finished {
    Process::start(binary().args(arguments).current_dir(dir)).finish()
}

/// The same with something typed.
#[track_caller]
pub fn munjigi_fed(dir: &Path, arguments: &[&str], text: &str) -> Finished {
    Process::fed(binary().args(arguments).current_dir(dir), text).finish()
}

/// A gateway that serves.
pub struct Gateway {
    /// The process.
    pub process: Process,
    address: SocketAddr,
    built: Builder,
}

impl Gateway {
    /// Where it serves TLS.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its plain listener redirects.
    #[track_caller]
    pub fn redirect_address(&self) -> SocketAddr {
        address_in(&self.process.logged("listening on http://"))
    }

    /// Where its plain port is.
    #[track_caller]
    pub fn plain_address(&self) -> SocketAddr {
        plain_address(&self.process)
    }

    /// A file of its directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.built.dir().join(name)
    }

    /// A program.
    pub fn program(&self) -> Client {
        Client::program(self.address)
    }

    /// A browser.
    pub fn browser(&self) -> Client {
        Client::browser(self.address)
    }

    /// A connection for chosen bytes, HTTP/1.1.
    #[track_caller]
    pub fn tls(&self) -> Tls {
        Tls::connect(self.address)
    }

    /// Logs in as a program does.
    #[track_caller]
    pub fn login(&self, id: &str, password: &str) -> Pair {
        let answer = self.program().post("/login").json(&json!({ "id": id, "password": password })).send();
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let body = answer.json();
        let token = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("no {name}: {body}")).to_owned();
        Pair { access: token("access_token"), refresh: token("refresh_token") }
    }

    /// Changes the configuration file as [`Builder::toml`] does.
    #[track_caller]
    pub fn configure(&mut self, more: &str) {
        merge(&mut self.built.config, more.parse().unwrap());
        self.built.write();
    }

    /// Sends HUP and waits for the line that holds `outcome`; the number of such lines before does not matter.
    #[track_caller]
    pub fn reload(&self, outcome: &str) -> String {
        let count = |lines: &[String]| lines.iter().filter(|line| line.contains(outcome)).count();
        let before = count(&self.process.err.lines());
        self.process.signal("HUP");
        let newest = self.process.err.wait_until(|lines| {
            let said = lines.iter().filter(|line| line.contains(outcome)).nth(before);
            said.cloned()
        });
        newest.unwrap_or_else(|| panic!("no {outcome:?} after HUP:\n{}", self.process.err.text()))
    }

    /// Sends a signal and waits for the end.
    #[track_caller]
    pub fn stop(&mut self, signal: &str) -> Finished {
        self.process.signal(signal);
        self.process.finish()
    }

    /// Ends it as a power cut would, and starts it again over what it left on the disk.
    #[track_caller]
    pub fn killed_and_started(mut self) -> Self {
        self.process.kill();
        self.built.start()
    }

    /// Ends it as a power cut would; what it left can be changed before it is started again.
    pub fn killed(mut self) -> Builder {
        self.process.kill();
        self.built
    }

    /// All it printed so far, on both outputs.
    pub fn printed(&self) -> String {
        format!("{}\n{}", self.process.out.text(), self.process.err.text())
    }
}

/// The first port that is served without TLS.
#[track_caller]
fn plain_address(process: &Process) -> SocketAddr {
    let line = process.logged("listening without TLS on 127");
    let place = line.split_once("without TLS on ").map_or("", |(_, place)| place).split_whitespace().next();
    place.unwrap_or_default().parse().unwrap_or_else(|error| panic!("no address ({error}) in {line:?}"))
}

/// The socket address behind `://` in a line of the log.
#[track_caller]
fn address_in(line: &str) -> SocketAddr {
    let behind = line.split_once("://").map_or("", |(_, behind)| behind);
    let end = behind.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ':'))).unwrap_or(behind.len());
    behind[..end].parse().unwrap_or_else(|error| panic!("no address ({error}) in {line:?}"))
}

fn merge(into: &mut Table, more: Table) {
    for (key, value) in more {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (Some(Value::Array(old)), Value::Array(new)) if key == "route" => old.extend(new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// Secrets are refused when everybody can read them.
pub fn write_private(path: &Path, content: &[u8]) {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    file.write_all(content).unwrap();
}
