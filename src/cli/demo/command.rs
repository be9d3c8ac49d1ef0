use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::runtime::Runtime;

use super::{Application, Kind, StandIn, StandInOptions, Standing};
use crate::app::{self, Failure};

/// How the demo is set up.
#[derive(Args)]
pub struct Options {
    /// Guard this application instead of the samples, for example `http://127.0.0.1:3000`
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Where everything it makes is put
    #[arg(long, value_name = "DIR", default_value = "demo")]
    dir: PathBuf,
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8443)]
    port: u16,
}

/// What runs beside the gateway. All of it ends when this is dropped.
struct Surroundings {
    sso: StandIn,
    page: Application,
    api: Application,
}

/// Runs the demo until a signal ends it.
///
/// # Errors
/// Why it cannot be started.
pub fn run(options: &Options) -> Result<(), Failure> {
    app::install_crypto();
    let system = |what| move |source| Failure::System { what, source };
    let runtime = Runtime::new().map_err(system("cannot start a runtime"))?;
    let around = runtime.block_on(Surroundings::start()).map_err(system("cannot start the stand-in and the samples on loopback"))?;
    let port = free_port(options.port).map_err(system("cannot find a free port"))?;
    fs::create_dir_all(&options.dir).map_err(system("cannot make the demo's directory"))?;
    let file = options.dir.join("gateway.toml");
    fs::write(&file, configuration(options, port, &around)).map_err(system("cannot write the demo's configuration"))?;
    let gateway = app::start(&file)?;
    if let Some(address) = gateway.addresses().first() {
        let told = tell(options, &file, address.port(), &around);
        // With nobody reading, there is nobody to tell.
        let _ = io::stdout().write_all(told.as_bytes());
    }
    gateway.wait()
}

/// The port itself, or for 0 one that is free now: the configuration names it, since the issuer does.
fn free_port(wanted: u16) -> io::Result<u16> {
    if wanted != 0 {
        return Ok(wanted);
    }
    std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?.local_addr().map(|address| address.port())
}

impl Surroundings {
    async fn start() -> io::Result<Self> {
        Ok(Self {
            sso: StandIn::start(StandInOptions { case_matters: true, ..StandInOptions::default() }).await?,
            page: Application::start(Kind::Page, 0).await?,
            api: Application::start(Kind::Api, 0).await?,
        })
    }
}

fn configuration(options: &Options, port: u16, around: &Surroundings) -> String {
    let (sso, sign_in) = (around.sso.user_check_url(), around.sso.auth_url());
    let routes = match &options.upstream {
        Some(url) => format!("[upstream.app]\nservers = [{url:?}]\n\n[[route]]\npath = \"/\"\nupstream = \"app\"\n"),
        None => format!(
            "[upstream.page]\nservers = [{:?}]\n\n[upstream.api]\nservers = [{:?}]\n\n[[route]]\npath = \"/\"\nupstream = \"page\"\n\n\
             [[route]]\npath = \"/protected\"\nupstream = \"api\"\n\n[[route]]\npath = \"/public\"\naccess = \"public\"\nupstream = \"page\"\n",
            around.page.url(),
            around.api.url()
        ),
    };
    format!(
        "# Written by `munjigi demo` at each start, with the ports of its stand-ins. For a gateway of your own see ../gateway.toml.\n\
         [server]\nlisten = [\"127.0.0.1:{port}\"]\n\n\
         [tls]\ngenerate = true\ncertificates = [{{ cert = \"certs/gateway.crt\", key = \"certs/gateway.key\" }}]\n\n\
         [auth]\nissuer = \"https://localhost:{port}\"\nproviders = [\"mju\", \"mju-sso\"]\n\
         keys = [{{ kid = \"k1\", algorithm = \"HS256\", secret_file = \"certs/jwt.secret\" }}]\n\n\
         [provider.mju]\nkind = \"http-form\"\npreset = \"mju\"\nurl = {sso:?}        # the stand-in\n\
         id_fold_case = false  # the stand-in tells rightId from rightid\n\n\
         [provider.mju-sso]  # asked while the one above cannot be\nkind = \"bandi-sso\"\npreset = \"mju\"\nurl = {sign_in:?}\n\
         id_fold_case = false\n\n\
         [store]\npath = \"state/munjigi.db\"\n\n\
         [pages.account.mju]\nlabel = \"명지대학교\"\n\n{routes}"
    )
}

fn tell(options: &Options, file: &Path, port: u16, around: &Surroundings) -> String {
    let dir = options.dir.display();
    let base = format!("https://localhost:{port}");
    let curl = format!("curl -sS --cacert {dir}/certs/gateway.crt");
    let mut accounts = String::new();
    for account in StandIn::accounts() {
        let note = match account.standing {
            Standing::Good => "",
            Standing::PasswordDue => "  (logs in, with a notice that the password is due)",
            Standing::Locked => "  (is refused: locked)",
            Standing::SecondFactor => "  (the university's newer login would ask for more)",
        };
        let _ = writeln!(accounts, "    {:<10} {}{note}", account.id, account.password);
    }
    let guarded = match &options.upstream {
        Some(url) => format!("  {base}/  ->  {url}, your application"),
        None => format!(
            "  {base}/           ->  {}, a page that shows the identity headers it got\n  {base}/protected  ->  {}, an API\n  \
             {base}/public     ->  the page again, without a login",
            around.page.url(),
            around.api.url()
        ),
    };
    let guarded_path = if options.upstream.is_some() { "/" } else { "/protected" };
    let take = |name: &str| format!("$(sed 's/.*\"{name}\":\"\\([^\"]*\\)\".*/\\1/' {dir}/tokens.json)");
    format!(
        "\nMunjigi is up. Open {base}/ and log in. The browser warns once: the certificate was made here just now.\n\n\
         Guarded, by {config}:\n{guarded}\n\n\
         Accounts of the stand-in for the university's SSO ({sso}):\n{accounts}\n\
         The same with curl, line by line:\n\n\
         # log in\n{curl} -H 'Content-Type: application/json' -d '{{\"id\":\"rightId\",\"password\":\"rightPasswd\"}}' {base}/login | tee {dir}/tokens.json; echo\n\n\
         # pass the guard\n{curl} -H \"Authorization: Bearer {access}\" {base}{guarded_path}; echo\n\n\
         # a new access token\n{curl} -X POST -H \"Authorization: Bearer {refresh}\" {base}/refresh; echo\n\n\
         # who am I\n{curl} -H \"Authorization: Bearer {access}\" {base}/.auth/me; echo\n\n\
         # log out\n{curl} -X POST -H \"Authorization: Bearer {access}\" {base}/logout; echo\n\n\
         # refused from now on\n{curl} -H \"Authorization: Bearer {access}\" {base}{guarded_path}; echo\n\n\
         Ctrl-C ends it. What it made stays in {dir}/: the next start keeps the certificate, the secret and the sessions.\n\n",
        config = file.display(),
        sso = around.sso.url(),
        access = take("access_token"),
        refresh = take("refresh_token"),
    )
}
