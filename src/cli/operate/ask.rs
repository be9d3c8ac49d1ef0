use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::app::Failure;
use crate::server::PlainAddress;

/// How long a gateway may take to answer a command.
const PATIENCE: Duration = Duration::from_secs(30);

/// Largest answer that is read.
const LARGEST: usize = 64 << 20;

/// Why a command did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Trouble {
    /// The configuration by which the gateway would be found.
    #[error("{0}")]
    Configuration(Failure),
    /// Nobody answers there.
    #[error("no gateway is running here: nobody answers at {}; `munjigi run` starts one, `-c FILE` names another configuration", .0.display())]
    NotRunning(PathBuf),
    /// Somebody else's.
    #[error("{} may be used only by the user that the gateway runs as", .0.display())]
    NotYours(PathBuf),
    /// The connection.
    #[error("the gateway was asked and gave no answer: {0}")]
    NoAnswer(String),
    /// The gateway said no.
    #[error("{msg}")]
    No {
        /// With which status.
        status: StatusCode,
        /// In these words.
        msg: String,
    },
    /// The command line.
    #[error("{0}")]
    Usage(String),
}

impl Trouble {
    /// The exit code.
    pub(in crate::cli) fn exit_code(&self) -> u8 {
        match self {
            Self::Configuration(failure) => failure.exit_code(),
            Self::No { status, .. } if *status == StatusCode::BAD_REQUEST => 2,
            Self::Usage(_) => 2,
            Self::NotRunning(_) | Self::NotYours(_) | Self::NoAnswer(_) | Self::No { .. } => 3,
        }
    }
}

/// A gateway that can be asked.
pub(in crate::cli) struct Desk(PlainAddress);

impl Desk {
    /// The operator's socket.
    pub(in crate::cli) const fn socket(path: PathBuf) -> Self {
        Self(PlainAddress::Unix(path))
    }

    /// Any other place.
    pub(in crate::cli) const fn at(address: PlainAddress) -> Self {
        Self(address)
    }

    /// Asks, and takes a "no" for trouble.
    pub(in crate::cli) fn ask(&self, method: &Method, place: &str, body: Option<&Value>) -> Result<Value, Trouble> {
        let (status, answer) = self.look(method, place, body)?;
        if status.is_success() {
            return Ok(answer);
        }
        let msg = answer["msg"].as_str().map_or_else(|| format!("the gateway answered {status}"), str::to_owned);
        Err(Trouble::No { status, msg })
    }

    /// Asks.
    pub(in crate::cli) fn look(&self, method: &Method, place: &str, body: Option<&Value>) -> Result<(StatusCode, Value), Trouble> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Trouble::NoAnswer(error.to_string()))?;
        runtime.block_on(async {
            let late = |_| Trouble::NoAnswer(format!("it took longer than {PATIENCE:?}"));
            tokio::time::timeout(PATIENCE, self.exchange(method, place, body)).await.map_err(late)?
        })
    }

    async fn exchange(&self, method: &Method, place: &str, body: Option<&Value>) -> Result<(StatusCode, Value), Trouble> {
        match &self.0 {
            PlainAddress::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(|error| unreachable(path, &error))?;
                converse(stream, method, place, body).await
            }
            PlainAddress::Tcp(address) => {
                let nobody = |error: io::Error| unreachable(Path::new(&address.to_string()), &error);
                converse(TcpStream::connect(address).await.map_err(nobody)?, method, place, body).await
            }
        }
    }
}

fn unreachable(path: &Path, error: &io::Error) -> Trouble {
    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) {
        Trouble::NotRunning(path.to_owned())
    } else if error.kind() == ErrorKind::PermissionDenied {
        Trouble::NotYours(path.to_owned())
    } else {
        Trouble::NoAnswer(format!("{}: {error}", path.display()))
    }
}

async fn converse<S>(stream: S, method: &Method, place: &str, body: Option<&Value>) -> Result<(StatusCode, Value), Trouble>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let broken = |error: &dyn std::error::Error| Trouble::NoAnswer(error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
    let talking = tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(place)
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body.map_or_else(Bytes::new, |body| body.to_string().into())))
        .map_err(|error| broken(&error))?;
    let (head, answer) = sender.send_request(request).await.map_err(|error| broken(&error))?.into_parts();
    let bytes = Limited::new(answer, LARGEST).collect().await.map_err(|error| Trouble::NoAnswer(error.to_string()))?.to_bytes();
    talking.abort();
    let answer = serde_json::from_slice(&bytes).map_err(|error| Trouble::NoAnswer(format!("{} with no JSON: {error}", head.status)))?;
    Ok((head.status, answer))
}
