//! Files in the description of a session (RFC 5547 §6): `a=file-selector`, `a=file-range`.

use std::fmt;

use crate::error::Unprintable;
use crate::scan::{is_media_type, is_text, is_token, number, split_outside};

/// Hashes in a selector at most.
pub const HASHES_MAX: usize = 4;
/// Bytes of a selector at most.
pub const SELECTOR_BYTES_MAX: usize = 4096;
/// Bytes of a hash at most: SHA-512.
const HASH_BYTES_MAX: usize = 64;

/// What a file is known by.
///
/// ```
/// use offhook_msrp::file_selector::FileSelector;
/// let text = "name:\"My cool picture.jpg\" type:image/jpeg size:4092";
/// let selector = FileSelector::parse(text).ok_or("no selector")?;
/// assert_eq!(selector.name.as_deref(), Some("My cool picture.jpg"));
/// assert_eq!(selector.to_string(), text);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct FileSelector {
    /// Its name, as its sender says: never a path to write to. See [`base_name`](Self::base_name).
    pub name: Option<String>,
    /// Its media type with parameters.
    pub media_type: Option<String>,
    /// How many bytes it has.
    pub size: Option<u64>,
    /// Algorithm, like `sha-1` or `sha-256`, in lower case, and value of each hash.
    pub hashes: Vec<(String, Vec<u8>)>,
}

impl FileSelector {
    /// Reads the attribute's value; `None` for what is none. Selectors that are not known are
    /// passed over (RFC 5547 §6); one that stands twice but for hashes is none.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        if value.len() > SELECTOR_BYTES_MAX {
            return None;
        }
        let mut found = Self::default();
        let mut rest = Some(value);
        while let Some(text) = rest {
            let (selector, after) = split_outside_plain(text);
            rest = after;
            if selector.is_empty() {
                continue;
            }
            let (kind, value) = selector.split_once(':')?;
            if kind != "name" && !quotes_close(value) {
                return None;
            }
            match kind {
                "name" if found.name.is_none() => found.name = Some(name(value)?),
                "type" if found.media_type.is_none() => {
                    let fine = is_media_type(value) && is_text(value);
                    found.media_type = Some(value.to_owned()).filter(|_| fine);
                    found.media_type.as_ref()?;
                }
                "size" if found.size.is_none() => found.size = Some(number(value)?),
                "hash" if found.hashes.len() < HASHES_MAX => found.hashes.push(hash(value)?),
                "name" | "type" | "size" | "hash" => return None,
                other => {
                    if !is_token(other) {
                        return None;
                    }
                }
            }
        }
        Some(found)
    }

    /// A name that is fit for a folder of ours: its [`safe_name`](crate::file::safe_name), if
    /// anything of it is left.
    #[must_use]
    pub fn base_name(&self) -> Option<String> {
        crate::file::safe_name(self.name.as_deref()?)
    }

    /// The value of the hash of that algorithm, in any case.
    #[must_use]
    pub fn hash(&self, algorithm: &str) -> Option<&[u8]> {
        let mut of = self.hashes.iter().filter(|(name, _)| name.eq_ignore_ascii_case(algorithm));
        of.next().map(|(_, value)| value.as_slice())
    }

    /// Whether a file that is known by `other` may be this one: what both tell is the same.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| {
            a.as_ref().zip(b.as_ref()).is_none_or(|(a, b)| a == b)
        };
        let hashes = self.hashes.iter().all(|(algorithm, value)| {
            other.hash(algorithm).is_none_or(|other| other == value.as_slice())
        });
        let types = |a: &Option<String>| {
            a.as_deref().map(crate::scan::media_type).map(str::to_ascii_lowercase)
        };
        same(&self.name, &other.name)
            && same(&types(&self.media_type), &types(&other.media_type))
            && self.size.zip(other.size).is_none_or(|(a, b)| a == b)
            && hashes
    }

    /// Looks whether [`Display`](fmt::Display) prints what can be read again.
    ///
    /// # Errors
    /// When the type or an algorithm would break out of its place.
    pub fn check(&self) -> Result<(), Unprintable> {
        match Self::parse(&self.to_string()) {
            Some(read) if read == *self => Ok(()),
            _ => Err(Unprintable::new("the file selector")),
        }
    }
}

