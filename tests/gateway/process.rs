//! The life of the process: how it starts and refuses to, takes up a changed file, and stops.
//!
//! Assumed: after HUP the operator's log has a line with `reloaded` (taken up) or `reload refused` (the old configuration
//! stays); `check` on a good file ends with 0 and makes nothing.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Mutex, mpsc};

use crate::support::{
    Builder, Finished, Origin, PATIENCE, RIGHT, SECRET, Sso, Tls, World, any_certificate, claims, json_answer, mode, munjigi, write_private,
};

const RUN: [&str; 3] = ["run", "-c", "gateway.toml"];

/// A configuration that is good but for what is added, run to its end.
#[track_caller]
fn refused(more: &str) -> Finished {
    let finished = World::builder(&Origin::closed(), &Sso::closed()).toml(more).finish(&RUN);
    assert_ne!(finished.code, 0, "it started");
    finished
}

#[test]
fn the_command_explains_itself() {
    let dir = tempfile::tempdir().unwrap();
    let version = munjigi(dir.path(), &["version"]);
    assert_eq!(version.code, 0);
    assert!(version.out.contains(env!("CARGO_PKG_VERSION")), "{}", version.out);
    let help = munjigi(dir.path(), &["--help"]);
    assert_eq!(help.code, 0);
    for command in ["run", "check", "version", "demo"] {
        assert!(help.out.contains(command), "{command}: {}", help.out);
    }
    assert_eq!(munjigi(dir.path(), &["dance"]).code, 2);
    assert_eq!(munjigi(dir.path(), &["run", "--no-such-flag"]).code, 2);
}

#[test]
fn a_missing_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for (arguments, name) in [(&["run"][..], "gateway.toml"), (&["check"], "gateway.toml"), (&["run", "-c", "other.toml"], "other.toml")] {
        let finished = munjigi(dir.path(), arguments);
        assert_eq!(finished.code, 1, "{arguments:?}");
        assert!(finished.err.contains(name), "{}", finished.err);
    }
}

#[test]
fn a_check_looks_and_makes_nothing() {
    let builder = World::builder(&Origin::closed(), &Sso::closed());
    let finished = builder.finish(&["check", "-c", "gateway.toml"]);
    assert_eq!(finished.code, 0, "{}{}", finished.out, finished.err);
    let mut made: Vec<_> = fs::read_dir(builder.dir()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    made.sort();
    assert_eq!(made, ["certs", "gateway.toml"]);
    assert_eq!(fs::read_dir(builder.dir().join("certs")).unwrap().count(), 1, "only the secret the test put there");
}

/// All in one run, each with its place and the way out.
#[test]
fn every_fault_of_a_file_is_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[server]\nlistne = [\"127.0.0.1:0\"]\n\n[auth]\naccess_ttl = \"15 minutes\"\n\n[[route]]\npath = \"no-slash\"\nupstream = \"nowhere\"\n";
    fs::write(dir.path().join("gateway.toml"), text).unwrap();
    for command in ["check", "run"] {
        let finished = munjigi(dir.path(), &[command]);
        assert_eq!(finished.code, 1);
        for part in ["gateway.toml:2:", "listen", "gateway.toml:5:", "15 minutes", "no-slash", "nowhere"] {
            assert!(finished.err.contains(part), "{part} is missing: {}", finished.err);
        }
    }
}

#[test]
fn weak_secrets_are_refused() {
    for weak in [
        "short",
        "0123456789abcdef0123456789abcde",
        "change-me-change-me-change-me-change-me",
        "your-256-bit-secret-your-256-bit-secret",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "",
    ] {
        let builder = World::builder(&Origin::closed(), &Sso::closed()).file("certs/jwt.secret", weak);
        let finished = builder.finish(&RUN);
        assert_eq!(finished.code, 1, "{weak:?} was taken");
        assert!(finished.err.contains("jwt.secret") && finished.err.contains("gen-secret"), "the way out is missing: {}", finished.err);
        assert!(weak.is_empty() || !finished.err.contains(weak), "the secret is shown: {}", finished.err);
        let inline =
            builder.without("auth.keys").toml(&format!("[auth]\nkeys = [{{ kid = \"k1\", algorithm = \"HS256\", secret = \"{weak}\" }}]"));
        let finished = inline.finish(&RUN);
        assert!(finished.code == 1 && (weak.is_empty() || !finished.err.contains(weak)), "{weak:?}: {}", finished.err);
    }
}

/// The secret is the bytes of the file less one final newline, as an editor leaves it.
#[test]
fn a_final_newline_is_not_part_of_the_secret() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let gateway = World::builder(&origin, &sso).file("certs/jwt.secret", format!("{SECRET}\n")).start();
    let pair = gateway.login(RIGHT.0, RIGHT.1);
    // Signed by the test with the bare secret.
    assert_eq!(gateway.program().get("/").bearer(&pair.access_ending_in(600)).send().status(), 200);
}

