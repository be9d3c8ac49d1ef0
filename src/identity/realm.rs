use std::fmt;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization as _;

/// Whose ids these are. Two providers may share a realm (`mju` and `mju-sso` know the same people); two realms never
/// share a person, so an account somebody made for himself can never look like a student.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Realm(Arc<str>);

/// A realm's name is 1 to 32 lower-case letters, digits and hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a realm is named with 1 to 32 lower-case letters, digits and hyphens")]
pub struct RealmError;

impl Realm {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// When it has other characters, or too many, or none.
    pub fn new(name: &str) -> Result<Self, RealmError> {
        let good = (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if good { Ok(Self(name.into())) } else { Err(RealmError) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which ids a realm has, and how they are brought into their one canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdRule {
    /// Characters allowed besides ASCII letters and digits. Never `@` and `:`, which separate id and realm.
    pub extra: Box<str>,
    /// Most characters an id has.
    pub longest: usize,
    /// Whether `Kim` and `kim` are one person: then the canonical form is lower case.
    pub fold_case: bool,
}

impl Default for IdRule {
    /// Letters, digits and `._-`, at most 32, case folded: what is known of Myongji ids.
    fn default() -> Self {
        Self { extra: "._-".into(), longest: 32, fold_case: true }
    }
}

/// Why what somebody typed cannot be an id of this realm. The same refusal as a wrong password towards the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was typed.
    #[error("the id is empty")]
    Empty,
    /// Longer than ids of this realm are.
    #[error("the id is too long")]
    TooLong,
    /// A character that ids of this realm do not have.
    #[error("the id has a character that ids here do not have")]
    Character,
}

impl IdRule {
    /// The canonical id: trimmed, NFKC (so that full-width digits are digits), case folded if the realm says so, and
    /// nothing but the allowed characters. Only this form is asked about, stored, signed, counted and sent on.
    ///
    /// # Errors
    /// When no id of this realm can look so.
    pub fn canonical(&self, realm: &Realm, typed: &str) -> Result<UserId, IdError> {
        // Looked at before normalising, so that a megabyte of text is not normalised first.
        if typed.len() > self.longest.saturating_mul(16) {
            return Err(IdError::TooLong);
        }
        let mut id: String = typed.trim().nfkc().collect();
        if self.fold_case {
            id.make_ascii_lowercase();
        }
        if id.is_empty() {
            return Err(IdError::Empty);
        }
        if !id.chars().all(|c| c.is_ascii_alphanumeric() || (self.extra.contains(c) && c.is_ascii_graphic() && !matches!(c, '@' | ':'))) {
            return Err(IdError::Character);
        }
        if id.len() > self.longest {
            return Err(IdError::TooLong);
        }
        Ok(UserId { realm: realm.clone(), id: id.into() })
    }
}

/// A person: a realm and the canonical id in it. Written `realm:id` for operators.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId {
    realm: Realm,
    id: Arc<str>,
}

impl UserId {
    /// From what our own store or our own signed token says: already canonical, checked again only for what could
    /// break a header or confuse id and realm.
    ///
    /// # Errors
    /// When it is empty, longer than 255 bytes, or holds anything but visible ASCII without `@` and `:`.
    pub fn from_canonical(realm: Realm, id: &str) -> Result<Self, IdError> {
        if id.is_empty() {
            return Err(IdError::Empty);
        }
        if id.len() > 255 {
            return Err(IdError::TooLong);
        }
        if !id.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'@' | b':')) {
            return Err(IdError::Character);
        }
        Ok(Self { realm, id: id.into() })
    }

    /// Reads `realm:id` as operators write it.
    ///
    /// # Errors
    /// When there is no realm, or either half cannot be what it stands for.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let (realm, id) = text.split_once(':').ok_or(IdError::Character)?;
        Self::from_canonical(Realm::new(realm).map_err(|_| IdError::Character)?, id)
    }

    /// Whose id it is.
    pub fn realm(&self) -> &Realm {
        &self.realm
    }

    /// The id within its realm.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.realm, self.id)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How people are named in `sub` and in identity headers: ids of the primary realm stand bare, all others as `id@realm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subjects {
    primary: Realm,
}

impl Subjects {
    /// Names people with `primary` as the realm whose ids stand bare.
    pub const fn new(primary: Realm) -> Self {
        Self { primary }
    }

    /// The realm whose ids stand bare.
    pub const fn primary(&self) -> &Realm {
        &self.primary
    }

    /// What stands in `sub`.
    pub fn write(&self, user: &UserId) -> String {
        if user.realm == self.primary { user.id.to_string() } else { format!("{}@{}", user.id, user.realm) }
    }

    /// Who a `sub` names.
    ///
    /// # Errors
    /// When it is nobody's name.
    pub fn read(&self, subject: &str) -> Result<UserId, IdError> {
        match subject.split_once('@') {
            None => UserId::from_canonical(self.primary.clone(), subject),
            Some((id, realm)) => {
                let realm = Realm::new(realm).map_err(|_| IdError::Character)?;
                // One person, one name: the long form of a primary id is not a second spelling of it.
                if realm == self.primary {
                    return Err(IdError::Character);
                }
                UserId::from_canonical(realm, id)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm(name: &str) -> Realm {
        Realm::new(name).unwrap()
    }

    #[test]
    fn one_person_has_one_form() {
        let rule = IdRule::default();
        let wanted = UserId::parse("mju:kim.1234").unwrap();
        for typed in ["kim.1234", " Kim.1234\t", "ＫＩＭ.１２３４"] {
            assert_eq!(rule.canonical(&realm("mju"), typed), Ok(wanted.clone()), "{typed:?}");
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        let rule = IdRule::default();
        for typed in ["a@mju", "a:b", "a b", "a\r\nb", "a\0", "관리자", "a/b", "a%40b"] {
            assert_eq!(rule.canonical(&realm("mju"), typed), Err(IdError::Character), "{typed:?}");
        }
        assert_eq!(rule.canonical(&realm("mju"), "  "), Err(IdError::Empty));
        assert_eq!(rule.canonical(&realm("mju"), &"1".repeat(33)), Err(IdError::TooLong));
        assert_eq!(rule.canonical(&realm("mju"), &"1".repeat(1 << 20)), Err(IdError::TooLong));
        // Even a careless configuration cannot let the separators in.
        let careless = IdRule { extra: "@:\n가".into(), ..IdRule::default() };
        for typed in ["a@b", "a:b", "a\nb", "가"] {
            assert_eq!(careless.canonical(&realm("local"), typed), Err(IdError::Character), "{typed:?}");
        }
    }

    #[test]
    fn a_local_account_never_looks_like_a_student() {
        let subjects = Subjects::new(realm("mju"));
        let student = UserId::parse("mju:60241234").unwrap();
        let local = UserId::parse("local:60241234").unwrap();
        assert_eq!(subjects.write(&student), "60241234");
        assert_eq!(subjects.write(&local), "60241234@local");
        assert_eq!(subjects.read("60241234@local"), Ok(local));
        assert_eq!(subjects.read("60241234"), Ok(student));
        assert!(subjects.read("60241234@mju").is_err());
        assert!(subjects.read("60241234@local@mju").is_err());
    }
}