impl fmt::Display for FileSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut blank = "";
        if let Some(name) = &self.name {
            f.write_str("name:\"")?;
            for character in name.chars() {
                match character {
                    '\0' | '\r' | '\n' | '"' | '%' => write!(f, "%{:02X}", u32::from(character))?,
                    other => write!(f, "{other}")?,
                }
            }
            f.write_str("\"")?;
            blank = " ";
        }
        if let Some(media_type) = &self.media_type {
            write!(f, "{blank}type:{media_type}")?;
            blank = " ";
        }
        if let Some(size) = self.size {
            write!(f, "{blank}size:{size}")?;
            blank = " ";
        }
        for (algorithm, value) in &self.hashes {
            write!(f, "{blank}hash:{algorithm}")?;
            for byte in value {
                write!(f, ":{byte:02X}")?;
            }
            blank = " ";
        }
        Ok(())
    }
}

/// Up to the next blank outside of quotes. In a name a backslash is a backslash.
fn split_outside_plain(text: &str) -> (&str, Option<&str>) {
    if !text.starts_with("name:\"") {
        return split_outside(text, ' ');
    }
    let mut quotes = text.match_indices('"');
    let close = quotes.nth(1).map_or(text.len(), |(at, _)| at + 1);
    let (selector, after) = text.split_at(close);
    match after.strip_prefix(' ') {
        Some(after) => (selector, Some(after)),
        None if after.is_empty() => (selector, None),
        None => (text, None),
    }
}

/// Whether every quote in `text` is closed.
fn quotes_close(text: &str) -> bool {
    let (mut open, mut escaped) = (false, false);
    for character in text.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if open => escaped = true,
            '"' => open = !open,
            _ => {}
        }
    }
    !open && !escaped
}

/// `"…"` with `%22` and the like resolved.
fn name(value: &str) -> Option<String> {
    let inside = value.strip_prefix('"')?.strip_suffix('"')?;
    if inside.contains(['"', '\0', '\r', '\n']) {
        return None;
    }
    let mut bytes = Vec::with_capacity(inside.len());
    let mut pieces = inside.split('%');
    bytes.extend_from_slice(pieces.next().unwrap_or_default().as_bytes());
    for piece in pieces {
        bytes.push(hex(piece.get(..2)?)?);
        bytes.extend_from_slice(piece.get(2..)?.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// `sha-1:72:24:5F:…`.
fn hash(value: &str) -> Option<(String, Vec<u8>)> {
    let (algorithm, digits) = value.split_once(':')?;
    let bytes: Option<Vec<u8>> = digits.split(':').map(hex).collect();
    let bytes = bytes.filter(|bytes| is_token(algorithm) && bytes.len() <= HASH_BYTES_MAX)?;
    Some((algorithm.to_ascii_lowercase(), bytes))
}

fn hex(pair: &str) -> Option<u8> {
    let fits = pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    u8::from_str_radix(pair, 16).ok().filter(|_| fits)
}

/// `1-*`: which bytes of a file are asked for or offered (RFC 5547 §6), counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FileRange {
    /// The first byte.
    pub start: u64,
    /// The last byte, `None` for the file's last.
    pub stop: Option<u64>,
}

impl FileRange {
    /// Reads the attribute's value; `None` for what is none.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (start, stop) = value.split_once('-')?;
        let stop = if stop == "*" { None } else { Some(number(stop)?) };
        let start = number(start)?;
        (start > 0 && stop.is_none_or(|stop| stop >= start)).then_some(Self { start, stop })
    }
}

impl fmt::Display for FileRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stop {
            Some(stop) => write!(f, "{}-{stop}", self.start),
            None => write!(f, "{}-*", self.start),
        }
    }
}
