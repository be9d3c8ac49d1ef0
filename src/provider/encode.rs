use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use zeroize::Zeroizing;

/// What a browser leaves as it is in a form (WHATWG URL, application/x-www-form-urlencoded percent-encode set).
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_').remove(b' ');

/// A browser's form. The buffer is made large enough at once, so that growing leaves no copy of a password behind.
pub(super) fn form_body<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Zeroizing<Vec<u8>> {
    let most = pairs.clone().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut body = Zeroizing::new(Vec::with_capacity(most));
    for (name, value) in pairs {
        if !body.is_empty() {
            body.push(b'&');
        }
        put_form_text(&mut body, name);
        body.push(b'=');
        put_form_text(&mut body, value);
    }
    body
}

fn put_form_text(body: &mut Vec<u8>, text: &str) {
    for piece in percent_encode(text.as_bytes(), FORM) {
        body.extend(piece.bytes().map(|b| if b == b' ' { b'+' } else { b }));
    }
}

/// A JSON object of strings. As large at once as the longest escapes need (`\u0000` for one byte).
pub(super) fn json_body<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> Zeroizing<Vec<u8>> {
    let most = pairs.clone().map(|(name, value)| 6 * (name.len() + value.len()) + 6).sum::<usize>() + 2;
    let mut body = Zeroizing::new(Vec::with_capacity(most));
    body.push(b'{');
    for (name, value) in pairs {
        if body.len() > 1 {
            body.push(b',');
        }
        put_json_text(&mut body, name);
        body.push(b':');
        put_json_text(&mut body, value);
    }
    body.push(b'}');
    body
}

fn put_json_text(body: &mut Vec<u8>, text: &str) {
    // Writing a string into memory cannot fail; if it ever did, the body would be no JSON and no login.
    let _ = serde_json::to_writer(body, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_body_outgrows_its_buffer() {
        let worst = "\u{0}\u{1f}\"\\ 가%".repeat(100);
        let pairs = [("a", worst.as_str()), (worst.as_str(), ""), ("", "")];
        for body in [form_body(pairs.into_iter()), json_body(pairs.into_iter())] {
            let most = pairs.iter().map(|(name, value)| 6 * (name.len() + value.len()) + 6).sum::<usize>() + 2;
            assert!(body.len() <= most && body.capacity() <= most, "it grew");
        }
    }
}
