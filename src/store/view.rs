//! The change log in memory. Every request is checked against it, so it must never wait for a disk, and it must never
//! forget an end while a token that the end kills can still be good.

mod endings;

use std::cell::OnceCell;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use self::endings::Announcer;
pub use self::endings::{Ending, Endings, Notice};
use super::shards::Shards;
use super::{Change, EndReason, LoggedChange, PersonState, ViewStart};
use crate::base::{Position, SessionId, Timestamp, TokenId};
use crate::identity::{Profile, UserId};

/// What every request is checked against, after its token's signature and times.
pub struct View {
    /// Everything up to here is in.
    position: AtomicU64,
    /// The largest position heard of, from whatever side: tokens of this process may carry it already.
    latest: AtomicU64,
    /// Tokens issued before this position are over, whoever's they are. Zero: nobody's are.
    everybody: AtomicU64,
    everybody_reason: AtomicU8,
    sessions: Shards<SessionId, Gone>,
    tokens: Shards<TokenId, Gone>,
    people: Shards<UserId, Standing>,
    /// When somebody last ended a session, for tokens of others, which carry no position: only their time can be compared.
    cuts: Shards<UserId, Timestamp>,
    everybody_at: AtomicU64,
    announcer: Announcer,
}

/// How much a view holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ViewSizes {
    /// Ended sessions.
    pub sessions: usize,
    /// Ended tokens.
    pub tokens: usize,
    /// People whose sessions ended, or whose standing is not the default one.
    pub people: usize,
}

impl View {
    /// A view of an empty change log.
    pub fn new() -> Self {
        Self::load(ViewStart::default())
    }

    /// A view of what the store holds.
    pub fn load(start: ViewStart) -> Self {
        let view = Self {
            position: AtomicU64::new(0),
            latest: AtomicU64::new(0),
            everybody: AtomicU64::new(0),
            everybody_reason: AtomicU8::new(0),
            sessions: Shards::new(),
            tokens: Shards::new(),
            people: Shards::new(),
            cuts: Shards::new(),
            everybody_at: AtomicU64::new(0),
            announcer: Announcer::new(),
        };
        view.reload(start);
        view
    }

    /// Takes in what the store holds, for a process that slept so long that it may have missed entries. Ends known
    /// before stay.
    pub fn reload(&self, start: ViewStart) {
        let special: HashSet<&UserId> = start.people.iter().map(|(user, _)| user).collect();
        self.people.retain(|user, standing| {
            // A standing that changed after the load began is newer than the load.
            if standing.as_of <= start.position && !special.contains(user) {
                standing.state = None;
            }
            standing.says_something()
        });
        for (user, state) in start.people {
            self.set_state(&user, Some(state), start.position);
        }
        let ended = start.changes.iter().filter(|entry| matches!(entry.change, Change::SessionEnded { .. })).count();
        self.sessions.reserve(ended);
        for entry in &start.changes {
            self.apply(entry);
        }
        self.reached(start.position);
    }

    /// Whether a good token still stands, and what is known of its person now.
    ///
    /// # Errors
    /// Why it does not stand.
    pub fn check(&self, user: &UserId, session: &SessionId, token: &TokenId, issued_at: Position) -> Result<Arc<Profile>, EndReason> {
        if issued_at.0 < self.everybody.load(Ordering::Acquire) {
            return Err(self.everybody_reason());
        }
        if let Some(reason) = self.sessions.get(session, |gone| gone.reason) {
            return Err(reason);
        }
        if let Some(reason) = self.tokens.get(token, |gone| gone.reason) {
            return Err(reason);
        }
        self.people.get(user, |standing| standing.judge(issued_at)).unwrap_or_else(|| Ok(default_profile()))
    }

    /// When this person last logged out or was ended, as far back as ends are remembered: tokens of others that were made
    /// before it are over. A session that gave way to a newer one does not count.
    pub fn cut(&self, user: &UserId) -> Option<Timestamp> {
        let everybody = Timestamp::from_millis(self.everybody_at.load(Ordering::Acquire));
        self.cuts.get(user, |at| *at).into_iter().chain((everybody.millis() > 0).then_some(everybody)).max()
    }

