//! How an organization's pages look, and whom they tell people to ask.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What an administrator may choose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Branding {
    /// The colour of buttons and links; `None`: Usher's own.
    pub accent: Option<Accent>,
    /// Shown instead of the name's first letter.
    pub logo: Option<Logo>,
    /// Whom people ask for help: an email address, an `https://` address, or any words.
    pub support_contact: Option<String>,
}

/// A colour, as somebody chose it. Pages show [`Accent::in_light`] and [`Accent::in_dark`], which can be read whatever was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Accent([u8; 3]);

/// Not `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a colour is # and six hexadecimal digits")]
pub struct NotAColour;

/// WCAG 2.2 1.4.3: text has at least this contrast.
const READABLE: f64 = 4.5;
/// The darkest ground that accents stand on in the light theme, and the lightest in the dark one.
const LIGHT_GROUND: Accent = Accent([0xec, 0xef, 0xf2]);
const DARK_GROUND: Accent = Accent([0x26, 0x33, 0x3e]);

impl Accent {
    /// Reads `#rrggbb`.
    ///
    /// # Errors
    /// [`NotAColour`].
    pub fn parse(text: &str) -> Result<Self, NotAColour> {
        let digits = text.trim().strip_prefix('#').filter(|digits| digits.len() == 6).ok_or(NotAColour)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NotAColour);
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| NotAColour)?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self([red, green, blue]))
    }

    /// The colour on light ground: darkened as far as it takes to be read.
    #[must_use]
    pub fn in_light(self) -> Self {
        self.until_readable(LIGHT_GROUND, Self([0, 0, 0]))
    }

    /// The colour on dark ground: lightened as far as it takes to be read.
    #[must_use]
    pub fn in_dark(self) -> Self {
        self.until_readable(DARK_GROUND, Self([255, 255, 255]))
    }

    /// Whether pages in the light theme show exactly what was chosen.
    #[must_use]
    pub fn is_shown_as_chosen(self) -> bool {
        self == self.in_light()
    }

    /// The contrast of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio").
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    fn until_readable(self, ground: Self, towards: Self) -> Self {
        (0..=100).map(|percent| self.mixed(towards, percent)).find(|mixed| mixed.contrast(ground) >= READABLE).unwrap_or(towards)
    }

    fn mixed(self, other: Self, percent: u16) -> Self {
        let mut channels = self.0;
        for (channel, other) in channels.iter_mut().zip(other.0) {
            let sum = u16::from(*channel) * (100 - percent) + u16::from(other) * percent;
            *channel = u8::try_from(sum / 100).unwrap_or(u8::MAX);
        }
        Self(channels)
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let part = f64::from(channel) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.0722_f64.mul_add(blue, 0.2126_f64.mul_add(red, 0.7152 * green))
    }

    /// The style sheet that puts the colour in place of Usher's own. Made of digits alone.
    #[must_use]
    pub fn style_sheet(self) -> String {
        let (light, dark) = (self.in_light(), self.in_dark());
        let (strong_light, strong_dark) = (light.mixed(Self([0, 0, 0]), 18), dark.mixed(Self([255, 255, 255]), 30));
        let (tint_light, tint_dark) = (light.mixed(Self([255, 255, 255]), 90), dark.mixed(Self([0x12, 0x1a, 0x22]), 82));
        format!(
            "@layer base {{ :root {{ --accent: light-dark({light}, {dark}); --accent-strong: light-dark({strong_light}, {strong_dark}); \
             --on-accent: light-dark(#fff, #10161c); --tint: light-dark({tint_light}, {tint_dark}); }} }}\n"
        )
    }
}

impl fmt::Display for Accent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl TryFrom<String> for Accent {
    type Error = NotAColour;

    fn try_from(text: String) -> Result<Self, NotAColour> {
        Self::parse(&text)
    }
}

impl From<Accent> for String {
    fn from(accent: Accent) -> Self {
        accent.to_string()
    }
}

/// A small picture: its bytes in base64, of a kind that cannot hold a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logo {
    /// What it is, by its first bytes.
    pub kind: LogoKind,
    /// The bytes in base64.
    pub content: String,
    /// The first digits of their SHA-256: the name of the file.
    pub name: String,
}

