use std::fmt;

/// The operator's colour. Buttons are filled with it; text in it is made darker or lighter as far as reading needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Accent(Rgb);

/// The text is not `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a colour is written as # and six hexadecimal digits, as in \"#17695a\"")]
pub struct AccentError;

/// Least contrast of text against its ground (WCAG 2.2, success criterion 1.4.3).
const READABLE: f64 = 4.5;
/// The darkest ground that bears accented text on the light pages, and the lightest one on the dark pages (style.css).
const LIGHT_GROUND: Rgb = Rgb(0xef, 0xec, 0xe4);
const DARK_GROUND: Rgb = Rgb(0x2a, 0x30, 0x35);
const WHITE: Rgb = Rgb(0xff, 0xff, 0xff);
const BLACK: Rgb = Rgb(0, 0, 0);

impl Accent {
    /// Reads `#rrggbb`.
    ///
    /// # Errors
    /// For anything else.
    pub fn new(text: &str) -> Result<Self, AccentError> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or(AccentError)?;
        let [_, red, green, blue] = value.to_be_bytes();
        Ok(Self(Rgb(red, green, blue)))
    }

    /// The custom properties the style sheet works with. One of black and white always reads on any colour (at least 4.58 to 1).
    pub(super) fn properties(self) -> String {
        let on_accent = if self.0.contrast(WHITE) >= READABLE { WHITE } else { BLACK };
        let on_light = self.0.until_readable(LIGHT_GROUND, BLACK);
        let on_dark = self.0.until_readable(DARK_GROUND, WHITE);
        format!(
            ":root{{--accent:{};--on-accent:{on_accent};--ink-accent:{on_light}}}\
             @media(prefers-color-scheme:dark){{:root{{--ink-accent:{on_dark}}}}}",
            self.0
        )
    }
}

impl Default for Accent {
    /// The green ground coat of painted eaves (noerok).
    fn default() -> Self {
        Self(Rgb(0x17, 0x69, 0x5a))
    }
}

impl fmt::Display for Accent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Accent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Accent({})", self.0)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Rgb(u8, u8, u8);

impl Rgb {
    /// Relative luminance as WCAG 2.2 defines it.
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }

    fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// This colour with `percent` of another stirred in.
    fn mixed(self, other: Self, percent: u16) -> Self {
        let mix = |a: u8, b: u8| u8::try_from((u16::from(a) * (100 - percent) + u16::from(b) * percent) / 100).unwrap_or(b);
        Self(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }

    /// The nearest mixture with `towards` that reads on `ground`.
    fn until_readable(self, ground: Self, towards: Self) -> Self {
        (0..=100).step_by(5).map(|percent| self.mixed(towards, percent)).find(|c| c.contrast(ground) >= READABLE).unwrap_or(towards)
    }
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_six_hexadecimal_digits_are_a_colour() {
        assert_eq!(Accent::new("#17695A").unwrap().to_string(), "#17695a");
        for text in ["", "#", "17695a", "#fff", "#17695a0", "#+7695a", "#가나", "red", "#17695a;}body{display:none", "#17695g"] {
            assert_eq!(Accent::new(text), Err(AccentError), "{text:?}");
        }
    }

    #[test]
    fn contrast_is_what_the_guideline_says() {
        assert!((BLACK.contrast(WHITE) - 21.0).abs() < 0.001);
        assert!((Rgb(0x77, 0x77, 0x77).contrast(WHITE) - 4.48).abs() < 0.01);
    }

    #[test]
    fn text_reads_on_and_in_every_accent() {
        for value in (0..0x0100_0000_u32).step_by(0x0001_0107) {
            let [_, r, g, b] = value.to_be_bytes();
            let colour = Rgb(r, g, b);
            assert!(colour.contrast(WHITE).max(colour.contrast(BLACK)) >= READABLE, "{colour}");
            assert!(colour.until_readable(LIGHT_GROUND, BLACK).contrast(LIGHT_GROUND) >= READABLE, "{colour}");
            assert!(colour.until_readable(DARK_GROUND, WHITE).contrast(DARK_GROUND) >= READABLE, "{colour}");
        }
        assert!(Accent::new("#ffd400").unwrap().properties().contains("--on-accent:#000000"));
        assert!(Accent::default().properties().contains("--on-accent:#ffffff"));
    }
}
