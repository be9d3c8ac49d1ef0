//! What went wrong in other gateways, told again against this one. Each test is named by the number of its lesson and
//! names the advisory it comes from.
//!
//! Some lessons are part of a story of their own:
//!
//! | lesson | where |
//! |---|---|
//! | 7 | `web`: names are encoded where headers are written |
//! | 20 no connection before a login | `road::nobody_gets_to_the_application_without_a_login` |
//! | 21 one counter for every entrance | `login::guessing_is_slowed_down_before_the_sso_is_asked` |
//! | 22 one form of an id | `login::one_person_has_one_id_however_it_is_typed` |
//! | 25 an SSO's odd answers | `sso_faults` |
//! | 34 one kind of token for the other | `tokens` |
//! | 36 an end survives a crash | `store::a_logout_outlives_a_crash` |
//! | 37 weak secrets | `process::weak_secrets_are_refused` |
//! | 38 constant time | by type: `subtle` and the verifier of the library |
//! | 50 secrets in logs | `logs::no_secret_is_in_any_log` |
//! | 52 what is typed comes back escaped | `refusals::nothing_typed_comes_back_as_markup` |

mod door;
mod headers;
mod paths;
mod places;
mod sessions;
mod tokens;
