//! Operators' commands, as they are typed beside a running gateway.

use serde_json::Value;

use super::{Finished, Gateway, munjigi};

/// What a command that succeeds prints.
#[track_caller]
pub fn done(gateway: &Gateway, arguments: &[&str]) -> String {
    let finished = munjigi(&gateway.path(""), arguments);
    assert_eq!(finished.code, 0, "{arguments:?}: {}", finished.err);
    finished.out
}

/// The same with `--json`, read.
#[track_caller]
pub fn in_json(gateway: &Gateway, arguments: &[&str]) -> Value {
    let out = done(gateway, &[arguments, &["--json"]].concat());
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

/// A command that fails with this code and says so in these words.
#[track_caller]
pub fn refused(gateway: &Gateway, arguments: &[&str], code: i32, words: &str) -> Finished {
    let finished = munjigi(&gateway.path(""), arguments);
    assert_eq!(finished.code, code, "{arguments:?}: {} {}", finished.out, finished.err);
    assert!(finished.err.contains(words), "{arguments:?}: {}", finished.err);
    finished
}