/// Why bytes are no logo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotALogo {
    /// Too many of them.
    #[error("the logo is too large: 32 KiB at most")]
    TooLarge,
    /// Nothing that is taken.
    #[error("the logo is not a PNG, JPEG or WebP picture")]
    NotAPicture,
}

impl Logo {
    /// The largest file: it is part of the settings, and every visitor loads it.
    pub const MAX_BYTES: usize = 32 * 1024;

    /// A logo from the bytes of its file.
    ///
    /// # Errors
    /// [`NotALogo`].
    pub fn of(bytes: &[u8]) -> Result<Self, NotALogo> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(NotALogo::TooLarge);
        }
        let kind = LogoKind::of(bytes).ok_or(NotALogo::NotAPicture)?;
        let name = Sha256::digest(bytes).iter().take(8).fold(String::new(), |name, byte| format!("{name}{byte:02x}"));
        Ok(Self { kind, content: STANDARD.encode(bytes), name })
    }

    /// The name of the file that pages ask for.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.name, self.kind.extension())
    }
}

/// Pictures that browsers show and that hold nothing but a picture. SVG is none: it can hold scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogoKind {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    Webp,
}

impl LogoKind {
    /// What a file is, by its first bytes, whatever its name says.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            _ => None,
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
        }
    }

    /// The media type that it is served as.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }
}

/// What pages show of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// The name for people; not empty.
    pub name: String,
    /// Whom to ask.
    pub support_contact: Option<String>,
    /// The colour.
    pub accent: Option<Accent>,
    /// The file of the logo.
    pub logo: Option<String>,
}

impl Brand {
    /// Only a name.
    #[must_use]
    pub const fn plain(name: String) -> Self {
        Self { name, support_contact: None, accent: None, logo: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_can_be_read_in_both_themes() {
        for text in ["#ffffff", "#000000", "#ffff00", "#7a1fa2", "#808080", "#00aaff", "#ff0000"] {
            let accent = Accent::parse(text).unwrap();
            assert!(accent.in_light().contrast(LIGHT_GROUND) >= READABLE, "{text}");
            assert!(accent.in_dark().contrast(DARK_GROUND) >= READABLE, "{text}");
            assert!(accent.in_light().contrast(Accent([255; 3])) >= READABLE, "{text}: white words on the button");
            assert!(accent.in_dark().contrast(Accent([0x10, 0x16, 0x1c])) >= READABLE, "{text}: dark words on the button");
        }
    }

    #[test]
    fn a_colour_that_can_be_read_is_shown_as_it_was_chosen() {
        let purple = Accent::parse("#7a1fa2").unwrap();
        assert!(purple.is_shown_as_chosen() && purple.to_string() == "#7a1fa2");
        assert!(!Accent::parse("#ffff00").unwrap().is_shown_as_chosen());
        assert!((Accent([0; 3]).contrast(Accent([255; 3])) - 21.0).abs() < 0.01);
    }

    #[test]
    fn only_six_hexadecimal_digits_are_a_colour() {
        for bad in ["", "red", "#fff", "#12345g", "#+12345", "#1234567", "#fff;}*{x:y", "url(#112233)"] {
            assert_eq!(Accent::parse(bad), Err(NotAColour), "{bad}");
        }
    }

    #[test]
    fn a_picture_is_known_by_its_bytes() {
        assert_eq!(LogoKind::of(b"\x89PNG\r\n\x1a\n...."), Some(LogoKind::Png));
        assert_eq!(LogoKind::of(b"\xff\xd8\xff\xe0"), Some(LogoKind::Jpeg));
        assert_eq!(LogoKind::of(b"RIFF\x01\x02\x03\x04WEBPVP8 "), Some(LogoKind::Webp));
        for not in [&b"<svg onload=alert(1)>"[..], b"GIF89a", b"", b"RIFF1234WAVE", b"\n\x89PNG\r\n\x1a\n"] {
            assert_eq!(LogoKind::of(not), None);
        }
    }
}
