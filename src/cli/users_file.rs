//! `munjigi users import` and `export`: local accounts from and to a CSV file. It works on the store itself, beside a
//! gateway that runs as well: that one takes up new people from the change log within a second.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use csv::{ReaderBuilder, StringRecord, Trim, Writer};
use secrecy::{ExposeSecret as _, SecretString};

use super::ConfigFile;
use super::bar::Bar;
use crate::app::{self, Failure};
use crate::base::{Clock as _, SystemClock};
use crate::config::{Config, ProviderSettings, StoreSettings};
use crate::identity::{DisplayName, Email, Group, Profile, Role, UserId};
use crate::provider::{FieldSettings, LocalSettings, check_imported};
use crate::store::{Account, AccountStatus, NewAccount, PersonState, Sqlite, Store};

/// The columns, in the order in which they are written. `id` and `hash` have to be there.
const COLUMNS: [&str; 8] = ["id", "name", "email", "hash", "role", "groups", "status", "disabled"];
/// How many are read from the store at a time.
const PAGE: u32 = 1000;

/// What is imported.
#[derive(Args)]
pub(super) struct Import {
    /// A CSV file in UTF-8 with a first line of column names: id, hash, and if wanted name, email, role, groups (separated by
    /// ";"), status (active or awaiting), disabled (yes or no)
    file: PathBuf,
    /// Look at every line and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: Place,
}

/// What is exported.
#[derive(Args)]
pub(super) struct Export {
    #[command(flatten)]
    place: Place,
}

/// Where the accounts are.
#[derive(Args)]
struct Place {
    /// The provider of kind "local"; the first unless said
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
}

/// An account and the line it stands in.
struct Read {
    line: u64,
    account: NewAccount,
}

/// Imports a file, as a whole or not at all.
///
/// # Errors
/// Why the file or the store cannot be used. Bad lines are told here, with exit code 1.
pub(super) fn import(options: &Import) -> Result<ExitCode, Failure> {
    let config = app::configuration(&options.place.config.config)?;
    let local = local(&config, options.place.provider.as_deref())?;
    let file = File::open(&options.file).map_err(|source| Failure::File { path: options.file.clone(), source })?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let (read, mut faults) = read(Watched { file, bar: Bar::new("reading", size) }, local);
    let (runtime, store) = open(&config)?;
    let known: HashSet<UserId> = runtime.block_on(all(&store, local))?.into_iter().map(|new| new.user).collect();
    let there = |read: &&Read| known.contains(&read.account.user);
    faults.extend(read.iter().filter(there).map(|read| (read.line, format!("{} has an account already", read.account.user.id()))));
    if !faults.is_empty() {
        faults.sort();
        for (line, fault) in &faults {
            complain(&format!("{}:{line}: {fault}", options.file.display()));
        }
        complain(&format!("{} faults; nothing was imported", faults.len()));
        return Ok(ExitCode::FAILURE);
    }
    let count = read.len();
    if options.dry_run {
        say(&format!("{count} accounts could be imported into {}; nothing was changed", local.name));
        return Ok(ExitCode::SUCCESS);
    }
    let accounts = read.into_iter().map(|read| read.account).collect();
    // All of them at once, or none.
    let bar = Bar::new("writing", 1);
    let taken = runtime.block_on(store.add_accounts(accounts, SystemClock::new().now()))?;
    drop(bar);
    if !taken.is_empty() {
        complain("somebody else made an account of the same id just now; nothing was imported");
        return Ok(ExitCode::FAILURE);
    }
    say(&format!("{count} accounts imported into {}", local.name));
    Ok(ExitCode::SUCCESS)
}

/// Writes every account of a provider to standard output, in the form that `import` reads.
///
/// # Errors
/// Why the store cannot be used.
pub(super) fn export(options: &Export) -> Result<ExitCode, Failure> {
    let config = app::configuration(&options.place.config.config)?;
    let local = local(&config, options.place.provider.as_deref())?;
    let (runtime, store) = open(&config)?;
    let accounts = runtime.block_on(all(&store, local))?;
    let written = write(&accounts, local);
    written.map_err(|source| Failure::System { what: "cannot write the accounts", source })?;
    Ok(ExitCode::SUCCESS)
}

fn write(accounts: &[NewAccount], local: &LocalSettings) -> io::Result<()> {
    let mut out = Writer::from_writer(io::stdout().lock());
    out.write_record(all_columns(local))?;
    for NewAccount { user, state, account } in accounts {
        let Profile { role, groups, name, email } = &*state.profile;
        let groups = groups.iter().map(Group::as_str).collect::<Vec<_>>().join(";");
        let name = name.as_ref().map_or("", DisplayName::as_str);
        let email = email.as_ref().map_or("", Email::as_str);
        let disabled = if state.disabled { "yes" } else { "no" };
        let hash = account.password.expose_secret();
        let usual = [user.id(), name, email, hash, role.as_str(), groups.as_str(), account.status.as_str(), disabled];
        let answer = |field: &FieldSettings| account.fields.get(&field.name).map_or("", String::as_str);
        out.write_record(usual.into_iter().chain(local.fields.iter().map(answer)))?;
    }
    out.flush()
}

