//! The commands. Each prints for people, and its exit code tells programs: 0 good, 1 the configuration is wrong, 2 wrong
//! usage, 3 it cannot be done here and now.

mod bar;
pub mod demo;
mod explain;
mod import;
mod operate;
mod sso;
mod table;
mod users_file;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use secrecy::ExposeSecret as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::app::{self, Failure};
use crate::base::random_bytes;
use crate::token::new_signing_key;

/// Munjigi (문지기): a TLS-terminating reverse proxy that puts a login in front of web applications that have none.
#[derive(Parser)]
#[command(name = "munjigi", version, about, max_term_width = 100, after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "\
Signals of a running gateway, as nginx has them:
  HUP              take up the changed configuration as a whole, or keep the old one and say why
  TERM, INT, QUIT  no new connections, finish the requests that were begun, end
  USR1             open the log files anew (after logrotate moved them)

Exit codes: 0 good; 1 the configuration is wrong; 2 wrong usage; 3 it cannot be done here and now.
Start with `munjigi demo`, then read gateway.toml.";

#[derive(Subcommand)]
enum Command {
    /// Serve, in the foreground, until a signal ends it
    Run(RunOptions),
    /// Look at the configuration and everything it names, and list every mistake; serves and makes nothing
    Check(ConfigFile),
    /// Say which route takes a request, who may pass, what the application would be sent, and why
    Explain(explain::Options),
    /// Try it out: a gateway on loopback with a stand-in for the university's SSO and two sample applications
    Demo(demo::Options),
    /// Ask a running gateway whether it is ready: exit code 0 or 1, for health checks
    Health(ConfigFile),
    /// Who is logged in
    #[command(subcommand)]
    Sessions(operate::Sessions),
    /// Who may log in, and as what; local accounts from and to a file
    #[command(subcommand)]
    Users(Users),
    /// What happened to logins, sessions and accounts
    Audit(operate::Trail),
    /// End every session of everybody
    LogoutEverybody(operate::Common),
    /// Print the `[auth]` part of a configuration for an application that has a login of its own
    Import {
        #[command(subcommand)]
        from: Import,
    },
    /// Look at the university's login
    #[command(subcommand)]
    Sso(sso::Command),
    /// Print a random secret, good for HS256
    GenSecret,
    /// Print a new private key for ES256 (PEM, PKCS#8)
    GenKey,
    /// Print the version
    Version,
}

#[derive(Subcommand)]
enum Import {
    /// From the settings of flask-jwt-extended: a Python file, an environment file or a JSON dump. Read as text, not run
    Flask {
        /// The file
        file: PathBuf,
    },
}

#[derive(Subcommand)]
enum Users {
    #[command(flatten)]
    Of(operate::Users),
    /// Take accounts over from a CSV file: all of them, or none and every bad line with its number
    Import(users_file::Import),
    /// Write all accounts to standard output, hashes included, in the form that import reads
    Export(users_file::Export),
}

#[derive(Args)]
struct RunOptions {
    #[command(flatten)]
    file: ConfigFile,
    /// Work on the state of a gateway that is running, at other addresses: for an upgrade without a pause
    #[arg(long)]
    beside: bool,
}

#[derive(Args)]
struct ConfigFile {
    /// The configuration
    #[arg(short, long, value_name = "FILE", default_value = "gateway.toml", env = "MUNJIGI_CONFIG")]
    config: PathBuf,
}

/// Runs the command line.
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(options) => {
            let company = if options.beside { app::Company::Beside } else { app::Company::Alone };
            app::run(&options.file.config, company)
        }
        Command::Check(file) => check(&file.config),
        Command::Explain(options) => match explain::run(options) {
            Ok(code) => return code,
            Err(trouble) => return finish(Err(trouble), None),
        },
        Command::Demo(options) => demo::run(&options),
        Command::Import { from: Import::Flask { file } } => return import(&file),
        Command::Health(file) => return finish(operate::health(&file.config), Some(1)),
        Command::Sessions(command) => return finish(operate::sessions(&command), None),
        Command::Audit(trail) => return finish(operate::audit(&trail), None),
        Command::LogoutEverybody(common) => return finish(operate::logout_everybody(&common), None),
        Command::Sso(command) => match sso::run(&command) {
            Ok(code) => return code,
            Err(failure) => Err(failure),
        },
        Command::Users(command) => {
            let done = match &command {
                Users::Of(command) => return finish(operate::users(command), None),
                Users::Import(options) => users_file::import(options),
                Users::Export(options) => users_file::export(options),
            };
            match done {
                Ok(code) => return code,
                Err(failure) => Err(failure),
            }
        }
        Command::GenSecret => {
            say(&URL_SAFE_NO_PAD.encode(random_bytes::<32>()));
            Ok(())
        }
        Command::GenKey => match new_signing_key() {
            Ok(pem) => {
                say(pem.expose_secret().trim_end());
                Ok(())
            }
            Err(error) => Err(Failure::System { what: "cannot make a key", source: std::io::Error::other(error) }),
        },
        Command::Version => {
            say(&format!("munjigi {}", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn import(file: &std::path::Path) -> ExitCode {
    match import::flask(file) {
        Ok(text) => {
            say(text.trim_end());
            ExitCode::SUCCESS
        }
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "munjigi: {why}");
            ExitCode::from(3)
        }
    }
}

/// The end of a command for a running gateway; health checks know only one code for "no".
fn finish(outcome: Result<(), operate::Trouble>, code: Option<u8>) -> ExitCode {
    let Err(trouble) = outcome else { return ExitCode::SUCCESS };
    let exit = code.unwrap_or_else(|| trouble.exit_code());
    if let operate::Trouble::Configuration(failure) = &trouble {
        complain(failure);
    } else {
        let _ = writeln!(std::io::stderr(), "munjigi: {trouble}");
    }
    ExitCode::from(exit)
}

fn check(path: &std::path::Path) -> Result<(), Failure> {
    let report = app::check(path)?;
    let text = report.render(std::io::stderr().is_terminal());
    if !text.is_empty() {
        let _ = writeln!(std::io::stderr(), "{text}");
    }
    say(&format!("{}: the configuration is good", path.display()));
    Ok(())
}

fn complain(failure: &Failure) {
    let mut err = std::io::stderr();
    // A closed standard error leaves nobody to tell; the exit code still does.
    let _ = if let Failure::Rejected(rejected) = failure {
        writeln!(err, "{}", rejected.render(err.is_terminal()))
    } else {
        writeln!(err, "munjigi: {failure}")
    };
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
