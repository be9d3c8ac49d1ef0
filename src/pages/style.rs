use std::fmt::Write as _;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::Accent;

/// The style sheets in the form they have inside a document, and the policy that lets exactly them in.
#[derive(Debug)]
pub(super) struct Style {
    core: String,
    icon: String,
    policy: String,
}

/// Which style sheets a document carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sheet {
    /// What every page needs.
    Core,
}

impl Style {
    pub(super) fn new(accent: Accent) -> Self {
        let core = squeezed(include_str!("../../templates/style.css")) + &accent.properties();
        let mut policy = String::from("default-src 'none'; style-src");
        // Writing to a String cannot fail.
        let _ = write!(policy, " 'sha256-{}'", STANDARD.encode(digest::digest(&digest::SHA256, core.as_bytes())));
        policy.push_str("; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
        let mark = include_str!("../../templates/mark.svg").trim_end().replace("currentColor", &accent.to_string());
        let icon = format!("data:image/svg+xml,{}", utf8_percent_encode(&mark, NON_ALPHANUMERIC));
        Self { core, icon, policy }
    }

    pub(super) fn sheet(&self, sheet: Sheet) -> &str {
        match sheet {
            Sheet::Core => &self.core,
        }
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
