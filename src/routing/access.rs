use std::fmt;
use std::time::Duration;

use http::Method;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::base::ClientAddr;
use crate::identity::{Group, Profile, Realm, Role, UserId};

/// Who may pass. No rule named in the configuration means [`Access::SignedIn`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Access {
    /// Anybody; a good token still sends identity along.
    Public,
    /// Anybody who is logged in.
    #[default]
    SignedIn,
    /// Somebody who is logged in and fits this rule.
    Rule(Box<Rule>),
}

/// What a rule asks of somebody who is logged in. Everything that is said must hold; `users`, `id_prefixes`, `groups` and
/// `roles` name people, and being named in one of these ways is enough. Nothing said: nobody.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Rule {
    /// These people.
    pub users: Vec<UserId>,
    /// People of a realm whose ids begin so.
    pub id_prefixes: Vec<(Realm, Box<str>)>,
    /// Members of these groups.
    pub groups: Vec<Group>,
    /// People with these roles.
    pub roles: Vec<Role>,
    /// Only people of these realms.
    pub realms: Vec<Realm>,
    /// Only with a token that says each of these claims with one of its values.
    pub claims: Vec<(Box<str>, Vec<Box<str>>)>,
    /// Only with these methods; HEAD follows GET.
    pub methods: Vec<Method>,
    /// Only from these networks. They narrow: nobody passes for being in one.
    pub networks: Vec<IpNet>,
    /// Only if the password was given at most so long ago.
    pub fresh: Option<Duration>,
    /// Every one of these as well.
    pub all: Vec<Rule>,
    /// At least one of these as well.
    pub any: Vec<Rule>,
}

/// What is known of a request by somebody who is logged in. Nothing else can play a part in a decision.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The person.
    pub user: &'a UserId,
    /// What is known of them now.
    pub profile: &'a Profile,
    /// What the token says beside that.
    pub claims: Claims<'a>,
    /// The request's method, whatever its headers say of another one.
    pub method: &'a Method,
    /// Where it comes from.
    pub address: ClientAddr,
    /// How long ago the password was given; `None` when the token does not show it (it was renewed).
    pub password_age: Option<Duration>,
}

/// What a good token says beside who asks. A claim it does not have holds for no value.
#[derive(Clone, Copy, Debug)]
pub enum Claims<'a> {
    /// One of ours: `idp`, the provider that checked the password.
    Ours {
        /// Its name.
        provider: &'a str,
    },
    /// Another issuer's: the claims that some rule asks for, by name, a list's items one by one.
    Foreign(&'a [(Box<str>, Box<str>)]),
}

impl Claims<'_> {
    fn say(self, name: &str, values: &[Box<str>]) -> bool {
        let wanted = |said: &str| values.iter().any(|value| **value == *said);
        match self {
            Self::Ours { provider } => name == "idp" && wanted(provider),
            Self::Foreign(claims) => claims.iter().any(|(said, value)| **said == *name && wanted(value)),
        }
    }
}

/// The decision about one request on one route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It passes.
    Passes,
    /// Nobody is logged in, and somebody has to be.
    LoginNeeded,
    /// It would pass if the password had been given just now.
    PasswordTooOld,
    /// It does not pass.
    NotAllowed,
}

/// One line of an explained rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Judged {
    /// How deep in the tree; 0 is the rule itself.
    pub depth: usize,
    /// What is asked.
    pub condition: String,
    /// Whether it holds; `None` where nobody is logged in, so that there was nobody to ask about.
    pub holds: Option<bool>,
}

impl Access {
    /// The decision: from the rule and the facts, and from nothing else.
    pub fn judge(&self, facts: Option<&Facts<'_>>) -> Verdict {
        match (self, facts) {
            (Self::Public, _) | (Self::SignedIn, Some(_)) => Verdict::Passes,
            (Self::SignedIn | Self::Rule(_), None) => Verdict::LoginNeeded,
            (Self::Rule(rule), Some(facts)) if rule.holds(facts) => Verdict::Passes,
            (Self::Rule(rule), Some(facts)) => {
                let with_password = Facts { password_age: Some(Duration::ZERO), ..*facts };
                if rule.holds(&with_password) { Verdict::PasswordTooOld } else { Verdict::NotAllowed }
            }
        }
    }

