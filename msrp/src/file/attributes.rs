//! The attributes that describe a file in a session description (RFC 5547 §6, §8).

use std::fmt;

use offhook_fsm::Entropy;

use super::date;
use crate::error::Unprintable;
use crate::file_selector::{FileRange, FileSelector};
use crate::scan::is_token;

/// Characters of a file-transfer-id at most.
pub const TRANSFER_ID_MAX: usize = 256;
/// Bytes of the Content-ID of an icon at most.
pub const ICON_BYTES_MAX: usize = 256;

/// A random `a=file-transfer-id` of 128 bits (RFC 5547 §6).
#[must_use]
pub fn transfer_id(entropy: &mut Entropy) -> String {
    let id: [u8; 32] = entropy.hex();
    String::from_utf8_lossy(&id).into_owned()
}

/// What the receiver is to do with the file (`a=file-disposition`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Disposition {
    /// Show it.
    Render,
    /// Store it, and show it when the user wants.
    Attachment,
    /// Something else; treat it as an attachment (RFC 2183 §2.8).
    Other(String),
}

impl Disposition {
    fn parse(value: &str) -> Option<Self> {
        match value.to_ascii_lowercase().as_str() {
            "render" => Some(Self::Render),
            "attachment" => Some(Self::Attachment),
            other => is_token(other).then(|| Self::Other(other.into())),
        }
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Render => f.write_str("render"),
            Self::Attachment => f.write_str("attachment"),
            Self::Other(word) => f.write_str(word),
        }
    }
}

/// `a=file-date`, in seconds since 1970 UTC.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct FileDates {
    /// When it was made.
    pub creation: Option<i64>,
    /// When it was last changed.
    pub modification: Option<i64>,
    /// When it was last read.
    pub read: Option<i64>,
}

impl FileDates {
    /// Reads `creation:"…" modification:"…" read:"…"`; what cannot be read is left out.
    fn parse(value: &str) -> Self {
        let mut dates = Self::default();
        let mut rest = value;
        while let Some((name, after)) = rest.split_once(":\"") {
            let Some((text, after)) = after.split_once('"') else { break };
            let moment = date::parse(text);
            match name.trim_matches(' ') {
                "creation" => dates.creation = dates.creation.or(moment),
                "modification" => dates.modification = dates.modification.or(moment),
                "read" => dates.read = dates.read.or(moment),
                _ => {}
            }
            rest = after;
        }
        dates
    }
}

impl fmt::Display for FileDates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all =
            [("creation", self.creation), ("modification", self.modification), ("read", self.read)];
        let mut blank = "";
        for (name, moment) in all {
            if let Some(moment) = moment {
                write!(f, "{blank}{name}:\"{}\"", date::print(moment))?;
                blank = " ";
            }
        }
        Ok(())
    }
}

/// Why attributes describe no file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AttributeError {
    /// It stands twice.
    Doubled(&'static str),
    /// It cannot be read.
    Invalid(&'static str),
    /// Without it two transfers of one file cannot be told apart (RFC 5547 §6).
    NoTransferId,
}

impl fmt::Display for AttributeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Doubled(name) => write!(f, "the attribute {name} stands twice"),
            Self::Invalid(name) => write!(f, "the attribute {name} cannot be read"),
            Self::NoTransferId => f.write_str("the attribute file-transfer-id is missing"),
        }
    }
}

impl std::error::Error for AttributeError {}

/// A file as a media description has it. Who sends it is told by the direction: an offer with
/// `a=sendonly` pushes a file of its own, one with `a=recvonly` asks for one of the peer's.
///
/// ```
/// use offhook_msrp::file::FileAttributes;
/// let lines = [
///     ("file-selector", "name:\"My cool picture.jpg\" type:image/jpeg size:4092"),
///     ("file-transfer-id", "Q6LMoGymJdh0IKIgD6wD0jkcfgva4xvE"),
///     ("file-range", "1-*"),
/// ];
/// let file = FileAttributes::read(lines)?.ok_or("no file")?;
/// assert_eq!(file.selector.size, Some(4092));
/// let printed = file.print()?;
/// assert_eq!(printed.iter().map(|(name, value)| (*name, &**value)).collect::<Vec<_>>(), lines);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct FileAttributes {
    /// What the file is known by.
    pub selector: FileSelector,
    /// The id of the transfer, the same in offer and answer and for as long as it lasts.
    pub transfer_id: String,
    /// What to do with the file.
    pub disposition: Option<Disposition>,
    /// Its dates.
    pub dates: FileDates,
    /// The Content-ID of a body part of the SIP message that shows the file in small.
    pub icon: Option<String>,
    /// Which bytes of it are meant; all unless told.
    pub range: Option<FileRange>,
}

