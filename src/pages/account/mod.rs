//! One's own account: signing up, changing a password, confirming with it, the account itself with its sessions.

mod device;
mod form;
mod overview;
mod password;
mod sign_up;

pub use form::Problem;
pub use overview::{AccountCommand, AccountPage, SessionRow};
pub use password::{Confirm, ConfirmPage, PasswordPage};
pub use sign_up::{ExtraField, SignUpPage};

pub(super) use overview::{SessionShown, render};
pub(super) use password::{render_confirm, render_password};
pub(super) use sign_up::render as render_sign_up;
