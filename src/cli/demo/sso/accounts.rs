/// Somebody the stand-in knows. None of them exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The id; see [`StandInOptions::case_matters`](super::StandInOptions::case_matters).
    pub id: &'static str,
    /// The password.
    pub password: &'static str,
    /// What the person is called.
    pub name: &'static str,
    /// What becomes of a login with the right password.
    pub standing: Standing,
}

/// What becomes of a login with the right password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It goes through.
    Good,
    /// It goes through after a notice that a new password is due.
    PasswordDue,
    /// It is refused: the account is locked.
    Locked,
    /// The second generation wants a second factor first.
    SecondFactor,
}

pub(super) const ACCOUNTS: &[Account] = &[
    Account { id: "rightId", password: "rightPasswd", name: "홍길동", standing: Standing::Good },
    Account { id: "60241234", password: "myongji-2024", name: "김민지", standing: Standing::Good },
    Account { id: "60251111", password: "바다 + 하늘 & 100%", name: "이서준", standing: Standing::Good },
    Account { id: "60231077", password: "\"quotes' \\ <b>", name: "박하은", standing: Standing::Good },
    Account { id: "noticeId", password: "noticePasswd", name: "최안내", standing: Standing::PasswordDue },
    Account { id: "lockedId", password: "lockedPasswd", name: "정잠김", standing: Standing::Locked },
    Account { id: "staffId", password: "staffPasswd", name: "강교수", standing: Standing::SecondFactor },
];

/// What the password check comes to. The words are made up; only those of [`Check::Right`] are known from the real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    Right(&'static Account),
    Wrong,
    Locked,
    Incomplete,
}

impl Check {
    pub(super) fn of(id: &str, password: &str, case_matters: bool) -> Self {
        if id.is_empty() || password.is_empty() {
            return Self::Incomplete;
        }
        let is_id = |account: &Account| if case_matters { account.id == id } else { account.id.eq_ignore_ascii_case(id) };
        let account = ACCOUNTS.iter().find(|account| is_id(account) && account.password == password);
        match account {
            Some(account) if account.standing == Standing::Locked => Self::Locked,
            Some(account) => Self::Right(account),
            None => Self::Wrong,
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Right(Account { standing: Standing::PasswordDue, .. }) => "비밀번호 변경 기간이 지났습니다. 비밀번호를 변경해 주세요.",
            Self::Right(_) => "정상처리되었습니다.",
            Self::Wrong => "아이디 또는 비밀번호가 일치하지 않습니다.",
            Self::Locked => "잠긴 계정입니다. 종합정보시스템에 문의하세요.",
            Self::Incomplete => "아이디와 비밀번호를 입력해 주세요.",
        }
    }
}
