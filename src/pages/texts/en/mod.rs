mod account;
mod admin;

use super::{
    Labels, LoginErrors, LoginTexts, LogoutTexts, MeTexts, Messages, Refusals, Refused, ShellTexts, Texts, Times, Titled, Told, Whys,
};

pub(super) static TEXTS: Texts = Texts {
    shell: ShellTexts {
        other_language: "한국어",
        contact: "Help",
        request: "Request id",
        request_hint: "Please quote this id when you ask for help: it lets us find what happened.",
    },
    label: Labels {
        go_on: "Continue",
        log_in: "Log in",
        log_in_as_other: "Log in as someone else",
        log_in_in_new_tab: "Log in in a new tab",
        log_out: "Log out",
        home: "Back to the start",
        retry: "Try again",
        account: "My account",
        back: "Go back",
    },
    login: LoginTexts {
        title: "Log in",
        title_failed: "Login failed",
        lead: "Please log in to continue.",
        notice: "Please note",
        account_system: "Account",
        choose_system: "Which account do you want to use?",
        not_answering: "not answering now",
        not_answering_hint: "The account server is not answering at the moment, so a login may not work. Devices that are logged in already stay logged in.",
        id: "User ID",
        password: "Password",
        remember: "Keep me logged in",
        remember_hint: "Leave this off on a computer that others use too.",
        submit: "Log in",
        no_account: "No account yet?",
        sign_up: "Sign up",
        signed_in_as: |who| format!("You are logged in as {who} now. Another login takes its place on this device."),
    },
    why: Whys {
        invalid: Told { what: "Your login could not be confirmed.", todo: "Please log in again." },
        no_session: Told { what: "There is no login on record for this device.", todo: "Please log in again." },
        expired: Told {
            what: "Your login has expired.",
            todo: "It was a while ago, so we ended it to be safe. Log in again and you return to where you were.",
        },
        elsewhere: Told {
            what: "This login was ended from another device.",
            todo: "If that was not you, log in and change your password right away.",
        },
        administrator: Told {
            what: "An administrator ended this login.",
            todo: "Please log in again. If that does not work, ask the administrator.",
        },
        theft: Told {
            what: "It looked as if someone else tried to use this login, so we ended it.",
            todo: "Please log in again and change your password. If you cannot explain it, tell the administrator.",
        },
        too_many: Told {
            what: "You were logged in on too many devices, so the oldest login was ended.",
            todo: "To go on with this device, please log in again.",
        },
        password_changed: Told {
            what: "The password was changed, so this device was logged out.",
            todo: "Log in with the new password. If you did not change it, tell the administrator right away.",
        },
        disabled: Told {
            what: "This account has been disabled, so its login was ended.",
            todo: "To use it again, please ask the administrator.",
        },
    },
    login_error: LoginErrors {
        missing: Told { what: "Please enter your ID and password.", todo: "Fill in both fields and try again." },
        refused: Told { what: "Login failed: unknown error", todo: "Please check your ID and password and try again." },
        refused_todo: "Please see what it asks you to do, then try again.",
        wrong: Told {
            what: "The ID or the password is not right.",
            todo: "Check the keyboard language and Caps Lock, then type them again.",
        },
        throttled: Told { what: "There were too many login attempts.", todo: "To protect the account, logins are paused for a moment." },
        disabled: Told { what: "This account has been disabled.", todo: "To use it again, please ask the administrator." },
        awaiting_approval: Told {
            what: "This account is still waiting for approval.",
            todo: "You can log in as soon as an administrator has approved it.",
        },
        unreachable: Told {
            what: "The account server could not be reached.",
            todo: "Your password is not the problem. Please try again in a moment.",
        },
        timed_out: Told {
            what: "The account server did not answer in time.",
            todo: "Your password is not the problem. Please try again in a moment.",
        },
        not_understood: Told {
            what: "The account server gave an answer we do not understand.",
            todo: "Your password is not the problem. If it stays like this, please ask for help and quote the request id below.",
        },
        overloaded: Told {
            what: "Many people are logging in, and the account server is busy.",
            todo: "Your password is not the problem. Please try again in about a minute.",
        },
        cross_site: Told {
            what: "This login came from a page of another site, so it was not taken.",
            todo: "Check the address in the address bar, then log in on this page.",
        },
        unavailable: Told {
            what: "Logins cannot be handled right now.",
            todo: "Please try again in a moment. If it goes on, ask for help and quote the request id below.",
        },
    },
    logout: LogoutTexts {
        title: "Log out",
        question: "Do you want to log out on this device?",
        signed_in_as: "Logged in as",
        here: "Log out",
        here_only: "Log out on this device",
        everywhere: "Log out on all devices",
        stay: "Stay logged in",
        done_title: "You are logged out",
        done: "Your login on this device has been ended.",
        done_everywhere: "Your logins on all devices have been ended.",
        shared_computer: "If others use this computer too, please close all browser windows as well.",
    },
    me: MeTexts {
        title: "My login",
        lead: "This is the account that is logged in in this browser.",
        id: "User ID",
        name: "Name",
        email: "E-mail",
        groups: "Groups",
        role: "Role",
        member: "Member",
        admin: "Administrator",
        provider: "Kind of account",
        token_ends: "Token ends",
        token_hint: "It is renewed by itself while you are active.",
        session_ends: "Login ends",
    },
    message: Messages {
        notice: Titled {
            title: "You are logged in",
            told: Told { what: "The account server asked us to tell you this:", todo: "Please read it, then continue." },
        },
        after: Titled {
            title: "You are logged in",
            told: Told {
                what: "Your last login ended for this reason:",
                todo: "If you do not know why, change your password and tell the administrator.",
            },
        },
        other_tab: Titled {
            title: "You are logged in",
            told: Told {
                what: "You can close this tab.",
                todo: "Go back to the tab you were writing in and reload it to send your input again.",
            },
        },
        signed_up: Titled {
            title: "Welcome",
            told: Told { what: "Your account has been made.", todo: "Please log in with the ID and password you just chose." },
        },
        awaiting_approval: Titled {
            title: "We have received your sign-up",
            told: Told { what: "You can use the account once an administrator has approved it.", todo: "Please log in after that." },
        },
        password_changed: Titled {
            title: "Your password has been changed",
            told: Told {
                what: "To be safe, the logins on your other devices have been ended.",
                todo: "Log in there again with the new password.",
            },
        },
        password_reset: Titled {
            title: "You have a new password",
            told: Told {
                what: "All your devices were logged out, and the link cannot be used again.",
                todo: "Please log in with the new password.",
            },
        },
        sign_up_closed: Titled {
            title: "Sign-up is closed",
            told: Told { what: "Accounts are made by an administrator here.", todo: "If you need one, please ask the administrator." },
        },
        session_ended: Titled {
            title: "The login has been ended",
            told: Told { what: "The device you chose is logged out as of now.", todo: "If you did not know it, change your password too." },
        },
        others_ended: Titled {
            title: "Your other devices are logged out",
            told: Told {
                what: "Only the device you are using now is logged in.",
                todo: "If there was one you did not know, change your password too.",
            },
        },
        withdrawn: Titled {
            title: "Your account has been removed",
            told: Told {
                what: "Your account and personal data are gone, and all devices are logged out.",
                todo: "Thank you for having been with us.",
            },
        },
        link_used_up: Titled {
            title: "This link no longer works",
            told: Told { what: "It has been used already, or it is too old.", todo: "Please ask the administrator for a new one." },
        },
    },
    refusal: Refusals {
        bad_request: Refused {
            title: "This request cannot be handled",
            what: "Something in the address or in what was sent cannot be passed on safely, so it was stopped here.",
            todo: "Please check the address, or go back to the previous page and try again.",
            steps: &[],
        },
        redirect_loop: Refused {
            title: "Your login does not hold",
            what: "You were logged in, but your browser does not send the login cookie back, so the same page came up again and again.",
            todo: "Please check these points in turn, then log in again.",
            steps: &[
                "Make sure that your browser does not block cookies for this site.",
                "Make sure that the address begins with https://.",
                "If this page is shown inside another site or app, open the address in a browser of its own.",
                "Make sure that the date and time of your device are right.",
                "If it still does not work, delete the cookies of this site or use another browser.",
            ],
        },
        form_not_sent: Refused {
            title: "What you wrote has not been sent",
            what: "Your login ended before you sent it, so it was stopped here and not passed on.",
            todo: "Please keep this tab open and send it again like this:",
            steps: &[
                "Log in in a new tab with the button below.",
                "Come back to this tab and reload it.",
                "If the browser asks whether to send again, say yes. If it does not ask, go back one page and send it again.",
            ],
        },
        not_allowed: Refused {
            title: "You are not allowed here",
            what: "You are logged in, but this page is not open to your account.",
            todo: "If you have another account that may enter, log in with that one. If this account should be allowed, please ask the administrator.",
            steps: &[],
        },
        cross_site: Refused {
            title: "This request came from another site",
            what: "It looks as if a page of another site sent this request in your name, so it was not carried out.",
            todo: "If you meant to do it, open the page on this site and try again there.",
            steps: &[],
        },
        not_encrypted: Refused {
            title: "This connection is not encrypted",
            what: "Something was sent to an http:// address, so it was not taken.",
            todo: "Change the address to https:// and try again. If you sent a password, it is safer to change it.",
            steps: &[],
        },
        not_found: Refused {
            title: "Page not found",
            what: "There is no page at this address.",
            todo: "Please check the address for typing errors, or look again from the start.",
            steps: &[],
        },
        method_not_allowed: Refused {
            title: "This cannot be done here",
            what: "This address does not take requests of this kind.",
            todo: "Please go back to the previous page and use its buttons or links.",
            steps: &[],
        },
        too_slow: Refused {
            title: "Your request did not arrive completely",
            what: "The connection was slow or interrupted, and what you sent did not arrive in time.",
            todo: "Please check your network connection and try again.",
            steps: &[],
        },
        body_too_large: Refused {
            title: "What you sent is too large",
            what: "The file or text is larger than can be taken, so it was not passed on.",
            todo: "Please make it smaller, or send it in parts.",
            steps: &[],
        },
        address_too_long: Refused {
            title: "The address is too long",
            what: "The address is longer than can be taken.",
            todo: "Use fewer search terms, or look again from the start.",
            steps: &[],
        },
        misdirected: Refused {
            title: "A new connection is needed",
            what: "Your browser asked for this address over a connection it had made to another site.",
            todo: "Please reload the page. If that does not help, close the browser completely and open it again.",
            steps: &[],
        },
        too_many: Refused {
            title: "Too many requests",
            what: "There were many requests in a short time, so none are taken for the moment.",
            todo: "Trying earlier may make the wait longer.",
            steps: &[],
        },
        headers_too_large: Refused {
            title: "Too many cookies",
            what: "The cookies and headers your browser sent along are larger than can be taken.",
            todo: "Please delete the cookies of this site in your browser's settings, then open the page again.",
            steps: &[],
        },
        internal: Refused {
            title: "Something went wrong",
            what: "There was an unexpected error on our side, and your request could not be completed.",
            todo: "Please try again in a moment. If it goes on, ask for help and quote the request id below.",
            steps: &[],
        },
        not_supported: Refused {
            title: "This kind of request is not supported",
            what: "Your browser or program sent the request in a way that is not supported here.",
            todo: "Please update your browser and try again.",
            steps: &[],
        },
        upstream_failed: Refused {
            title: "The service cannot be reached",
            what: "Your login is fine, but the service behind it is not answering right now.",
            todo: "Please try again in a moment. If it goes on, ask for help and quote the request id below.",
            steps: &[],
        },
        unavailable: Refused {
            title: "Not available for the moment",
            what: "There is maintenance, or too many people are here at once, so no request can be taken now.",
            todo: "Please try again in a moment.",
            steps: &[],
        },
        upstream_timed_out: Refused {
            title: "The service takes too long",
            what: "The service did not answer within the time it has.",
            todo: "It may have done what you asked: please look at the result before you send it again.",
            steps: &[],
        },
        signed_in_as: |who| format!("Logged in as: {who}"),
        limit: |size| format!("The most that can be sent at once: {size}"),
    },
    time: Times { again_at: |span, at| format!("Please try again in {span} (after {at})."), left: |span| format!("{span} left") },
    account: account::ACCOUNT,
    admin: admin::ADMIN,
};
