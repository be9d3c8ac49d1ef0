//! Under a service manager: it is told how far things are, it may have opened the sockets, and somebody rotates the log.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use crate::support::{Builder, Client, Origin, PATIENCE, Process, RIGHT, Sso, World, need};

/// A stand-in for the service manager's end of `NOTIFY_SOCKET`.
fn manager(dir: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(dir.join("notify")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

#[track_caller]
fn told(manager: &UnixDatagram) -> String {
    let mut buffer = [0; 1024];
    let length = manager.recv(&mut buffer).expect("nothing was told");
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

#[test]
fn the_service_manager_is_told_how_far_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let manager = manager(dir.path());
    let builder = World::builder(&Origin::start(), &Sso::start()).env("NOTIFY_SOCKET", dir.path().join("notify").to_str().unwrap());
    let mut gateway = builder.start();
    assert_eq!(told(&manager).trim(), "READY=1");
    // Who hears of it finds a gateway that answers.
    assert_eq!(gateway.program().get("/").send().status(), 401);
    for outcome in ["reloaded", "reload refused"] {
        gateway.reload(outcome);
        let reloading = told(&manager);
        let mut lines = reloading.lines();
        assert_eq!(lines.next(), Some("RELOADING=1"));
        // systemd refuses the message without the time.
        let time = lines.next().and_then(|line| line.strip_prefix("MONOTONIC_USEC=")).expect("the time");
        assert!(time.parse::<u64>().unwrap() > 0);
        // A refused reload ends as well: the old configuration serves on.
        assert_eq!(told(&manager).trim(), "READY=1");
        gateway.configure("[server]\nworkers = 3");
    }
    assert_eq!(gateway.stop("TERM").code, 0);
    assert_eq!(told(&manager).trim(), "STOPPING=1");
}

#[test]
fn a_service_manager_that_is_gone_harms_nothing() {
    let gateway = World::builder(&Origin::start(), &Sso::start()).env("NOTIFY_SOCKET", "/nonexistent/notify").start();
    gateway.process.logged("cannot reach the service manager");
    gateway.login(RIGHT.0, RIGHT.1);
}

/// Starts a gateway as systemd does: the socket is descriptor 3, and two variables say so.
fn activated(builder: &Builder, socket: TcpListener) -> Process {
    builder.write();
    let mut command = Command::new("sh");
    // The shell gives the descriptor its number, and has the process id the gateway will have.
    command.args([
        "-c",
        r#"exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" run -c gateway.toml"#,
        env!("CARGO_BIN_EXE_munjigi"),
    ]);
    Process::start_with(command.current_dir(builder.dir()), Stdio::from(OwnedFd::from(socket)))
}

fn listening() -> (TcpListener, SocketAddr) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[test]
fn an_inherited_socket_is_served_and_outlives_the_gateway() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let (socket, address) = listening();
    let builder = World::builder(&origin, &sso).toml(&format!("[server]\nlisten = [\"{address}\"]\nworkers = 2"));
    for _ in 0..2 {
        let mut process = activated(&builder, socket.try_clone().unwrap());
        process.logged(&format!("listening on https://{address}"));
        for _ in 0..8 {
            assert_eq!(Client::program(address).get("/").send().status(), 401);
        }
        process.signal("TERM");
        assert_eq!(process.finish().code, 0);
        // Still bound: who connects now waits for the next gateway.
        drop(std::net::TcpStream::connect(address).unwrap());
    }
}

#[test]
fn a_socket_nobody_asked_for_is_an_error() {
    let (socket, address) = listening();
    let builder = World::builder(&Origin::closed(), &Sso::closed());
    let finished = activated(&builder, socket).finish();
    assert_eq!(finished.code, 3, "{}", finished.err);
    assert!(finished.err.contains(&address.to_string()) && finished.err.contains("socket unit"), "{}", finished.err);
}

/// The file that is shipped, with this gateway's folder and process in place of those of a system service.
#[test]
fn the_shipped_log_rotation_loses_no_line() {
    if !need("the_shipped_log_rotation_loses_no_line") {
        return;
    }
    let world = World::with("[log]\naccess_path = \"access.log\"");
    let dir = world.gateway.path("");
    let ask = |n: usize| assert_eq!(world.gateway.program().get(&format!("/open?{n}")).send().status(), 200);
    ask(0);
    let shipped = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/logrotate")).unwrap();
    let told = "systemctl kill --kill-whom=main --signal=USR1 munjigi.service";
    assert!(shipped.contains(told) && shipped.contains("/var/log/munjigi/*.log"), "{shipped}");
    let here = shipped
        .replace("/var/log/munjigi/", &dir.join("").display().to_string())
        .replace(told, &format!("kill -s USR1 {}", world.gateway.process.pid()));
    fs::write(dir.join("rotate"), here).unwrap();
    let lines = |name: &str| fs::read_to_string(dir.join(name)).map_or(0, |text| text.lines().count());
    let rotate = || {
        let command = "PATH=$PATH:/usr/sbin exec logrotate --force --state state/rotation rotate";
        let rotated = Command::new("sh").args(["-c", command]).current_dir(&dir).output().unwrap();
        assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    };
    rotate();
    // What is asked from now on is soon in the new file; until then it is in the old one, and not lost.
    let (began, mut asked) = (Instant::now(), 1);
    while lines("access.log") == 0 {
        assert!(began.elapsed() < PATIENCE, "the gateway goes on with the file that was moved");
        ask(asked);
        asked += 1;
    }
    while lines("access.log") + lines("access.log.1") < asked {
        assert!(began.elapsed() < PATIENCE, "{} + {} of {asked} lines", lines("access.log"), lines("access.log.1"));
        thread::yield_now();
    }
    // The file that was moved last stays plain, since the gateway may still be writing to it.
    rotate();
    let mut kept: Vec<String> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    kept.retain(|name| name.starts_with("access.log."));
    kept.sort();
    assert_eq!(kept, ["access.log.1", "access.log.2.gz"]);
}