fn local<'a>(config: &'a Config, named: Option<&str>) -> Result<&'a LocalSettings, Failure> {
    let mut locals = config.providers.iter().filter_map(|provider| match provider {
        ProviderSettings::Local(local) => Some(&**local),
        ProviderSettings::HttpForm(_) | ProviderSettings::BandiSso(_) => None,
    });
    let found = locals.find(|local| named.is_none_or(|name| local.name.as_str() == name));
    found.ok_or_else(|| Failure::Usage("[auth] offers no such provider of kind = \"local\"".to_owned()))
}

fn open(config: &Config) -> Result<(tokio::runtime::Runtime, Arc<dyn Store>), Failure> {
    let StoreSettings::Sqlite(settings) = &config.store;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| Failure::System { what: "cannot start a runtime", source })?;
    Ok((runtime, Arc::new(Sqlite::open(settings.clone())?)))
}

async fn all(store: &Arc<dyn Store>, local: &LocalSettings) -> Result<Vec<NewAccount>, Failure> {
    let mut all: Vec<NewAccount> = Vec::new();
    loop {
        let after = all.last().map(|new| new.user.id().to_owned()).unwrap_or_default();
        let page = store.accounts(local.realm.clone(), after, PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// A file whose reader sees how far it is.
struct Watched<R> {
    file: R,
    bar: Bar,
}

impl<R: io::Read> io::Read for Watched<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.bar.advance(read as u64);
        Ok(read)
    }
}

/// Every account of the file, and every fault with its line.
fn read(file: impl io::Read, local: &LocalSettings) -> (Vec<Read>, Vec<(u64, String)>) {
    let mut csv = ReaderBuilder::new().trim(Trim::All).flexible(true).from_reader(file.chain(&b"\n"[..]));
    let (mut read, mut faults) = (Vec::new(), Vec::new());
    let columns = match csv.headers().map(|headers| columns(headers, local)) {
        Ok(Ok(columns)) => columns,
        Ok(Err(fault)) => return (read, vec![(1, fault)]),
        Err(error) => return (read, vec![(1, error.to_string())]),
    };
    let mut lines: HashMap<UserId, u64> = HashMap::new();
    let mut record = StringRecord::new();
    loop {
        match csv.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                faults.push((line, "this line is no CSV in UTF-8".to_owned()));
                if error.is_io_error() {
                    break;
                }
                continue;
            }
        }
        // Where a record begins counts the empty lines before it, so its end is asked: the file is read with a final newline.
        let within: u64 = record.iter().flat_map(str::bytes).map(|byte| u64::from(byte == b'\n')).sum();
        let line = csv.position().line().saturating_sub(1 + within);
        match account(&record, &columns, local) {
            Ok(account) => {
                if let Some(first) = lines.insert(account.user.clone(), line) {
                    faults.push((line, format!("the id {:?} stands in line {first} too", account.user.id())));
                }
                read.push(Read { line, account });
            }
            Err(fault) => faults.push((line, fault)),
        }
    }
    if read.is_empty() && faults.is_empty() {
        faults.push((1, "there is no account in this file".to_owned()));
    }
    (read, faults)
}

/// The columns every file has, and those of what the operator asks besides.
fn all_columns(local: &LocalSettings) -> impl Iterator<Item = &str> {
    COLUMNS.into_iter().chain(local.fields.iter().map(|field| field.name.as_str()))
}

/// Where each column stands.
fn columns<'l>(headers: &StringRecord, local: &'l LocalSettings) -> Result<HashMap<&'l str, usize>, String> {
    let mut columns = HashMap::new();
    for (at, name) in headers.iter().enumerate() {
        let name = name.trim_start_matches('\u{feff}');
        let known = all_columns(local).find(|known| name.eq_ignore_ascii_case(known));
        let listed = || all_columns(local).collect::<Vec<_>>().join(", ");
        let known = known.ok_or_else(|| format!("{name:?} is no column; the columns are {}", listed()))?;
        if columns.insert(known, at).is_some() {
            return Err(format!("there are two columns {known}"));
        }
    }
    match ["id", "hash"].into_iter().find(|needed| !columns.contains_key(needed)) {
        Some(missing) => Err(format!("there is no column {missing}; the first line names the columns")),
        None => Ok(columns),
    }
}

