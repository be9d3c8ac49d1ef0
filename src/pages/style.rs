use std::fmt::Write as _;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::Accent;

/// The style sheets in the form they have inside a document, and the policy that lets exactly them in.
#[derive(Debug)]
pub(super) struct Style {
    core: String,
    gate: String,
    admin: String,
    icon: String,
    policy: String,
}

/// What a data address cannot hold as it is.
const IN_DATA: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>');

impl Style {
    pub(super) fn new(accent: Accent) -> Self {
        let core = squeezed(include_str!("../../templates/style.css")) + &accent.properties();
        let gate = squeezed(include_str!("../../templates/gate.css"));
        let admin = squeezed(include_str!("../../templates/admin.css"));
        let mut policy = String::from("default-src 'none'; style-src");
        for sheet in [&core, &gate, &admin] {
            let hash = STANDARD.encode(digest::digest(&digest::SHA256, sheet.as_bytes()));
            // Writing to a String cannot fail.
            let _ = write!(policy, " 'sha256-{hash}'");
        }
        policy.push_str("; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
        let mark = include_str!("../../templates/mark.svg").trim_end().replace("currentColor", &accent.to_string());
        let icon = format!("data:image/svg+xml,{}", utf8_percent_encode(&mark, IN_DATA));
        Self { core, gate, admin, icon, policy }
    }

    /// What every page needs.
    pub(super) fn core(&self) -> &str {
        &self.core
    }

    /// What the pages under the roof need besides.
    pub(super) fn gate(&self) -> &str {
        &self.gate
    }

    /// What the administration needs besides.
    pub(super) fn admin(&self) -> &str {
        &self.admin
    }

    /// The gate as a small picture for the browser's tab; it also spares the applications a request for `/favicon.ico`.
    pub(super) fn icon(&self) -> &str {
        &self.icon
    }

    pub(super) fn policy(&self) -> &str {
        &self.policy
    }
}

/// The sheet without comment lines, indentation and line ends. It is written so that no line needs the space at its end.
fn squeezed(css: &str) -> String {
    css.lines().map(str::trim).filter(|line| !line.starts_with("/*")).collect()
}