impl FileAttributes {
    /// Reads a media description's attributes, by name and value; those that are not about files
    /// are passed over. `None` when there is no `file-selector`, hence no file. A disposition,
    /// date or icon that cannot be read counts as left out.
    ///
    /// # Errors
    /// What must be understood and is not: refuse the media (RFC 5547 §8.3).
    pub fn read<'a>(
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Option<Self>, AttributeError> {
        let (mut selector, mut id, mut range) = (None, None, None);
        let mut file = Self::default();
        for (name, value) in attributes {
            let value = value.trim_matches(' ');
            match name {
                "file-selector" => {
                    put(&mut selector, "file-selector", FileSelector::parse(value))?;
                }
                "file-transfer-id" => {
                    let fine = is_token(value) && value.len() <= TRANSFER_ID_MAX;
                    put(&mut id, "file-transfer-id", fine.then(|| value.to_owned()))?;
                }
                "file-range" => put(&mut range, "file-range", FileRange::parse(value))?,
                "file-disposition" => file.disposition = Disposition::parse(value),
                "file-date" => file.dates = FileDates::parse(value),
                "file-icon" => file.icon = icon(value),
                _ => {}
            }
        }
        let Some(selector) = selector else { return Ok(None) };
        let transfer_id = id.ok_or(AttributeError::NoTransferId)?;
        Ok(Some(Self { selector, transfer_id, range, ..file }))
    }

    /// The attributes, by name and value.
    ///
    /// # Errors
    /// When something would not come back as it is.
    pub fn print(&self) -> Result<Vec<(&'static str, String)>, Unprintable> {
        let mut lines = vec![
            ("file-selector", self.selector.to_string()),
            ("file-transfer-id", self.transfer_id.clone()),
        ];
        lines.extend(self.disposition.as_ref().map(|it| ("file-disposition", it.to_string())));
        let dates = Some(self.dates).filter(|dates| *dates != FileDates::default());
        lines.extend(dates.map(|dates| ("file-date", dates.to_string())));
        lines.extend(self.icon.as_ref().map(|id| ("file-icon", format!("cid:{id}"))));
        lines.extend(self.range.map(|range| ("file-range", range.to_string())));
        match Self::read(lines.iter().map(|(name, value)| (*name, value.as_str()))) {
            Ok(Some(read)) if read == *self => Ok(lines),
            _ => Err(Unprintable::new("the description of the file")),
        }
    }

    /// Whether this answer is about the file of `offer` (RFC 5547 §8.4): the same transfer, a file
    /// that may be the same, and no byte that was not offered or asked for.
    #[must_use]
    pub fn answers(&self, offer: &Self) -> bool {
        let span = |file: &Self| {
            file.range.map_or((1, u64::MAX), |range| (range.start, range.stop.unwrap_or(u64::MAX)))
        };
        let (own, offered) = (span(self), span(offer));
        self.transfer_id == offer.transfer_id
            && self.selector.matches(&offer.selector)
            && own.0 >= offered.0
            && (self.range.is_none() || own.1 <= offered.1 || own.1 == u64::MAX)
    }
}

fn put<T>(
    place: &mut Option<T>,
    name: &'static str,
    value: Option<T>,
) -> Result<(), AttributeError> {
    if place.is_some() {
        return Err(AttributeError::Doubled(name));
    }
    *place = Some(value.ok_or(AttributeError::Invalid(name))?);
    Ok(())
}

/// `cid:id@host` (RFC 2392).
fn icon(value: &str) -> Option<String> {
    let (scheme, id) = value.split_once(':')?;
    let fine =
        !id.is_empty() && id.len() <= ICON_BYTES_MAX && id.bytes().all(|b| b.is_ascii_graphic());
    (scheme.eq_ignore_ascii_case("cid") && fine).then(|| id.to_owned())
}
