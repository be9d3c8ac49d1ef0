//! A real application with the library, in a process of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{Message, plainly};

/// The Python that has the library; says that the stories are left out when there is none.
pub fn python() -> Option<std::ffi::OsString> {
    let python = std::env::var_os("MUNJIGI_FLASK");
    if python.is_none() {
        let _ = writeln!(
            std::io::stderr(),
            "left out: the stories of flask (MUNJIGI_FLASK names no Python with flask-jwt-extended; scripts/test makes one)"
        );
    }
    python
}

/// One application.
pub struct App {
    process: Child,
    address: SocketAddr,
}

impl App {
    /// The usual one, with this secret and these settings of the library.
    pub fn start(secret: &str, config: &Value) -> Option<Self> {
        Some(Self::run(&mut Command::new(python()?), "flask_app.py", &[("SECRET", secret), ("CONFIG", &config.to_string())]))
    }

    /// The same with a clock of its own, shifted under the whole process, the library's checks included. Not by the command
    /// `faketime`, which waits for a child: whoever ends the one does not end the other.
    pub fn with_clock(shift: &str, secret: &str, config: &Value) -> Option<Self> {
        let mut command = Command::new(python()?);
        command.env("LD_PRELOAD", crate::clock::library()).env("FAKETIME", shift);
        Some(Self::run(&mut command, "flask_app.py", &[("SECRET", secret), ("CONFIG", &config.to_string())]))
    }

    /// Another one of `tests/python`, told by its environment.
    pub fn named(file: &str, environment: &[(&str, &str)]) -> Option<Self> {
        Some(Self::run(&mut Command::new(python()?), file, environment))
    }

    fn run(command: &mut Command, file: &str, environment: &[(&str, &str)]) -> Self {
        let mut process = command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(file))
            .envs(environment.iter().copied())
            .envs([
                ("PYTHONUTF8", "1"),
                ("PYTHONWARNINGS", "ignore"),
                ("PYTHONDONTWRITEBYTECODE", "1"),
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ])
            .stdout(Stdio::piped())
            .spawn()
            .expect("MUNJIGI_FLASK names a Python interpreter");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port: u16 = line.trim().parse().expect("the application says its port");
        Self { process, address: SocketAddr::from(([127, 0, 0, 1], port)) }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Asks it directly.
    pub fn ask(&self, method: &str, path: &str, fields: &[(&str, String)], body: &str) -> Message {
        self.ask_as("application/json", method, path, fields, body)
    }

    /// The same with a body of another kind.
    pub fn ask_as(&self, kind: &str, method: &str, path: &str, fields: &[(&str, String)], body: &str) -> Message {
        let fields: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: app\r\nConnection: close\r\nContent-Type: {kind}\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
        );
        plainly(self.address, &request)
    }

    /// Tokens it makes.
    pub fn tokens(&self, wish: &Value) -> (String, String) {
        let answer = self.ask("POST", "/tokens", &[], &wish.to_string()).json();
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        (text("access_token"), text("refresh_token"))
    }

    /// A token that plain `PyJWT` makes, with any claims.
    pub fn pyjwt(&self, claims: &Value) -> String {
        self.ask("POST", "/pyjwt", &[], &claims.to_string()).json()["token"].as_str().unwrap().to_owned()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