#[test]
fn what_is_absent_is_made_once_and_said() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let builder = World::builder(&origin, &sso);
    fs::remove_file(builder.dir().join("certs/jwt.secret")).unwrap();
    let gateway = builder.start();
    let read = |gateway: &crate::support::Gateway| {
        ["gateway.crt", "gateway.key", "jwt.secret"].map(|name| fs::read(gateway.path("certs").join(name)).unwrap())
    };
    for name in ["gateway.key", "jwt.secret"] {
        assert_eq!(mode(&gateway.path("certs").join(name)), 0o600, "{name}");
    }
    for name in ["gateway.crt", "gateway.key", "jwt.secret"] {
        gateway.process.logged(name);
    }
    let (made, pair) = (read(&gateway), gateway.login(RIGHT.0, RIGHT.1));
    assert!(made[2].len() >= 32);
    let again = gateway.killed_and_started();
    assert_eq!(read(&again), made);
    assert_eq!(again.program().get("/").bearer(&pair.access).send().status(), 200);
    // Two gateways do not make the same secret.
    let other = World::builder(&origin, &sso);
    fs::remove_file(other.dir().join("certs/jwt.secret")).unwrap();
    assert_ne!(read(&other.start())[2], made[2]);
}

#[test]
fn half_a_pair_is_never_completed() {
    let builder = World::builder(&Origin::closed(), &Sso::closed()).file("certs/gateway.key", "not a key");
    let finished = builder.finish(&RUN);
    assert_eq!(finished.code, 1);
    assert_eq!(fs::read(builder.dir().join("certs/gateway.key")).unwrap(), b"not a key");
    assert!(!builder.dir().join("certs/gateway.crt").exists());
}

#[test]
fn without_leave_nothing_is_made() {
    let builder = World::builder(&Origin::closed(), &Sso::closed()).toml("[tls]\ngenerate = false");
    let finished = builder.finish(&RUN);
    assert_eq!(finished.code, 1);
    assert!(finished.err.contains("gateway.crt") && finished.err.contains("generate"), "{}", finished.err);
    assert!(!builder.dir().join("certs/gateway.crt").exists());
}

#[test]
fn files_that_are_no_keys_are_named() {
    let garbage = World::builder(&Origin::closed(), &Sso::closed())
        .file("certs/gateway.crt", "garbage")
        .file("certs/gateway.key", "garbage")
        .finish(&RUN);
    assert_eq!(garbage.code, 1);
    assert!(garbage.err.contains("gateway."), "{}", garbage.err);
    // A key of another certificate.
    let (one, two) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
    let cert = rcgen::CertificateParams::new(vec!["gate.test".to_owned()]).unwrap().self_signed(&one).unwrap();
    let mixed = World::builder(&Origin::closed(), &Sso::closed())
        .file("certs/gateway.crt", cert.pem())
        .file("certs/gateway.key", two.serialize_pem())
        .finish(&RUN);
    assert_eq!(mixed.code, 1);
    assert!(mixed.err.contains("gateway.key") || mixed.err.contains("gateway.crt"), "{}", mixed.err);
}

