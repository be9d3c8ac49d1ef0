use std::fs;
use std::path::Path;

use super::reader::nearest_of;
use super::section::Section;
use super::settings::{AccountLabel, PageSettings};
use super::value::At;
use crate::base::Fault;
use crate::identity::DisplayName;
use crate::pages::{Logo, LogoFormat};

/// Reads `[pages]`. `providers` are the names of all there are.
pub(super) fn read(root: &Section<'_>, providers: &[String]) -> Option<PageSettings> {
    let section = root.section("pages", "[pages]");
    let name = section.read("name", line).map(|at| at.value);
    let accent = section.read("accent", |text| {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let wrong = || Fault::new(format!("{text:?} is no colour")).help("write \"#\" and six hexadecimal digits, as in \"#17695a\"");
        digits.map(|_| text.to_owned()).ok_or_else(wrong)
    });
    let contact = section.read("contact", line).map(|at| at.value);
    let accounts = section.named("account", "[pages.account.NAME]");
    let accounts = accounts.iter().filter_map(|(name, account)| label(name, account, providers)).collect();
    let name = name.or_else(|| DisplayName::new("Munjigi").ok())?;
    Some(PageSettings { name, logo: logo(&section), accent: accent.map(|at| at.value), contact, accounts })
}

/// One line of text for people.
fn line(text: &str) -> Result<DisplayName, Fault> {
    DisplayName::new(text).map_err(|error| Fault::new(format!("this cannot stand on a page: {error}")))
}

/// What people call the accounts of one provider.
fn label(name: &At<&str>, section: &Section<'_>, providers: &[String]) -> Option<AccountLabel> {
    if !providers.iter().any(|provider| provider == name.value) {
        let fault = Fault::new(format!("there is no [provider.{}]", name.value)).at(name.span.clone());
        section.reader.mismatch(fault.help(nearest_of(name.value, providers, "providers")));
    }
    section.require("label", "what people call these accounts, as in \"명지대학교 계정\"");
    let (label, hint) = (section.read("label", line), section.read("hint", line));
    Some(AccountLabel { provider: name.value.to_owned(), label: label?.value, hint: hint.map(|at| at.value) })
}

/// A picture on this gateway's own origin (`logo`), or one that is sent inside every page (`logo_file`).
fn logo(section: &Section<'_>) -> Option<Logo> {
    let place = section.read("logo", |text| {
        Logo::path(text).map_err(|error| Fault::new(error.to_string()).help("`logo_file` names a file of this machine"))
    });
    let file = section.path("logo_file").and_then(|path| match picture(&path.value) {
        Ok(logo) => Some(logo),
        Err(fault) => {
            section.reader.fault(fault.at(path.span));
            None
        }
    });
    if let (Some(place), Some(_)) = (&place, &file) {
        section.reader.fault(Fault::new("`logo` and `logo_file` cannot both be given").at(place.span.clone()));
    }
    file.or(place.map(|at| at.value))
}

#[expect(clippy::disallowed_methods, reason = "the configuration is read at start and at reload, away from the workers")]
fn picture(path: &Path) -> Result<Logo, Fault> {
    let format = match path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("svg") => LogoFormat::Svg,
        Some("png") => LogoFormat::Png,
        Some("jpg" | "jpeg") => LogoFormat::Jpeg,
        Some("webp") => LogoFormat::Webp,
        Some(_) | None => return Err(Fault::new("a logo ends in .svg, .png, .jpg or .webp")),
    };
    let unreadable = |error: std::io::Error| Fault::new(format!("the logo cannot be read: {error}"));
    let metadata = fs::metadata(path).map_err(unreadable)?;
    // Looked at before it is read: a slip of the pen may name anything.
    let small = metadata.is_file() && metadata.len() <= Logo::MOST_BYTES as u64;
    let bytes = if small { fs::read(path).map_err(unreadable)? } else { vec![0; Logo::MOST_BYTES + 1] };
    Logo::file(format, &bytes).map_err(|error| Fault::new(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_is_a_small_picture() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, size: usize| {
            let path = dir.path().join(name);
            fs::write(&path, vec![b'x'; size]).unwrap();
            path
        };
        assert_eq!(picture(&write("a.SVG", 1)).unwrap(), Logo::file(LogoFormat::Svg, b"x").unwrap());
        assert_eq!(picture(&write("a.png", Logo::MOST_BYTES)).unwrap(), Logo::file(LogoFormat::Png, &[b'x'; Logo::MOST_BYTES]).unwrap());
        let says = |path: &Path| picture(path).unwrap_err().message;
        assert!(says(&write("b.png", Logo::MOST_BYTES + 1)).contains("4096 bytes"));
        assert!(says(&write("logo.gif", 1)).contains(".svg"));
        assert!(says(&dir.path().join("gone.png")).contains("cannot be read"));
        assert!(says(Path::new("/")).contains(".svg"));
    }
}
