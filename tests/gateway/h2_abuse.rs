//! The abuse list of HTTP/2 (security lesson 46): each attack is cut or costs a bounded amount of memory, and a polite
//! client beside it stays served.

use std::fs;

use crate::support::{FramedH2, Gateway, H2, Origin, Sso, World, framed};

const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const CONTINUATION: u8 = 0x9;

/// Growth a gateway may show after an attack, in KiB. What an unbounded attack would reach is a multiple.
const MOST_GROWTH: u64 = 40 * 1024;

/// Resident memory in KiB.
fn resident(gateway: &Gateway) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.process.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What the attacker's settings say.
type Settings = &'static [(u16, u32)];

/// Stands for what the attacker sends; ends when the gateway has hung up.
type Attack = fn(&mut FramedH2) -> std::io::Result<()>;

fn block(path: &str) -> Vec<u8> {
    framed::fields(&framed::request("GET", path))
}

/// CVE-2023-44487.
fn rapid_reset(to: &mut FramedH2) -> std::io::Result<()> {
    let block = block("/open");
    for stream in (1..20_000).step_by(2) {
        to.try_say(&[framed::frame(HEADERS, 0x5, stream, &block), framed::frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat())?;
    }
    Ok(())
}

/// CVE-2025-8671: a window of 0 more bytes is an error, so it is we who reset the stream.
fn made_you_reset(to: &mut FramedH2) -> std::io::Result<()> {
    let block = block("/open");
    for stream in (1..20_000).step_by(2) {
        to.try_say(&[framed::frame(HEADERS, 0x5, stream, &block), framed::frame(0x8, 0, stream, &0_u32.to_be_bytes())].concat())?;
    }
    Ok(())
}

/// CVE-2024-27316 and its kin.
fn continuation_flood(to: &mut FramedH2) -> std::io::Result<()> {
    to.try_say(&framed::frame(HEADERS, 0x1, 1, &block("/open")))?;
    let piece = framed::fields(&[("x-flood", &"a".repeat(4000))]);
    (0..20_000).try_for_each(|_| to.try_say(&framed::frame(CONTINUATION, 0, 1, &piece)))
}

/// The same with nothing in them.
fn empty_continuation_flood(to: &mut FramedH2) -> std::io::Result<()> {
    to.try_say(&framed::frame(HEADERS, 0x1, 1, &block("/open")))?;
    (0..200_000).try_for_each(|_| to.try_say(&framed::frame(CONTINUATION, 0, 1, &[])))
}

/// A field of 4000 bytes is put into the table once and named sixteen thousand times with one byte each.
fn hpack_bomb(to: &mut FramedH2) -> std::io::Result<()> {
    for stream in (1..40).step_by(2) {
        let mut bomb = block("/open");
        let field = framed::fields(&[("x-bomb", &"a".repeat(3900))]);
        bomb.push(0x40); // RFC 7541, section 6.2.1: literal with indexing
        bomb.extend_from_slice(&field[1..]);
        bomb.extend(std::iter::repeat_n(0xbe, 12_000)); // section 6.1: the newest entry of the table
        to.try_say(&framed::frame(HEADERS, 0x5, stream, &bomb))?;
    }
    Ok(())
}

fn ping_flood(to: &mut FramedH2) -> std::io::Result<()> {
    let many = framed::frame(0x6, 0, 0, &[0; 8]).repeat(100);
    (0..100).try_for_each(|_| to.try_say(&many))
}

fn settings_flood(to: &mut FramedH2) -> std::io::Result<()> {
    let many = framed::frame(0x4, 0, 0, &[]).repeat(100);
    (0..100).try_for_each(|_| to.try_say(&many))
}

/// CVE-2019-9518.
fn empty_data_flood(to: &mut FramedH2) -> std::io::Result<()> {
    to.try_say(&framed::frame(HEADERS, 0x4, 1, &framed::fields(&framed::request("POST", "/open"))))?;
    let many = framed::frame(0x0, 0, 1, &[]).repeat(100);
    (0..1_000).try_for_each(|_| to.try_say(&many))
}

fn priority_flood(to: &mut FramedH2) -> std::io::Result<()> {
    for stream in (1..100_000).step_by(2) {
        to.try_say(&framed::frame(0x2, 0, stream, &[0, 0, 0, 0, 1]))?;
    }
    Ok(())
}

/// A hundred large answers that nobody lets us send.
fn zero_windows(to: &mut FramedH2) -> std::io::Result<()> {
    let block = block("/open/large");
    for stream in (1..200).step_by(2) {
        to.try_say(&framed::frame(HEADERS, 0x5, stream, &block))?;
    }
    Ok(())
}

#[test]
fn abuse_is_cut_or_bounded_and_others_stay_served() {
    let large = vec![b'd'; 2 << 20];
    let origin = Origin::answering(move |request| {
        let body = if request.target() == "/open/large" { large.as_slice() } else { b"good" };
        [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
    });
    let attacks: [(&str, Settings, Attack); 10] = [
        ("rapid reset", &[], rapid_reset),
        ("made you reset", &[], made_you_reset),
        ("CONTINUATION flood", &[], continuation_flood),
        ("empty CONTINUATION flood", &[], empty_continuation_flood),
        ("HPACK bomb", &[], hpack_bomb),
        ("PING flood", &[], ping_flood),
        ("SETTINGS flood", &[], settings_flood),
        ("empty DATA flood", &[], empty_data_flood),
        ("PRIORITY flood", &[], priority_flood),
        ("zero windows", &[(0x4, 0)], zero_windows),
    ];
    let sso = Sso::start();
    let gateway = World::builder(&origin, &sso).toml("[server]\nworkers = 1").start();
    let mut polite = H2::connect(gateway.address());
    println!("{:<26} {:>8} {:>10} {:>10}", "attack", "ends", "KiB before", "KiB after");
    for (name, settings, attack) in attacks {
        let served = |polite: &mut H2| {
            let request = polite.request("GET", "/open");
            assert_eq!(polite.send(request, b"").text(), "good", "{name}: the client beside");
        };
        served(&mut polite);
        let before = resident(&gateway);
        let mut attacker = FramedH2::with_settings(gateway.address(), settings);
        let cut = attack(&mut attacker).is_err() || !attacker.try_ping();
        served(&mut polite);
        let after = resident(&gateway);
        println!("{name:<26} {:>8} {before:>10} {after:>10}", if cut { "cut" } else { "bounded" });
        assert!(after < before + MOST_GROWTH, "{name}: from {before} to {after} KiB");
        // A newcomer is served as well.
        served(&mut H2::connect(gateway.address()));
    }
}
