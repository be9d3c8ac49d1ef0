use std::sync::{Mutex, PoisonError};

use super::Verdict;
use crate::identity::UserId;

/// So many different people in a row, refused with the same words and nobody accepted between: an alarm.
const MANY: usize = 20;

/// Watches for one refusal that meets everybody.
///
/// When a university changes its login, a gateway often gets a polite "no" for everyone ("your session has expired")
/// rather than an error. Each person then believes in a typing mistake; only the row of them shows what is wrong.
#[derive(Default)]
pub(super) struct Refusals(Mutex<Run>);

#[derive(Default)]
struct Run {
    words: Option<String>,
    people: Vec<UserId>,
    alarmed: bool,
}

impl Refusals {
    /// Takes note of an answer. Returns the words, once, when the operator should be alarmed.
    pub(super) fn note(&self, user: &UserId, verdict: &Verdict) -> Option<String> {
        let mut run = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let words = match verdict {
            Verdict::Right { .. } => {
                *run = Run::default();
                return None;
            }
            Verdict::Wrong { message } | Verdict::NotYet { message } => message.as_deref().unwrap_or_default(),
        };
        if run.words.as_deref() != Some(words) {
            *run = Run { words: Some(words.to_owned()), ..Run::default() };
        }
        if run.alarmed || run.people.contains(user) {
            return None;
        }
        run.people.push(user.clone());
        run.alarmed = run.people.len() >= MANY;
        run.alarmed.then(|| words.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(words: &str) -> Verdict {
        Verdict::Wrong { message: Some(words.into()) }
    }

    fn user(number: usize) -> UserId {
        UserId::parse(&format!("mju:{number}")).unwrap()
    }

    #[test]
    fn the_same_words_for_many_people_alarm_once() {
        let refusals = Refusals::default();
        let alarms = (0..3 * MANY).filter_map(|n| refusals.note(&user(n), &wrong("expired"))).collect::<Vec<_>>();
        assert_eq!(alarms, ["expired"]);
    }

    #[test]
    fn one_person_other_words_or_a_success_do_not_alarm() {
        let refusals = Refusals::default();
        for n in 0..10 * MANY {
            assert_eq!(refusals.note(&user(0), &wrong("wrong password")), None);
            assert_eq!(refusals.note(&user(n), &wrong(if n % 2 == 0 { "one" } else { "two" })), None);
        }
        for n in 0..10 * MANY {
            assert_eq!(refusals.note(&user(n), &wrong("wrong password")), None);
            if n % (MANY - 1) == 0 {
                refusals.note(&user(n), &Verdict::Right { notice: None });
            }
        }
    }
}