    /// The same decision taken apart, condition by condition.
    pub fn explain(&self, facts: Option<&Facts<'_>>) -> Vec<Judged> {
        let line = |condition: &str, holds| vec![Judged { depth: 0, condition: condition.to_owned(), holds }];
        match self {
            Self::Public => line("public", Some(true)),
            Self::SignedIn => line("signed in", Some(facts.is_some())),
            Self::Rule(rule) => {
                let mut lines = line("signed in, and all of", facts.map(|facts| rule.holds(facts)).or(Some(false)));
                rule.explain(facts, 1, &mut lines);
                lines
            }
        }
    }
}

impl Rule {
    /// Whether every condition holds. A rule that asks for nothing lets nobody pass.
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        let mut asked = false;
        for condition in self.conditions() {
            if !condition.holds(facts) {
                return false;
            }
            asked = true;
        }
        asked
    }

    /// The claims it asks for, here and in what it is made of.
    pub fn claim_names(&self) -> Vec<&str> {
        let parts = self.all.iter().chain(&self.any).flat_map(Self::claim_names);
        self.claims.iter().map(|(name, _)| &**name).chain(parts).collect()
    }

    /// Whether it says nothing but where a request comes from.
    pub fn is_only_networks(&self) -> bool {
        !self.networks.is_empty() && self.conditions().count() == 1
    }

    fn conditions(&self) -> impl Iterator<Item = Condition<'_>> {
        let names = !(self.users.is_empty() && self.id_prefixes.is_empty() && self.groups.is_empty() && self.roles.is_empty());
        [
            names.then_some(Condition::Named(self)),
            (!self.realms.is_empty()).then_some(Condition::Realm(&self.realms)),
            (!self.claims.is_empty()).then_some(Condition::Claims(&self.claims)),
            (!self.methods.is_empty()).then_some(Condition::Method(&self.methods)),
            (!self.networks.is_empty()).then_some(Condition::Network(&self.networks)),
            self.fresh.map(Condition::Fresh),
            (!self.all.is_empty()).then_some(Condition::All(&self.all)),
            (!self.any.is_empty()).then_some(Condition::Any(&self.any)),
        ]
        .into_iter()
        .flatten()
    }

    fn explain(&self, facts: Option<&Facts<'_>>, depth: usize, lines: &mut Vec<Judged>) {
        for condition in self.conditions() {
            lines.push(Judged { depth, condition: condition.to_string(), holds: facts.map(|facts| condition.holds(facts)) });
            let parts = match condition {
                Condition::All(parts) | Condition::Any(parts) => parts,
                Condition::Named(_)
                | Condition::Realm(_)
                | Condition::Claims(_)
                | Condition::Method(_)
                | Condition::Network(_)
                | Condition::Fresh(_) => continue,
            };
            for part in parts {
                let holds = facts.map(|facts| part.holds(facts));
                lines.push(Judged { depth: depth + 1, condition: "all of".to_owned(), holds });
                part.explain(facts, depth + 2, lines);
            }
        }
    }
}

