use super::Environment;
use crate::base::Fault;

/// Puts the environment into a string: `${NAME}` and `${NAME:-default}`, which also stands in for an empty variable, as in
/// a shell. `$${` writes `${`. It works on strings of the parsed file, never on its text, so no variable can add a key.
///
/// # Errors
/// Every variable that is not set and has no default, and what is no reference to a variable at all.
pub(super) fn expand(text: &str, env: Environment<'_>) -> Result<String, Vec<Fault>> {
    let mut out = String::with_capacity(text.len());
    let mut faults = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, after) = rest.split_at(at);
        let inside = &after[2..];
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = inside;
            continue;
        }
        out.push_str(before);
        let Some(end) = inside.find('}') else {
            faults.push(Fault::new("\"${\" without \"}\"").help("write ${NAME} or ${NAME:-default}; \"$${\" stands for \"${\" itself"));
            rest = "";
            break;
        };
        match look_up(&inside[..end], env) {
            Ok(value) => out.push_str(&value),
            Err(fault) => faults.push(fault),
        }
        rest = &inside[end + 1..];
    }
    out.push_str(rest);
    if faults.is_empty() { Ok(out) } else { Err(faults) }
}

fn look_up(reference: &str, env: Environment<'_>) -> Result<String, Fault> {
    let (name, default) = reference.split_once(":-").map_or((reference, None), |(name, default)| (name, Some(default)));
    let first = name.bytes().next();
    let good = first.is_some_and(|b| b.is_ascii_alphabetic() || b == b'_') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !good || default.is_some_and(|default| default.contains("${")) {
        let help = "write ${NAME} or ${NAME:-default}, where NAME is letters, digits and \"_\" and the default is plain text";
        // Not quoted: it may be a piece of a secret that happens to hold these characters.
        return Err(Fault::new("\"${…}\" names no environment variable").help(help));
    }
    match (env(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(Fault::new(format!("the environment variable {name} is not set"))
            .help(format!("set it, or write ${{{name}:-…}} with a value for when it is not set"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("gate".into()),
            "EMPTY" => Some(String::new()),
            "TRICK" => Some("${HOST}\" \nx = 1".into()),
            _ => None,
        }
    }

    #[test]
    fn variables_and_defaults_are_put_in() {
        for (text, wanted) in [
            ("plain $ {HOST} }", "plain $ {HOST} }"),
            ("https://${HOST}:${PORT:-8443}/", "https://gate:8443/"),
            ("${EMPTY}", ""),
            ("${EMPTY:-x}${PORT:-}", "x"),
            ("$${HOST} ${HOST}", "${HOST} gate"),
            ("${A:-b:-c}", "b:-c"),
        ] {
            assert_eq!(expand(text, &env), Ok(wanted.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_a_variable_holds_is_not_read_again() {
        assert_eq!(expand("${TRICK}", &env).unwrap(), "${HOST}\" \nx = 1");
    }

    #[test]
    fn every_missing_variable_is_named() {
        let faults = expand("${A}-${B}", &env).unwrap_err();
        let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
        assert_eq!(messages, ["the environment variable A is not set", "the environment variable B is not set"]);
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in ["${HOST", "${}", "${1A}", "${A B}", "${A:-${HOST}}", "${한글}", "${A-b}"] {
            assert!(expand(text, &env).is_err(), "{text}");
        }
    }
}
