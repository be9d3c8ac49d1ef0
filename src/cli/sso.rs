//! `munjigi sso test`: one login, told step by step, so that an operator sees in a minute what the university has changed.

use std::io::{self, BufRead as _, IsTerminal as _, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::ConfigFile;
use crate::app::{self, Failure};
use crate::base::{Clock, SystemClock};
use crate::config::{Config, ProviderSettings};
use crate::provider::{BandiSso, HttpForm, Login, ProviderFault, Step, Verdict};

/// What can be looked at.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Log in once with an id and a password of your own, and print every step; secrets are masked
    ///
    /// Asks for both, and takes two lines of standard input when that is no terminal. Exit codes: 0 the password was taken;
    /// 3 the login could not say (the last lines tell why); 4 it said no.
    Test(Options),
}

/// Which login.
#[derive(Args)]
pub(super) struct Options {
    /// The provider, as it is named in the configuration; the first unless said
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    #[command(flatten)]
    file: ConfigFile,
}

/// The exit code for a login that said no.
const NO: u8 = 4;
/// The exit code for a login that could not say.
const CANNOT_SAY: u8 = 3;

/// Runs it.
///
/// # Errors
/// Why nobody could be asked.
pub(super) fn run(command: &Command) -> Result<ExitCode, Failure> {
    let Command::Test(options) = command;
    let config = app::configuration(&options.file.config)?;
    let settings = chosen(&config, options.provider.as_deref())?;
    let system = |what| move |source| Failure::System { what, source };
    let asked = Asked::read().map_err(system("cannot read the id and the password"))?;
    let user = settings.id_rule().canonical(settings.realm(), &asked.id);
    let user = user.map_err(|error| Failure::Usage(format!("{:?} cannot be an id here: {error}", asked.id)))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(system("cannot start a runtime"))?;
    say(&format!("asking {} about {}:{}", settings.name(), user.realm(), user.id()));
    let answer = runtime.block_on(walk(settings, Login { user, password: asked.password }))?;
    Ok(tell(settings, &answer))
}

fn chosen<'a>(config: &'a Config, named: Option<&str>) -> Result<&'a ProviderSettings, Failure> {
    let names = || config.providers.iter().map(|provider| provider.name().as_str()).collect::<Vec<_>>().join(", ");
    let found = match named {
        None => config.providers.first(),
        Some(name) => config.providers.iter().find(|provider| provider.name().as_str() == name),
    };
    found.ok_or_else(|| Failure::Usage(format!("[auth] offers no provider of that name; it offers {}", names())))
}

/// What the operator typed.
struct Asked {
    id: String,
    password: SecretString,
}

impl Asked {
    /// From the terminal, the password without an echo; else two lines of standard input.
    fn read() -> io::Result<Self> {
        let mut input = io::stdin().lock();
        if input.is_terminal() {
            write!(io::stderr(), "id: ")?;
            let id = line(&mut input)?;
            drop(input);
            let password = Zeroizing::new(rpassword::prompt_password("password (not shown): ")?);
            return Ok(Self { id: id.trim().to_owned(), password: SecretString::from(password.as_str()) });
        }
        let (id, password) = (line(&mut input)?, line(&mut input)?);
        Ok(Self { id: id.trim().to_owned(), password: SecretString::from(password.as_str()) })
    }
}

/// A line without its end.
fn line(input: &mut io::StdinLock<'_>) -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    if input.read_line(&mut line)? == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "an id and a password are wanted, a line each"));
    }
    let length = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(length);
    Ok(line)
}

async fn walk(settings: &ProviderSettings, login: Login) -> Result<Result<Verdict, ProviderFault>, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let failed = |fault| Failure::Provider { name: settings.name().to_string(), fault };
    let mut print = |step: Step| say(&step.to_string());
    match settings {
        ProviderSettings::HttpForm(form) => Ok(HttpForm::new((**form).clone(), clock).map_err(failed)?.trace(login, &mut print).await),
        ProviderSettings::BandiSso(page) => Ok(BandiSso::new((**page).clone(), clock).map_err(failed)?.trace(login, &mut print).await),
        ProviderSettings::Local(_) => Err(Failure::Usage(format!("{} holds accounts of our own; there is no SSO to ask", settings.name()))),
    }
}

/// The outcome in one line and what it means, and the exit code.
fn tell(settings: &ProviderSettings, answer: &Result<Verdict, ProviderFault>) -> ExitCode {
    let told = |message: &Option<String>| message.as_ref().map_or_else(String::new, |words| format!(": {words}"));
    match answer {
        Ok(Verdict::Right { notice }) => {
            say(&format!("answer: yes, the password is right{}", told(notice)));
            ExitCode::SUCCESS
        }
        Ok(Verdict::Wrong { message }) => {
            say(&format!("answer: no{}", told(message)));
            ExitCode::from(NO)
        }
        Ok(Verdict::NotYet { message }) => {
            say(&format!("answer: not before something else is done{}", told(message)));
            ExitCode::from(NO)
        }
        Err(fault) => {
            say(&format!("no answer: {} {fault}", settings.name()));
            if let Some(advice) = advice(settings, fault) {
                say(advice);
            }
            ExitCode::from(CANNOT_SAY)
        }
    }
}

/// What an operator can do about it.
const fn advice(settings: &ProviderSettings, fault: &ProviderFault) -> Option<&'static str> {
    match (fault, settings) {
        (ProviderFault::Unreachable(_), _) => Some("look at `url`, the network and the firewall; a TLS fault may want `ca`"),
        (ProviderFault::Changed(_), ProviderSettings::BandiSso(_)) => Some(
            "the page is not the one that is known: `parts`, `allowed_hosts`, `notice_path` name what can be set without a new release",
        ),
        (ProviderFault::Changed(_), ProviderSettings::HttpForm(_) | ProviderSettings::Local(_)) => {
            Some("this login is gone or moved: try the other provider of the realm, and put it first in `providers`")
        }
        (ProviderFault::Refused(_), _) => Some("it does not talk to this machine: ask the university, or look at `user_agent`"),
        (ProviderFault::TimedOut(_), _) => Some("it is slow: `timeout` says how long it may take"),
        (ProviderFault::NotUnderstood(_), _) => {
            Some("it is out of order, or no longer speaks as it did: try again, then look at the other settings")
        }
        (ProviderFault::Overloaded(_) | ProviderFault::Resting { .. }, _) => None,
    }
}

fn say(line: &str) {
    // With nobody reading, the exit code still tells.
    let _ = writeln!(io::stdout(), "{line}");
}