#[test]
fn a_taken_port_is_one_clear_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let finished = refused(&format!("[server]\nlisten = [\"{address}\"]"));
    assert_eq!(finished.code, 3);
    assert!(finished.err.contains(&address.to_string()), "{}", finished.err);
    // Taken by another gateway: `SO_REUSEPORT` must not let two of them share it.
    let world = World::start();
    let finished = refused(&format!("[server]\nlisten = [\"{}\"]", world.gateway.address()));
    assert_eq!(finished.code, 3, "{}", finished.err);
}

#[test]
fn a_place_for_state_that_cannot_be_written_is_named() {
    let builder = World::builder(&Origin::closed(), &Sso::closed()).file("state", "a file where the directory should be");
    let finished = builder.finish(&RUN);
    assert_eq!(finished.code, 3, "{}", finished.err);
    assert!(finished.err.contains("state"), "{}", finished.err);
}

#[test]
fn the_environment_fills_the_gaps() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let with = |name: &str, value: &str| {
        World::builder(&origin, &sso)
            .toml("[auth]\naccess_ttl = \"${TEST_ACCESS:-900}\"\nrefresh_ttl = \"${TEST_REFRESH:-30d}\"\nissuer = \"https://${TEST_HOST:-gate.test}\"")
            .env(name, value)
    };
    let gateway = with("TEST_ACCESS", "1200").start();
    let pair = gateway.login(RIGHT.0, RIGHT.1);
    let life = |token: &str| claims(token)["exp"].as_u64().unwrap() - claims(token)["iat"].as_u64().unwrap();
    assert_eq!((life(&pair.access), life(&pair.refresh)), (1205, 2_592_005));
    let gateway = with("TEST_HOST", "other.test").start();
    assert_eq!(claims(&gateway.login(RIGHT.0, RIGHT.1).access)["iss"], "https://other.test");
    let wrong = with("TEST_ACCESS", "soon").finish(&RUN);
    assert!(wrong.code == 1 && wrong.err.contains("soon"), "{}", wrong.err);
}

/// What stands at the top of the repository is what people start from.
#[test]
fn the_examples_are_good_configurations() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = tempfile::tempdir().unwrap();
    let mut names = vec![root.join("gateway.toml")];
    names.extend(
        fs::read_dir(root.join("examples"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "toml")),
    );
    assert!(names.len() > 1, "no examples were found");
    for name in names {
        fs::copy(&name, dir.path().join("gateway.toml")).unwrap();
        let text = fs::read(&name).unwrap();
        let finished = munjigi(dir.path(), &["check"]);
        // The one that is driven by the environment has no default for its secret, on purpose.
        let wants_secret = String::from_utf8_lossy(&text).contains("${SECRET_KEY}");
        assert_eq!(finished.code, i32::from(wants_secret), "{}: {}{}", name.display(), finished.out, finished.err);
        if wants_secret {
            assert!(finished.err.contains("SECRET_KEY"), "{}", finished.err);
        }
    }
}

#[test]
fn hup_takes_up_a_changed_file_and_drops_nobody() {
    let world = World::start();
    let World { origin, sso: _sso, mut gateway } = world;
    let token = gateway.login(RIGHT.0, RIGHT.1).access;
    let mut kept = gateway.tls();
    let mut ask = |path: &str| {
        kept.say(format!("GET {path} HTTP/1.1\r\nHost: x.test\r\n\r\n"));
        kept.answer().status()
    };
    assert_eq!(ask("/new"), 401);
    gateway.configure("[[route]]\npath = \"/new\"\naccess = \"public\"\nupstream = \"app\"");
    gateway.reload("reloaded");
    assert_eq!(ask("/new"), 200, "the connection that was open uses the new routes");
    assert_eq!(gateway.program().get("/protected").bearer(&token).send().status(), 200);
    // Another application behind the same name.
    let other = Origin::start();
    gateway.configure(&format!("[upstream.app]\nservers = [\"{}\"]", other.url()));
    let before = origin.seen().len();
    gateway.reload("reloaded");
    assert_eq!(ask("/new"), 200);
    assert_eq!((origin.seen().len(), other.seen().len()), (before, 1));
}

