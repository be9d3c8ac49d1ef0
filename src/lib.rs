//! Munjigi (문지기, "gatekeeper"): a TLS-terminating reverse proxy that puts a login in front of web applications that have none.
//!
//! # Floor plan
//!
//! A module imports only modules of a lower rank; modules of one rank never import each other.
//! A test (`tests/gateway/floor_plan.rs`) reads this table and fails on any import that runs upward or sideways.
//!
//! | rank | module | responsibility |
//! |---|---|---|
//! | 0 | `base` | values with no opinion: clock, addresses, token value types, the fault list |
//! | 1 | `identity` | who somebody is; what a header cannot carry cannot be built |
//! | 2 | `observe` | one line and the counters for each request; audit events; never secrets |
//! | 2 | `token` | make and check JWTs; keys; the verified-token cache |
//! | 2 | `routing` | host, path, method to a route; pure |
//! | 2 | `web` | HTTP vocabulary: bodies, hop-by-hop, identity headers, cookies, return places, CSRF, forms |
//! | 3 | `store` | remember: people, sessions, the change log and its in-memory view, the audit table |
//! | 3 | `tls` | certificate and key files to a checked rustls server configuration |
//! | 3 | `upstream` | named pools: endpoints, idle connections, the sending and its one safe retry |
//! | 3 | `pages` | the HTML pages, Korean and English |
//! | 4 | `provider` | ask who it is |
//! | 4 | `throttle` | slow down guessing and spare the SSO |
//! | 5 | `gateway` | the product: intake, route, admit, forward; refusals; own endpoints |
//! | 6 | `server` | sockets: listeners, connections, deadlines, drain |
//! | 7 | `config` | the file to domain types; collects every fault |
//! | 8 | `app` | compose, start, reload, stop, signals |
//! | 9 | `cli` | the commands; `demo` with its stand-in SSO and sample applications |

pub mod app;
pub mod base;
pub mod cli;
pub mod config;
pub mod gateway;
pub mod identity;
pub mod observe;
pub mod pages;
pub mod provider;
pub mod routing;
pub mod server;
pub mod store;
pub mod throttle;
pub mod tls;
pub mod token;
pub mod upstream;
pub mod web;
