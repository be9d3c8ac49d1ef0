use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use secrecy::ExposeSecret as _;
use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout;

use crate::base::random_bytes;
use crate::provider::Login;

/// One login of one person at a time: the SSO keeps one session per account, and a second login ends the first halfway.
///
/// Only a right password opens a session, so only logins with the *same* password wait for one another. A stranger
/// who guesses holds turns of his own and can never stand in the owner's way, however slow his guesses are answered.
pub(super) struct Turns {
    /// Passwords are told apart by a code under a key of this process, kept only while a login is under way.
    key: hmac::Key,
    lines: Arc<Mutex<Lines>>,
}

type Code = [u8; 32];
type Lines = HashMap<Code, Arc<tokio::sync::Mutex<()>>>;

/// The turn of one login. It passes on when this is dropped.
pub(super) struct Turn {
    // Order matters: the guard goes before the place in the line is given up.
    _guard: OwnedMutexGuard<()>,
    _place: Place,
}

/// A place in a line, taken from before the wait on, so that a wait that is broken off leaves nothing behind.
struct Place {
    lines: Arc<Mutex<Lines>>,
    code: Code,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &random_bytes::<32>()), lines: Arc::default() }
    }

    /// Waits for the turn of this login, but not for longer than this.
    pub(super) async fn take(&self, login: &Login, longest: Duration) -> Option<Turn> {
        let code = self.code(login);
        // Before the line itself: should the wait be broken off, the line is let go first and the place tidies up.
        let place = Place { lines: self.lines.clone(), code };
        let line = lock(&self.lines).entry(code).or_default().clone();
        let guard = timeout(longest, line.lock_owned()).await.ok()?;
        Some(Turn { _guard: guard, _place: place })
    }

    fn code(&self, login: &Login) -> Code {
        let mut mac = hmac::Context::with_key(&self.key);
        mac.update(login.user.realm().as_str().as_bytes());
        mac.update(b":");
        mac.update(login.user.id().as_bytes());
        mac.update(b":");
        mac.update(login.password.expose_secret().as_bytes());
        let mut code = Code::default();
        code.copy_from_slice(mac.sign().as_ref());
        code
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = lock(&self.lines);
        // Whoever still waits, or is about to, holds the line too.
        if lines.get(&self.code).is_some_and(|line| Arc::strong_count(line) == 1) {
            lines.remove(&self.code);
        }
    }
}

fn lock(lines: &Mutex<Lines>) -> MutexGuard<'_, Lines> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::UserId;

    const WAIT: Duration = Duration::from_secs(5);

    fn login(id: &str, password: &str) -> Login {
        Login { user: UserId::parse(id).unwrap(), password: password.into() }
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_login_waits_its_turn_but_not_for_ever() {
        let turns = Turns::new();
        let owner = login("mju:60241234", "right");
        let first = turns.take(&owner, WAIT).await.unwrap();
        assert!(turns.take(&owner, WAIT).await.is_none());
        let (second, ()) = tokio::join!(turns.take(&owner, WAIT), async { drop(first) });
        assert!(second.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_and_guesses_do_not_stand_in_the_way() {
        let turns = Turns::new();
        let mut held = Vec::new();
        for n in 0..100 {
            held.push(turns.take(&login("mju:60241234", &format!("guess {n}")), WAIT).await.unwrap());
        }
        held.push(turns.take(&login("mju:60249999", "right"), WAIT).await.unwrap());
        assert!(turns.take(&login("mju:60241234", "right"), Duration::from_millis(1)).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_left_behind() {
        let turns = Turns::new();
        let owner = login("mju:60241234", "right");
        let first = turns.take(&owner, WAIT).await;
        assert!(timeout(Duration::from_secs(1), turns.take(&owner, WAIT)).await.is_err(), "broken off");
        assert!(turns.take(&owner, WAIT).await.is_none(), "waited too long");
        assert_eq!(lock(&turns.lines).len(), 1);
        drop(first);
        assert_eq!(lock(&turns.lines).len(), 0);
    }
}
