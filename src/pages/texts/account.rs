use super::Titled;

/// Sign-up, one's own account, passwords.
pub(in crate::pages) struct AccountTexts {
    pub(in crate::pages) title: &'static str,
    pub(in crate::pages) check_input: &'static str,
    pub(in crate::pages) optional: &'static str,
    pub(in crate::pages) sign_up: &'static str,
    pub(in crate::pages) sign_up_lead: &'static str,
    pub(in crate::pages) sign_up_approval: &'static str,
    pub(in crate::pages) sign_up_submit: &'static str,
    pub(in crate::pages) have_account: &'static str,
    /// From the further characters and the most there may be.
    pub(in crate::pages) id_hint: fn(&str, usize) -> String,
    pub(in crate::pages) present_password: &'static str,
    pub(in crate::pages) new_password: &'static str,
    pub(in crate::pages) new_password_again: &'static str,
    /// From the least number of characters.
    pub(in crate::pages) new_password_hint: fn(usize) -> String,
    pub(in crate::pages) password: &'static str,
    pub(in crate::pages) change_password: &'static str,
    pub(in crate::pages) change_lead: &'static str,
    pub(in crate::pages) change_by_link: &'static str,
    pub(in crate::pages) sessions: &'static str,
    pub(in crate::pages) sessions_lead: &'static str,
    pub(in crate::pages) this_device: &'static str,
    pub(in crate::pages) last_seen: &'static str,
    pub(in crate::pages) began: &'static str,
    pub(in crate::pages) end_session: &'static str,
    pub(in crate::pages) end_others: &'static str,
    pub(in crate::pages) withdraw: &'static str,
    pub(in crate::pages) withdraw_lead: &'static str,
    pub(in crate::pages) problems: ProblemTexts,
    pub(in crate::pages) confirm: ConfirmTexts,
}

pub(in crate::pages) struct ProblemTexts {
    pub(in crate::pages) id_missing: &'static str,
    pub(in crate::pages) id_impossible: &'static str,
    pub(in crate::pages) id_taken: &'static str,
    pub(in crate::pages) name_impossible: &'static str,
    pub(in crate::pages) email_impossible: &'static str,
    pub(in crate::pages) field_missing: &'static str,
    pub(in crate::pages) password_too_short: fn(usize) -> String,
    pub(in crate::pages) password_too_long: fn(usize) -> String,
    pub(in crate::pages) password_common: &'static str,
    pub(in crate::pages) passwords_differ: &'static str,
    pub(in crate::pages) password_wrong: &'static str,
}

/// The title is also what stands on the button.
pub(in crate::pages) struct ConfirmTexts {
    pub(in crate::pages) fresh: Titled,
    pub(in crate::pages) end_session: Titled,
    pub(in crate::pages) end_others: Titled,
    pub(in crate::pages) withdraw: Titled,
    pub(in crate::pages) change_member: Titled,
    pub(in crate::pages) remove_member: Titled,
}