#[test]
fn hup_with_a_bad_file_keeps_the_old_one_and_says_why() {
    let World { origin: _origin, sso: _sso, mut gateway } = World::start();
    let token = gateway.login(RIGHT.0, RIGHT.1).access;
    gateway.configure("[[route]]\npath = \"/new\"\naccess = \"public\"\nupstream = \"nowhere\"");
    gateway.reload("reload refused");
    gateway.process.logged("nowhere");
    assert_eq!(gateway.program().get("/new").send().status(), 401);
    assert_eq!(gateway.program().get("/protected").bearer(&token).send().status(), 200);
    // Broken beyond reading, gone, and whole again.
    let text = fs::read(gateway.path("gateway.toml")).unwrap();
    fs::write(gateway.path("gateway.toml"), "[server").unwrap();
    gateway.reload("reload refused");
    fs::remove_file(gateway.path("gateway.toml")).unwrap();
    gateway.reload("reload refused");
    fs::write(gateway.path("gateway.toml"), String::from_utf8(text).unwrap().replace("nowhere", "app")).unwrap();
    gateway.reload("reloaded");
    assert_eq!(gateway.program().get("/new").send().status(), 200);
}

/// What needs new sockets or another store cannot be taken up; half of a change is none.
#[test]
fn hup_refuses_what_needs_a_new_start_and_names_it() {
    for (more, name) in [("[server]\nlisten = [\"127.0.0.1:1\"]", "listen"), ("[store]\npath = \"other/munjigi.db\"", "store")] {
        let World { origin: _origin, sso: _sso, mut gateway } = World::start();
        gateway.configure(more);
        gateway.configure("[[route]]\npath = \"/new\"\naccess = \"public\"\nupstream = \"app\"");
        gateway.reload("reload refused");
        gateway.process.logged(name);
        assert_eq!(gateway.program().get("/new").send().status(), 401);
        assert!(!gateway.path("other").exists());
    }
}

#[test]
fn hup_takes_up_new_certificates_and_keys() {
    let World { origin: _origin, sso: _sso, mut gateway } = World::start();
    let old = gateway.login(RIGHT.0, RIGHT.1).access;
    let shown = |gateway: &crate::support::Gateway| {
        let tls = Tls::with(gateway.address(), "localhost", any_certificate(&[], rustls::DEFAULT_VERSIONS)).unwrap();
        tls.session().peer_certificates().unwrap()[0].to_vec()
    };
    let before = shown(&gateway);
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = rcgen::CertificateParams::new(vec!["gate.test".to_owned()]).unwrap().self_signed(&key).unwrap();
    fs::write(gateway.path("certs/gateway.crt"), cert.pem()).unwrap();
    fs::write(gateway.path("certs/gateway.key"), key.serialize_pem()).unwrap();
    write_private(&gateway.path("certs/new.secret"), b"uT5wBq8ZrLx2NcV7dKj4GmYh9PsQe3Fa6Rt1XoWiEz0C");
    gateway.configure(
        r#"[auth]
        keys = [
            { kid = "k2", algorithm = "HS256", secret_file = "certs/new.secret" },
            { kid = "k1", algorithm = "HS256", secret_file = "certs/jwt.secret", verify_only = true },
        ]"#,
    );
    gateway.reload("reloaded");
    assert_eq!(shown(&gateway), cert.der().to_vec());
    assert_ne!(before, cert.der().to_vec());
    let new = gateway.login(RIGHT.0, RIGHT.1).access;
    assert_eq!(crate::support::header(&new)["kid"], "k2");
    for token in [&old, &new] {
        assert_eq!(gateway.program().get("/protected").bearer(token).send().status(), 200);
    }
    // A key that is gone takes its tokens with it, out of the cache too.
    gateway.configure("[auth]\nkeys = [{ kid = \"k2\", algorithm = \"HS256\", secret_file = \"certs/new.secret\" }]");
    gateway.reload("reloaded");
    assert_eq!(gateway.program().get("/protected").bearer(&old).send().refusal(), (401, "token_unknown_key".to_owned()));
    assert_eq!(gateway.program().get("/protected").bearer(&new).send().status(), 200);
}