    /// Everything in the change log up to here is in this view.
    pub fn position(&self) -> Position {
        Position(self.position.load(Ordering::Acquire))
    }

    /// Takes in a durable entry. Entries may come twice and out of order.
    pub fn apply(&self, entry: &LoggedChange) {
        self.saw(entry.position);
        self.act(&entry.change, entry.position, entry.at);
    }

    /// Lets a change act before it is durable: as if it stood right behind the last entry heard of. A change that takes
    /// nothing away (a person's new role) waits until it is durable.
    pub fn apply_now(&self, change: &Change, at: Timestamp) {
        if change.acts_at_once() {
            let position = Position(self.latest.load(Ordering::Acquire).saturating_add(1));
            self.act(change, position, at);
        }
    }

    /// Everything up to `position` has been applied.
    pub fn reached(&self, position: Position) {
        self.saw(position);
        self.position.fetch_max(position.0, Ordering::AcqRel);
    }

    /// The store answered with `position`: tokens that carry it may be about.
    pub fn saw(&self, position: Position) {
        self.latest.fetch_max(position.0, Ordering::AcqRel);
    }

    /// Forgets ends that are older than every token they could kill. What is known of people stays.
    pub fn prune(&self, before: Timestamp) {
        self.cuts.retain(|_, at| *at >= before);
        self.sessions.retain(|_, gone| gone.at >= before);
        self.tokens.retain(|_, gone| gone.at >= before);
        self.people.retain(|_, standing| {
            if standing.ended.as_ref().is_some_and(|(_, gone)| gone.at < before) {
                standing.ended = None;
            }
            standing.says_something()
        });
    }

    /// Tells of ends from now on: for streams that were admitted and must not outlive their session. Whoever watches
    /// first and checks then misses nothing.
    pub fn watch(&self) -> Endings {
        self.announcer.subscribe()
    }

    /// How much is held.
    pub fn sizes(&self) -> ViewSizes {
        ViewSizes { sessions: self.sessions.len(), tokens: self.tokens.len(), people: self.people.len() }
    }

    fn act(&self, change: &Change, position: Position, at: Timestamp) {
        self.cut_at(change, at);
        match change {
            Change::SessionEnded { session, user: _, reason } => {
                let gone = Gone { reason: *reason, at };
                if end_one(&self.sessions, *session, gone) {
                    self.announcer.announce(Ending::Session { session: *session, reason: *reason });
                }
            }
            Change::TokenEnded { token, reason } => {
                let gone = Gone { reason: *reason, at };
                if end_one(&self.tokens, *token, gone) {
                    self.announcer.announce(Ending::Token { token: *token, reason: *reason });
                }
            }
            Change::PersonEnded { user, reason } => self.end_person(user, position, *reason, at),
            Change::EverybodyEnded { reason } => self.end_everybody(position, *reason),
            Change::PersonChanged { user, state } => self.set_state(user, Some(state.clone()), position),
            Change::PersonRemoved { user } => {
                self.set_state(user, None, position);
                self.end_person(user, position, EndReason::Removed, at);
            }
        }
    }

    fn cut_at(&self, change: &Change, at: Timestamp) {
        let user = match change {
            Change::SessionEnded { reason: EndReason::Replaced | EndReason::TooMany, .. }
            | Change::TokenEnded { .. }
            | Change::PersonChanged { .. } => return,
            Change::EverybodyEnded { .. } => {
                self.everybody_at.fetch_max(at.millis(), Ordering::AcqRel);
                return;
            }
            Change::SessionEnded { user, .. } | Change::PersonEnded { user, .. } | Change::PersonRemoved { user } => user,
        };
        self.cuts.write(user, |cuts| {
            let cut = cuts.entry(user.clone()).or_insert(at);
            *cut = at.max(*cut);
        });
    }

