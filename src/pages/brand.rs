use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Accent;
use crate::identity::DisplayName;

/// Whose pages these are.
#[derive(Clone, Debug)]
pub struct Brand {
    /// What people call this place: it stands on the signboard under the roof and in every title.
    pub name: DisplayName,
    /// A picture above the heading.
    pub logo: Option<Logo>,
    /// The colour of roof, buttons and links.
    pub accent: Accent,
    /// What people call the account systems. One that is not named here is called by its name in the configuration.
    pub accounts: Vec<AccountName>,
    /// Whom to ask, as one line of text (an office, a telephone number, an address). It stands at the foot of every page.
    pub contact: Option<Box<str>>,
}

impl Brand {
    /// A name and nothing else of one's own.
    pub fn new(name: DisplayName) -> Self {
        Self { name, logo: None, accent: Accent::default(), accounts: Vec::new(), contact: None }
    }
}

/// What people call an account system.
#[derive(Clone, Debug)]
pub struct AccountName {
    /// Its name in the configuration.
    pub provider: Box<str>,
    /// What people call it.
    pub label: DisplayName,
    /// What its ids are ("학번 또는 교직원 번호").
    pub hint: Option<DisplayName>,
}

/// A picture that the policy lets in: on our own origin, or inside the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo(Box<str>);

/// What a logo file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogoFormat {
    /// `image/svg+xml`. Scripts in it do not run, since it is loaded as an image.
    Svg,
    /// `image/png`
    Png,
    /// `image/jpeg`
    Jpeg,
    /// `image/webp`
    Webp,
}

/// Why something cannot be a logo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    /// The policy lets no picture in from elsewhere, and a stranger's server would see every visitor.
    #[error("a logo is a file, or a path on this gateway's own origin that begins with one \"/\"")]
    NotOwnOrigin,
    /// It is sent with every page.
    #[error("a logo inside the page has at most {} bytes; use a smaller file, or a path on this gateway", Logo::MOST_BYTES)]
    TooLarge,
}

impl Logo {
    /// The largest file that may stand inside every page.
    pub const MOST_BYTES: usize = 4096;

    /// A picture served under a path of the same origin.
    ///
    /// # Errors
    /// When the path could lead elsewhere, or is none.
    pub fn path(path: &str) -> Result<Self, LogoError> {
        let plain = path.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'"' | b'\'' | b'<' | b'>'));
        if !plain || !path.starts_with('/') || path.starts_with("//") {
            return Err(LogoError::NotOwnOrigin);
        }
        Ok(Self(path.into()))
    }

    /// A picture inside every page.
    ///
    /// # Errors
    /// When it has more than [`Logo::MOST_BYTES`].
    pub fn file(format: LogoFormat, bytes: &[u8]) -> Result<Self, LogoError> {
        if bytes.len() > Self::MOST_BYTES {
            return Err(LogoError::TooLarge);
        }
        let media = match format {
            LogoFormat::Svg => "image/svg+xml",
            LogoFormat::Png => "image/png",
            LogoFormat::Jpeg => "image/jpeg",
            LogoFormat::Webp => "image/webp",
        };
        Ok(Self(format!("data:{media};base64,{}", STANDARD.encode(bytes)).into()))
    }

    /// What stands in `src`.
    pub(super) fn source(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_cannot_come_from_elsewhere() {
        assert_eq!(Logo::path("/assets/logo.svg").unwrap().source(), "/assets/logo.svg");
        for path in ["", "logo.svg", "//evil.example/x", "/\\evil.example", "https://evil.example/x", "/a b", "/a\nb", "/\"onerror="] {
            assert_eq!(Logo::path(path), Err(LogoError::NotOwnOrigin), "{path:?}");
        }
    }

    #[test]
    fn a_logo_inside_the_page_is_small() {
        assert_eq!(Logo::file(LogoFormat::Svg, b"<svg/>").unwrap().source(), "data:image/svg+xml;base64,PHN2Zy8+");
        assert_eq!(Logo::file(LogoFormat::Png, &[0; Logo::MOST_BYTES + 1]), Err(LogoError::TooLarge));
    }
}
