//! Other people's servers, as processes of our own: no service of the machine, no port of its own choosing.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::PATIENCE;
use super::process::Process;

/// A server that runs until it is dropped.
pub struct Daemon {
    /// It ends with this.
    _process: Process,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Daemon {
    /// Starts it on a free port and waits until it listens there. `write` puts the port into its configuration, which is in
    /// `dir`. The port may be taken between the look and the start; then another is tried.
    #[track_caller]
    pub fn start(dir: &Path, write: impl Fn(u16), command: impl Fn() -> Command) -> Self {
        for _ in 0..8 {
            let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            write(address.port());
            let mut process = Process::start_with(command().current_dir(dir), Stdio::null());
            if listens(&mut process, address) {
                return Self { _process: process, address };
            }
            let printed = format!("{}\n{}", process.out.text(), process.err.text());
            assert!(printed.to_lowercase().contains("address already in use"), "it does not serve:\n{printed}");
        }
        panic!("no free port was found");
    }
}

/// Waits until somebody listens or the process ends.
fn listens(process: &mut Process, address: SocketAddr) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if process.has_ended() {
            return false;
        }
        if TcpStream::connect(address).is_ok() {
            return true;
        }
        // Nobody tells when another program's socket is there.
        thread::park_timeout(Duration::from_millis(5));
    }
    false
}
