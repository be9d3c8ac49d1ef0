use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::{info, warn};

use super::{Answering, Breaker, BreakerState, Checking, Login, Provider, ProviderFault, SetupFault, Verdict};
use crate::identity::{IdRule, ProviderName, Realm};

/// Providers of one realm that stand in for one another (`chain = "on-unavailable"`): the next one is asked when the one
/// before cannot be.
///
/// An answer is final, a "no" above all: else each provider would be one more place to guess at. What may have been an
/// answer that got lost (a timeout, a broken connection, after the password was sent) moves on only while the breaker
/// says that it happens to everybody.
pub struct Chain {
    links: Vec<Arc<dyn Provider>>,
    /// The link that answered last, so that a change is told once.
    answering: AtomicUsize,
}

impl Chain {
    /// A chain of `links`, the first asked first.
    ///
    /// # Errors
    /// When there is none, or one is of another realm.
    pub fn new(links: Vec<Arc<dyn Provider>>) -> Result<Self, SetupFault> {
        let first = links.first().ok_or(SetupFault::Empty("a chain of providers"))?;
        if let Some(other) = links.iter().find(|link| link.realm() != first.realm()) {
            return Err(SetupFault::Realms(other.name().to_string()));
        }
        Ok(Self { links, answering: AtomicUsize::new(0) })
    }

    /// Asks one after the other as far as needed. Also says who answered, or who failed last.
    async fn in_turn(&self, login: Login) -> (&ProviderName, Result<Verdict, ProviderFault>) {
        let mut login = Some(login);
        let mut links = self.links.iter().enumerate().peekable();
        loop {
            // `new` saw to it that there is a link, and the loop ends with the last one.
            let (Some((at, link)), Some(current)) = (links.next(), login.take()) else {
                return (self.name(), Err(ProviderFault::Overloaded("nobody is there to be asked".into())));
            };
            // A copy only while somebody is left to be asked; both are wiped when they are dropped.
            login = links.peek().map(|_| Login { user: current.user.clone(), password: current.password.clone() });
            let answer = link.check(current).await;
            match &answer {
                Ok(_) => self.tell(at),
                Err(fault) if login.is_some() && moves_on(fault, link.breaker()) => continue,
                Err(_) => {}
            }
            return (link.name(), answer);
        }
    }

    fn tell(&self, at: usize) {
        let before = self.answering.swap(at, Ordering::Relaxed);
        let (Some(from), Some(to)) = (self.links.get(before), self.links.get(at)) else { return };
        match at.cmp(&before) {
            std::cmp::Ordering::Greater => {
                warn!(from = %from.name(), to = %to.name(), "logins now go to the next provider of the chain, since the one before cannot be asked");
            }
            std::cmp::Ordering::Less => info!(from = %from.name(), to = %to.name(), "logins go to the earlier provider again"),
            std::cmp::Ordering::Equal => {}
        }
    }
}

/// Whether the next provider may be asked after this fault.
fn moves_on(fault: &ProviderFault, breaker: Option<&Breaker>) -> bool {
    match fault {
        ProviderFault::Unreachable(_) | ProviderFault::Changed(_) | ProviderFault::Resting { .. } => true,
        ProviderFault::Refused(_) | ProviderFault::TimedOut(_) | ProviderFault::NotUnderstood(_) => {
            breaker.is_some_and(|breaker| breaker.state() != BreakerState::Closed)
        }
        // Our own queue: the next provider has costs of its own (it ends the person's other session), and is no overflow.
        ProviderFault::Overloaded(_) => false,
    }
}

impl Provider for Chain {
    fn name(&self) -> &ProviderName {
        self.links[0].name()
    }

    fn realm(&self) -> &Realm {
        self.links[0].realm()
    }

    fn id_rule(&self) -> &IdRule {
        self.links[0].id_rule()
    }

