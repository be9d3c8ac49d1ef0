use crate::pages::texts::account::{AccountTexts, ConfirmTexts, ProblemTexts};
use crate::pages::texts::{Titled, Told};

pub(super) const ACCOUNT: AccountTexts = AccountTexts {
    title: "My account",
    check_input: "Please check what you entered.",
    optional: "(optional)",
    sign_up: "Sign up",
    sign_up_lead: "Fill in the form, and you can use your account right away.",
    sign_up_approval: "Please fill in the form. You can log in once an administrator has approved it.",
    sign_up_submit: "Sign up",
    have_account: "Do you have an account already?",
    id_hint: |extra, longest| format!("Letters, digits and {extra} only, up to {longest} characters."),
    present_password: "Present password",
    new_password: "New password",
    new_password_again: "New password once more",
    new_password_hint: |least| {
        format!(
            "At least {least} characters. A long one is safer than one with symbols. Common ones, and those like your ID, cannot be used."
        )
    },
    password: "Password",
    change_password: "Change password",
    change_lead: "When you change your password, your other devices are logged out.",
    change_by_link: "Please choose a new password. This link works only once.",
    sessions: "Devices that are logged in",
    sessions_lead: "If you see one you do not know, log it out and change your password.",
    this_device: "This device",
    last_seen: "Last used",
    began: "Logged in",
    end_session: "Log out",
    end_others: "Log out all other devices",
    withdraw: "Delete my account",
    withdraw_lead: "Your account and personal data are removed, and all devices are logged out. This cannot be undone.",
    problems: ProblemTexts {
        id_missing: "Please enter an ID.",
        id_impossible: "This ID is too long or has characters that cannot be used.",
        id_taken: "This ID cannot be used. Please choose another one.",
        name_impossible: "Please enter your name. Line breaks and the like cannot be used.",
        email_impossible: "Please check the e-mail address. Example: name@example.ac.kr",
        field_missing: "Please fill in this field.",
        password_too_short: |least| format!("The password is too short. Use at least {least} characters."),
        password_too_long: |most| format!("The password is too long. It may have {most} characters."),
        password_common: "This password is common, or too much like your ID or name, so it is easy to guess. Please choose another one.",
        passwords_differ: "The two passwords are not the same. Please type them again.",
        password_wrong: "The password is not right. Please type it again.",
    },
    confirm: ConfirmTexts {
        fresh: Titled {
            title: "Confirm your password",
            told: Told { what: "To be safe, we check once more that it is you.", todo: "Please enter your password." },
        },
        end_session: Titled {
            title: "Log out a device",
            told: Told { what: "The device you chose will be logged out.", todo: "To go on, please enter your password." },
        },
        end_others: Titled {
            title: "Log out other devices",
            told: Told { what: "All devices but this one will be logged out.", todo: "To go on, please enter your password." },
        },
        withdraw: Titled {
            title: "Delete my account",
            told: Told {
                what: "Your account and personal data will be removed, and all devices logged out. This cannot be undone.",
                todo: "If you are sure, please enter your password.",
            },
        },
        change_member: Titled {
            title: "Change a member",
            told: Told {
                what: "You are about to change somebody else's account or logins.",
                todo: "To go on, please enter your own password.",
            },
        },
        remove_member: Titled {
            title: "Remove a member",
            told: Told {
                what: "The member's account and personal data will be removed, and all their devices logged out. This cannot be undone.",
                todo: "If you are sure, please enter your own password.",
            },
        },
    },
};