#[test]
fn term_and_quit_let_requests_finish() {
    for signal in ["TERM", "QUIT", "INT"] {
        let (tell, told) = mpsc::channel();
        let (go, gone) = mpsc::channel::<()>();
        let gone = Mutex::new(gone);
        let origin = Origin::conversing(move |conversation| {
            if conversation.request().is_some() {
                tell.send(()).unwrap();
                gone.lock().unwrap().recv_timeout(PATIENCE).unwrap();
                conversation.say(&json_answer(200, &serde_json::json!("done")));
            }
        });
        let World { origin: _origin, sso: _sso, mut gateway } = World::around(origin);
        let mut idle = gateway.tls();
        let mut busy = gateway.tls();
        busy.say("GET /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
        told.recv_timeout(PATIENCE).unwrap();
        gateway.process.signal(signal);
        // The connection nobody uses is closed: from then on the gateway is stopping.
        assert!(idle.some_bytes().is_empty(), "{signal}");
        let refused = Tls::with(gateway.address(), "localhost", any_certificate(&[], rustls::DEFAULT_VERSIONS));
        assert!(refused.is_err(), "{signal}: new connections are still served");
        go.send(()).unwrap();
        let answer = busy.answer();
        assert_eq!((answer.status(), answer.json()), (200, serde_json::json!("done")), "{signal}");
        assert!(busy.some_bytes().is_empty());
        assert_eq!(gateway.process.finish().code, 0, "{signal}");
    }
}

#[test]
fn what_does_not_finish_is_cut_at_the_deadline() {
    let (tell, told) = mpsc::channel();
    let origin = Origin::conversing(move |conversation| {
        if conversation.request().is_some() {
            conversation.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
            tell.send(()).unwrap();
            conversation.some_bytes(1);
        }
    });
    let sso = Sso::start();
    let mut gateway = World::builder(&origin, &sso).toml("[server]\ndrain_timeout = \"200ms\"").start();
    let mut busy = gateway.tls();
    busy.say("GET /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
    told.recv_timeout(PATIENCE).unwrap();
    let finished = gateway.stop("TERM");
    assert!(matches!(finished.code, 0 | 3), "{finished:?}");
    assert!(!busy.answer().whole, "half an answer looks whole");
}

/// An operator who presses Ctrl-C twice means it.
#[test]
fn a_second_int_does_not_wait() {
    let origin = Origin::conversing(|conversation| {
        conversation.request();
        conversation.some_bytes(1);
    });
    let World { origin, sso: _sso, mut gateway } = World::around(origin);
    let mut idle = gateway.tls();
    let mut busy = gateway.tls();
    busy.say("GET /open HTTP/1.1\r\nHost: x.test\r\n\r\n");
    origin.wait_seen(1);
    gateway.process.signal("INT");
    assert!(idle.some_bytes().is_empty());
    gateway.process.signal("INT");
    assert_ne!(gateway.process.finish().code, 0);
}

/// A gateway with only what the shortest example holds.
#[test]
fn fifteen_lines_guard_an_application() {
    let (origin, sso) = (Origin::start(), Sso::start());
    let text = String::from_utf8(fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/minimal.toml")).unwrap()).unwrap();
    assert!(text.lines().count() <= 15, "{} lines", text.lines().count());
    let gateway = Builder::empty().toml(&text).toml("[server]\nlisten = [\"127.0.0.1:0\"]").sso(&sso).upstream("app", &origin).start();
    let pair = gateway.login(RIGHT.0, RIGHT.1);
    assert_eq!(gateway.program().get("/protected").send().status(), 401);
    assert_eq!(gateway.program().get("/protected").bearer(&pair.access).send().status(), 200);
}