    fn end_person(&self, user: &UserId, before: Position, reason: EndReason, at: Timestamp) {
        let news = self.people.write(user, |people| {
            let ended = &mut people.entry(user.clone()).or_default().ended;
            let news = ended.as_ref().is_none_or(|(known, _)| *known < before);
            if news {
                *ended = Some((before, Gone { reason, at }));
            }
            news
        });
        if news {
            self.announcer.announce(Ending::Person { user: user.clone(), before, reason });
        }
    }

    fn end_everybody(&self, before: Position, reason: EndReason) {
        // The reason first: a check that sees the new position must not tell the old reason.
        let index = EndReason::ALL.iter().position(|known| *known == reason).and_then(|index| u8::try_from(index).ok());
        self.everybody_reason.store(index.unwrap_or_default(), Ordering::Release);
        if self.everybody.fetch_max(before.0, Ordering::AcqRel) < before.0 {
            self.announcer.announce(Ending::Everybody { before, reason });
        }
    }

    fn everybody_reason(&self) -> EndReason {
        let index = usize::from(self.everybody_reason.load(Ordering::Acquire));
        EndReason::ALL.get(index).copied().unwrap_or(EndReason::Administrator)
    }

    fn set_state(&self, user: &UserId, state: Option<PersonState>, as_of: Position) {
        let state = state.filter(|state| *state != PersonState::default());
        let disabled = state.as_ref().is_some_and(|state| state.disabled);
        let news = self.people.write(user, |people| {
            let standing = people.entry(user.clone()).or_default();
            if as_of < standing.as_of {
                return false;
            }
            let news = disabled && !standing.disabled();
            standing.state = state;
            standing.as_of = as_of;
            if !standing.says_something() {
                people.remove(user);
            }
            news
        });
        if news {
            // Whatever the token's position: a disabled person uses nothing.
            self.announcer.announce(Ending::Person { user: user.clone(), before: Position(u64::MAX), reason: EndReason::Disabled });
        }
    }
}

impl Default for View {
    fn default() -> Self {
        Self::new()
    }
}

/// Why and when something ended.
struct Gone {
    reason: EndReason,
    /// Only for pruning.
    at: Timestamp,
}

/// What differs from the default about a person.
#[derive(Default)]
struct Standing {
    /// Tokens issued before this position are over.
    ended: Option<(Position, Gone)>,
    state: Option<PersonState>,
    /// Which entry the state is from, so that an older one cannot overwrite it.
    as_of: Position,
}

impl Standing {
    fn judge(&self, issued_at: Position) -> Result<Arc<Profile>, EndReason> {
        if self.disabled() {
            return Err(EndReason::Disabled);
        }
        match &self.ended {
            Some((before, gone)) if issued_at < *before => Err(gone.reason),
            Some(_) | None => Ok(self.state.as_ref().map_or_else(default_profile, |state| Arc::clone(&state.profile))),
        }
    }

    fn disabled(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.disabled)
    }

    const fn says_something(&self) -> bool {
        self.ended.is_some() || self.state.is_some()
    }
}

fn end_one<K: std::hash::Hash + Eq + super::shards::Spread + Copy>(ended: &Shards<K, Gone>, key: K, gone: Gone) -> bool {
    ended.write(&key, |ended| match ended.entry(key) {
        std::collections::hash_map::Entry::Vacant(place) => {
            place.insert(gone);
            true
        }
        std::collections::hash_map::Entry::Occupied(mut known) => {
            // The first reason is the true one; the later moment keeps it long enough.
            known.get_mut().at = known.get().at.max(gone.at);
            false
        }
    })
}

/// The profile of everybody of whom nothing is known. One for each thread: a count that all cores raise and lower on
/// every request would be fought over.
fn default_profile() -> Arc<Profile> {
    thread_local!(static DEFAULT: OnceCell<Arc<Profile>> = const { OnceCell::new() });
    DEFAULT.with(|profile| Arc::clone(profile.get_or_init(Arc::default)))
}

#[cfg(test)]
mod tests;
