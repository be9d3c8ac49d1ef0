//! Black-box stories against the real binary, a module for each.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "what a test prints is shown when it fails, or on demand")]
#![expect(clippy::disallowed_methods, reason = "tests read the files of the gateway they started")]
#![expect(clippy::format_push_string, clippy::format_collect, reason = "messages are put together line by line, and speed does not matter")]
#![expect(unreachable_pub, reason = "`pub` marks what stories may use of the support module")]

#[path = "../support/mod.rs"]
mod support;

mod admin;
mod asked;
mod assertion;
mod browser;
mod chain;
mod check;
mod clock;
mod cookies;
mod crash;
mod curl;
mod demo;
mod desk;
mod desk_browser;
mod explain;
mod first_systems;
mod flask;
mod floor_plan;
mod front;
mod h2_abuse;
mod issuer;
mod large;
mod left_out;
mod lessons;
mod limits;
mod local;
mod login;
mod logs;
mod members;
mod misbehaviour;
mod office;
mod operate;
mod own_pages;
mod own_sessions;
mod pages;
mod papers;
mod portal;
mod process;
mod refusals;
mod road;
mod rotation;
mod rows;
mod rules;
mod service;
mod sessions;
mod slow_readers;
mod sso_faults;
mod sso_today;
mod store;
mod store_faults;
mod streams;
mod streams_road;
mod throttle;
mod tls_road;
mod tokens;
mod told;