    fn check(&self, login: Login) -> Checking<'_> {
        Box::pin(async move { self.in_turn(login).await.1 })
    }

    fn ask(&self, login: Login) -> Answering<'_> {
        Box::pin(self.in_turn(login))
    }

    /// Each has a breaker of its own; the chain has none.
    fn links(&self) -> &[Arc<dyn Provider>] {
        &self.links
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::base::ManualClock;
    use crate::identity::UserId;
    use crate::provider::BreakerSettings;

    /// Says what it is told to say, and counts.
    struct Puppet {
        name: ProviderName,
        realm: Realm,
        id_rule: IdRule,
        says: Mutex<Result<Verdict, ProviderFault>>,
        asked: AtomicUsize,
        breaker: Breaker,
    }

    fn puppet(name: &str, realm: &str) -> Arc<Puppet> {
        Arc::new(Puppet {
            name: ProviderName::new(name).unwrap(),
            realm: Realm::new(realm).unwrap(),
            id_rule: IdRule::default(),
            says: Mutex::new(RIGHT),
            asked: AtomicUsize::new(0),
            breaker: Breaker::new(BreakerSettings { failures: 1, pause: Duration::from_secs(30) }, Arc::new(ManualClock::default())),
        })
    }

    impl Provider for Puppet {
        fn name(&self) -> &ProviderName {
            &self.name
        }

        fn realm(&self) -> &Realm {
            &self.realm
        }

        fn id_rule(&self) -> &IdRule {
            &self.id_rule
        }

        fn check(&self, _: Login) -> Checking<'_> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let says = self.says.lock().unwrap().clone();
            Box::pin(async move { says })
        }

        fn breaker(&self) -> Option<&Breaker> {
            Some(&self.breaker)
        }
    }

    const RIGHT: Result<Verdict, ProviderFault> = Ok(Verdict::Right { notice: None });

    async fn who_answers(first: Result<Verdict, ProviderFault>, breaker_open: bool) -> (String, usize) {
        let (one, two) = (puppet("mju", "mju"), puppet("mju-sso", "mju"));
        *one.says.lock().unwrap() = first;
        if breaker_open {
            one.breaker.enter().unwrap().failed();
        }
        let chain = Chain::new(vec![one, two.clone()]).unwrap();
        let login = Login { user: UserId::parse("mju:60241234").unwrap(), password: "secret".into() };
        let (name, _) = chain.ask(login).await;
        (name.to_string(), two.asked.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn an_answer_is_final() {
        let no = || Ok(Verdict::Wrong { message: None });
        for answer in [RIGHT, no(), Ok(Verdict::NotYet { message: None }), Err(ProviderFault::Overloaded(String::new()))] {
            for breaker_open in [false, true] {
                assert_eq!(who_answers(answer.clone(), breaker_open).await, ("mju".into(), 0), "{answer:?}");
            }
        }
    }

    #[tokio::test]
    async fn who_cannot_be_asked_is_passed_over() {
        for fault in [
            ProviderFault::Unreachable(String::new()),
            ProviderFault::Changed(String::new()),
            ProviderFault::Resting { retry_after: Duration::ZERO },
        ] {
            assert_eq!(who_answers(Err(fault), false).await, ("mju-sso".into(), 1));
        }
    }

    #[tokio::test]
    async fn what_may_have_been_an_answer_moves_on_only_while_the_breaker_is_open() {
        for fault in
            [ProviderFault::TimedOut(Duration::ZERO), ProviderFault::NotUnderstood(String::new()), ProviderFault::Refused(String::new())]
        {
            assert_eq!(who_answers(Err(fault.clone()), false).await, ("mju".into(), 0));
            assert_eq!(who_answers(Err(fault), true).await, ("mju-sso".into(), 1));
        }
    }

    #[test]
    fn a_chain_is_of_one_realm() {
        assert_eq!(Chain::new(vec![]).map(drop), Err(SetupFault::Empty("a chain of providers")));
        let mixed = Chain::new(vec![puppet("mju", "mju"), puppet("local", "local")]);
        assert_eq!(mixed.map(drop), Err(SetupFault::Realms("local".into())));
    }
}