/// One thing a rule asks for.
#[derive(Clone, Copy)]
enum Condition<'a> {
    Named(&'a Rule),
    Realm(&'a [Realm]),
    Claims(&'a [(Box<str>, Vec<Box<str>>)]),
    Method(&'a [Method]),
    Network(&'a [IpNet]),
    Fresh(Duration),
    All(&'a [Rule]),
    Any(&'a [Rule]),
}

impl Condition<'_> {
    fn holds(self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Named(rule) => {
                rule.users.contains(facts.user)
                    || rule.id_prefixes.iter().any(|(realm, prefix)| realm == facts.user.realm() && facts.user.id().starts_with(&**prefix))
                    || rule.roles.contains(&facts.profile.role)
                    || rule.groups.iter().any(|group| facts.profile.groups.binary_search(group).is_ok())
            }
            Self::Realm(realms) => realms.contains(facts.user.realm()),
            Self::Claims(claims) => claims.iter().all(|(name, values)| facts.claims.say(name, values)),
            Self::Method(methods) => takes(methods, facts.method),
            Self::Network(networks) => networks.iter().any(|network| network.contains(&facts.address.ip())),
            Self::Fresh(most) => facts.password_age.is_some_and(|age| age <= most),
            Self::All(rules) => rules.iter().all(|rule| rule.holds(facts)),
            Self::Any(rules) => rules.iter().any(|rule| rule.holds(facts)),
        }
    }
}

impl fmt::Display for Condition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(rule) => {
                let prefixes = rule.id_prefixes.iter().map(|(realm, prefix)| format!("an id that begins with {realm}:{prefix}"));
                let ways: Vec<String> = rule
                    .users
                    .iter()
                    .map(|user| format!("user {user}"))
                    .chain(prefixes)
                    .chain(rule.groups.iter().map(|group| format!("group {group}")))
                    .chain(rule.roles.iter().map(|role| format!("role {role}")))
                    .collect();
                f.write_str(&ways.join(" or "))
            }
            Self::Realm(realms) => write!(f, "realm {}", list(realms)),
            Self::Claims(claims) => {
                let each: Vec<String> = claims.iter().map(|(name, values)| format!("claim {name} {}", list(values))).collect();
                f.write_str(&each.join(" and "))
            }
            Self::Method(methods) => write!(f, "method {}", list(methods)),
            Self::Network(networks) => write!(f, "from {}", list(networks)),
            Self::Fresh(most) => write!(f, "password given in the last {} s", most.as_secs()),
            Self::All(_) => f.write_str("every one of"),
            Self::Any(_) => f.write_str("at least one of"),
        }
    }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

/// Whether a list of methods takes a method. HEAD follows GET.
pub(super) fn takes(methods: &[Method], method: &Method) -> bool {
    methods.contains(method) || (method == Method::HEAD && methods.contains(&Method::GET))
}

/// Whether some method is one of both lists, so that neither of two routes is the more specific one; `None` is every method,
/// less specific than any list.
pub fn share_a_method(one: Option<&[Method]>, other: Option<&[Method]>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => one.iter().any(|method| takes(other, method)) || other.iter().any(|method| takes(one, method)),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(rule: &Rule, user: &str, groups: &[&str], method: &Method, address: &str, age: Option<u64>) -> Verdict {
        let mut groups: Vec<Group> = groups.iter().map(|group| Group::new(group).unwrap()).collect();
        groups.sort();
        let (user, profile) = (UserId::parse(user).unwrap(), Profile { groups, ..Profile::default() });
        let address = ClientAddr::new(address.parse().unwrap());
        let claims = Claims::Ours { provider: "mju" };
        let facts = Facts { user: &user, profile: &profile, claims, method, address, password_age: age.map(Duration::from_secs) };
        Access::Rule(Box::new(rule.clone())).judge(Some(&facts))
    }

    fn staff() -> Rule {
        Rule { groups: vec![Group::new("staff").unwrap()], ..Rule::default() }
    }

    #[test]
    fn nobody_passes_a_rule_that_names_nobody() {
        assert_eq!(judge(&Rule::default(), "mju:1", &["staff"], &Method::GET, "10.0.0.1", Some(0)), Verdict::NotAllowed);
        assert_eq!(Access::Rule(Box::default()).judge(None), Verdict::LoginNeeded);
        assert_eq!(Access::SignedIn.judge(None), Verdict::LoginNeeded);
        assert_eq!(Access::Public.judge(None), Verdict::Passes);
    }

    #[test]
    fn ways_to_be_named_are_alternatives_and_all_else_narrows() {
        let mut rule = Rule { users: vec![UserId::parse("mju:7").unwrap()], ..staff() };
        let ask = |rule: &Rule, user, groups, address| judge(rule, user, groups, &Method::GET, address, None);
        assert_eq!(ask(&rule, "mju:7", &[], "10.0.0.1"), Verdict::Passes);
        assert_eq!(ask(&rule, "mju:8", &["staff"], "10.0.0.1"), Verdict::Passes);
        assert_eq!(ask(&rule, "guests:7", &[], "10.0.0.1"), Verdict::NotAllowed);
        rule.networks = vec!["10.0.0.0/8".parse().unwrap()];
        assert_eq!(ask(&rule, "mju:7", &[], "11.0.0.1"), Verdict::NotAllowed);
        assert_eq!(ask(&rule, "mju:9", &[], "10.0.0.1"), Verdict::NotAllowed, "a network opens nothing");
        rule.realms = vec![Realm::new("guests").unwrap()];
        assert_eq!(ask(&rule, "mju:7", &[], "10.0.0.1"), Verdict::NotAllowed);
        assert_eq!(ask(&rule, "guests:7", &["staff"], "10.0.0.1"), Verdict::Passes);
    }

    #[test]
    fn a_prefix_of_ids_belongs_to_its_realm() {
        let rule = Rule { id_prefixes: vec![(Realm::new("mju").unwrap(), "6024".into())], ..Rule::default() };
        let ask = |user| judge(&rule, user, &[], &Method::GET, "10.0.0.1", None);
        assert_eq!(
            (ask("mju:60241234"), ask("mju:16024"), ask("guests:60241234")),
            (Verdict::Passes, Verdict::NotAllowed, Verdict::NotAllowed)
        );
    }

    #[test]
    fn a_claim_is_said_by_the_token_or_by_nobody() {
        let user = UserId::parse("idp:kim").unwrap();
        let (profile, address) = (Profile::default(), ClientAddr::new("10.0.0.1".parse().unwrap()));
        let holds = |asked: &[(&str, &[&str])], claims: Claims<'_>| {
            let asked = asked.iter().map(|(name, values)| ((*name).into(), values.iter().map(|value| (*value).into()).collect()));
            let rule = Rule { claims: asked.collect(), ..Rule::default() };
            rule.holds(&Facts { user: &user, profile: &profile, claims, method: &Method::GET, address, password_age: None })
        };
        let said: [(Box<str>, Box<str>); 3] =
            [("dept", "cs"), ("dept", "ee"), ("level", "3")].map(|(name, value)| (name.into(), value.into()));
        let said = Claims::Foreign(&said);
        assert!(holds(&[("dept", &["math", "ee"])], said));
        assert!(holds(&[("dept", &["cs"]), ("level", &["3"])], said));
        assert!(!holds(&[("dept", &["cs"]), ("level", &["4"])], said), "each of them has to hold");
        assert!(!holds(&[("DEPT", &["cs"])], said) && !holds(&[("dept", &["c"])], said) && !holds(&[("idp", &["idp"])], said));
        let ours = Claims::Ours { provider: "mju-sso" };
        assert!(holds(&[("idp", &["mju", "mju-sso"])], ours) && !holds(&[("idp", &["mju"])], ours));
        assert!(!holds(&[("dept", &["cs"])], ours), "what a token does not say holds for nobody");
    }

    #[test]
    fn rules_nest() {
        let reads = Rule { methods: vec![Method::GET], ..Rule::default() };
        let rule = Rule { any: vec![reads, staff()], ..Rule::default() };
        let ask = |method: &Method, groups: &[&str]| judge(&rule, "mju:1", groups, method, "10.0.0.1", None);
        assert_eq!((ask(&Method::GET, &[]), ask(&Method::HEAD, &[])), (Verdict::Passes, Verdict::Passes));
        assert_eq!((ask(&Method::POST, &[]), ask(&Method::POST, &["staff"])), (Verdict::NotAllowed, Verdict::Passes));
        let both = Rule { all: vec![staff(), Rule { groups: vec![Group::new("grades").unwrap()], ..Rule::default() }], ..Rule::default() };
        assert_eq!(judge(&both, "mju:1", &["staff"], &Method::GET, "10.0.0.1", None), Verdict::NotAllowed);
        assert_eq!(judge(&both, "mju:1", &["staff", "grades"], &Method::GET, "10.0.0.1", None), Verdict::Passes);
    }

    #[test]
    fn an_old_password_is_told_from_a_wrong_person() {
        let rule = Rule { fresh: Some(Duration::from_secs(300)), ..staff() };
        let ask = |groups: &[&str], age| judge(&rule, "mju:1", groups, &Method::GET, "10.0.0.1", age);
        assert_eq!(ask(&["staff"], Some(300)), Verdict::Passes);
        assert_eq!((ask(&["staff"], Some(301)), ask(&["staff"], None)), (Verdict::PasswordTooOld, Verdict::PasswordTooOld));
        assert_eq!(ask(&[], Some(301)), Verdict::NotAllowed, "a new login would not help");
    }

    #[test]
    fn what_is_explained_is_what_is_decided() {
        let user = UserId::parse("mju:1").unwrap();
        let profile = Profile::default();
        let address = ClientAddr::new("10.0.0.1".parse().unwrap());
        let claims = Claims::Ours { provider: "mju" };
        let facts = Facts { user: &user, profile: &profile, claims, method: &Method::GET, address, password_age: None };
        let rule = Rule { any: vec![staff(), Rule { methods: vec![Method::GET], ..Rule::default() }], ..Rule::default() };
        let lines = Access::Rule(Box::new(rule)).explain(Some(&facts));
        let told: Vec<_> = lines.iter().map(|line| (line.depth, line.condition.as_str(), line.holds)).collect();
        assert_eq!(
            told,
            [
                (0, "signed in, and all of", Some(true)),
                (1, "at least one of", Some(true)),
                (2, "all of", Some(false)),
                (3, "group staff", Some(false)),
                (2, "all of", Some(true)),
                (3, "method GET", Some(true)),
            ]
        );
    }
}