fn account(record: &StringRecord, columns: &HashMap<&str, usize>, local: &LocalSettings) -> Result<NewAccount, String> {
    if record.len() > columns.len() {
        return Err("there are more fields than columns; put a field with commas into double quotes".to_owned());
    }
    let field = |name: &str| columns.get(name).and_then(|at| record.get(*at)).filter(|text| !text.is_empty());
    let id = field("id").ok_or("the id is missing")?;
    let user = local.id_rule.canonical(&local.realm, id).map_err(|error| format!("id {id:?}: {error}"))?;
    let hash = field("hash").ok_or("the hash is missing")?;
    // The hash itself is not shown.
    check_imported(hash).map_err(|fault| format!("hash of {id:?}: {fault}"))?;
    let name = field("name").map(DisplayName::new).transpose().map_err(|error| format!("name: {error}"))?;
    let email = field("email").map(Email::new).transpose().map_err(|error| format!("email: {error}"))?;
    let role = match field("role") {
        Some(word) => Role::parse(word).ok_or_else(|| format!("role {word:?} is none; \"member\" or \"admin\""))?,
        None => Role::default(),
    };
    let names = field("groups").unwrap_or_default().split(';').map(str::trim).filter(|group| !group.is_empty());
    let mut groups =
        names.map(|group| Group::new(group).map_err(|error| format!("group {group:?}: {error}"))).collect::<Result<Vec<_>, _>>()?;
    groups.sort();
    groups.dedup();
    let status = word(field("status"), "status", [("active", AccountStatus::Active), ("awaiting", AccountStatus::Awaiting)])?;
    let disabled = word(field("disabled"), "disabled", [("no", false), ("yes", true)])?;
    let state = PersonState { disabled, profile: Arc::new(Profile { role, groups, name, email }) };
    let wrong = |names: Vec<&str>| format!("{} is missing, or is not one line of text", names.join(", "));
    let fields = local.answers(|name| field(name)).map_err(wrong)?;
    Ok(NewAccount { user, state, account: Account { status, password: SecretString::from(hash), fields } })
}

/// One of two words; the first when there is none. Whatever else stands there could have meant "keep them out".
fn word<T: Copy>(said: Option<&str>, column: &str, words: [(&str, T); 2]) -> Result<T, String> {
    let Some(said) = said else { return Ok(words[0].1) };
    let found = words.iter().find(|(word, _)| *word == said).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| format!("{column} {said:?} is none; {:?} or {:?}", words[0].0, words[1].0))
}

fn say(line: &str) {
    // With nobody reading, the exit code still tells.
    let _ = writeln!(io::stdout(), "{line}");
}

fn complain(line: &str) {
    // The same.
    let _ = writeln!(io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{IdRule, ProviderName, Realm};
    use crate::provider::Registration;

    const HASH: &str = "$2b$04$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuuabcdefghi";

    fn looked_at(text: &str) -> (Vec<String>, Vec<(u64, String)>) {
        let local = LocalSettings {
            name: ProviderName::new("guests").unwrap(),
            realm: Realm::new("guests").unwrap(),
            id_rule: IdRule::default(),
            registration: Registration::Closed,
            shortest_password: 8,
            fields: vec![FieldSettings { name: "department".into(), label: DisplayName::new("학과").unwrap(), required: false }],
        };
        let (read, faults) = read(text.replace("HASH", HASH).as_bytes(), &local);
        (read.iter().map(|read| format!("{}:{}", read.line, read.account.user.id())).collect(), faults)
    }

    #[test]
    fn columns_come_in_any_order_and_ids_in_their_canonical_form() {
        let (read, faults) =
            looked_at("\u{feff}Hash,id,groups,department,name\nHASH,Kim,staff; 교직원 ;staff,수학과,\"Kim, Hana\"\n\nHASH,lee,,,\n");
        assert_eq!((read, faults), (vec!["2:kim".to_owned(), "4:lee".to_owned()], vec![]));
    }

    #[test]
    fn every_bad_line_is_named() {
        let text = "id,hash,name,email,role,groups\nkim,HASH,,,,\ntwo words,HASH,,,,\n,HASH,,,,\nlee,,,,,\nlee,md5,,,,\nlee,HASH,,nomail,,\n\
                    lee,HASH,,,root,\nlee,HASH,,,,\"a,b\"\nKIM,HASH,,,,\nlee,HASH,a,b@c.kr,member,x,more\n";
        let (_, faults) = looked_at(text);
        let lines: Vec<u64> = faults.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 4, 5, 6, 7, 8, 9, 10, 11], "{faults:?}");
        assert!(!faults.iter().any(|(_, fault)| fault.contains("$2b$")), "{faults:?}");
        assert!(faults[7].1.contains("line 2"), "{faults:?}");
    }

    #[test]
    fn who_was_kept_out_stays_out() {
        let (_, faults) = looked_at("id,hash,status,disabled\na,HASH,,\nb,HASH,active,no\nc,HASH,awaiting,yes\n");
        assert_eq!(faults, []);
        let (_, faults) = looked_at("id,hash,status,disabled\na,HASH,waiting,\nb,HASH,,1\nc,HASH,,true\n");
        assert_eq!(faults.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 4], "{faults:?}");
    }

    #[test]
    fn a_file_without_the_needed_columns_is_refused_at_once() {
        for (text, part) in [
            ("", "no column id"),
            ("id,name\n", "no column hash"),
            ("id,hash,pw\n", "no column"),
            ("id,hash,id\n", "two columns"),
            ("id,hash\n", "no account"),
        ] {
            let (_, faults) = looked_at(text);
            assert!(faults.len() == 1 && faults[0].1.contains(part), "{text:?}: {faults:?}");
        }
    }
}
