//! A line for one file (RFC 5547 §8): who sends it, and what it is.

use offhook_msrp::Unprintable;
use offhook_msrp::file::FileAttributes;

use crate::sdp::{Direction, MediaDescription, SessionDescription};

use super::{LocalChat, OfferedChat, Refusal, SettledChat, chat_line};

/// The attributes that are read of such a line.
const NAMES: [&str; 6] = [
    "file-selector",
    "file-transfer-id",
    "file-disposition",
    "file-date",
    "file-icon",
    "file-range",
];

/// What we do with the file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FileRole {
    /// We send it.
    Sends,
    /// We get it.
    Receives,
}

impl FileRole {
    /// The direction that our line has.
    #[must_use]
    pub const fn direction(self) -> Direction {
        match self {
            Self::Sends => Direction::SendOnly,
            Self::Receives => Direction::RecvOnly,
        }
    }
}

/// Our side of a line for a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalFile {
    /// Our side of its connection.
    pub link: LocalChat,
    /// What we do with the file.
    pub role: FileRole,
    /// What it is.
    file: FileAttributes,
    /// The same as it is printed.
    lines: Vec<(&'static str, String)>,
}

impl LocalFile {
    /// A line for that file.
    ///
    /// # Errors
    /// When its description would not be read as it is.
    pub fn new(link: LocalChat, role: FileRole, file: FileAttributes) -> Result<Self, Unprintable> {
        let lines = file.print()?;
        Ok(Self { link, role, file, lines })
    }

    /// What the file is.
    #[must_use]
    pub const fn file(&self) -> &FileAttributes {
        &self.file
    }

    pub(super) fn with_link(&self, link: LocalChat) -> Self {
        Self { link, ..self.clone() }
    }

    pub(super) fn lines(&self) -> &[(&'static str, String)] {
        &self.lines
    }
}

/// A line for a file that both sides want.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettledFile {
    /// The connection, and which line.
    pub link: SettledChat,
    /// The file as the peer describes it.
    pub file: FileAttributes,
}

/// A file that an offer is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OfferedFile {
    /// Its connection.
    pub link: OfferedChat,
    /// What we are to do with it.
    pub role: FileRole,
    /// What it is.
    pub file: FileAttributes,
}

/// Whether a line is for a file and not for a chat.
pub(crate) fn is_file(media: &MediaDescription<'_>) -> bool {
    media.attribute("file-selector").is_some()
}

/// The first file of an offer that can be understood (RFC 5547 §8.3).
#[must_use]
pub fn offered_file(offer: &[u8]) -> Option<OfferedFile> {
    let sdp = SessionDescription::parse(offer).ok()?;
    sdp.media.iter().find_map(|media| {
        let (file, role) = (attributes(media)?, role(&sdp, media)?);
        Some(OfferedFile { link: chat_line::offered(media)?, role, file })
    })
}

fn attributes(media: &MediaDescription<'_>) -> Option<FileAttributes> {
    let named = |name: &'static str| {
        media.attributes(name).map(move |value| (name, std::str::from_utf8(value).unwrap_or("")))
    };
    FileAttributes::read(NAMES.into_iter().flat_map(named)).ok()?
}

/// What we do when the peer says this; a line that goes both ways is about no file (RFC 5547 §8.2).
fn role(sdp: &SessionDescription<'_>, media: &MediaDescription<'_>) -> Option<FileRole> {
    match media.direction(sdp) {
        Direction::SendOnly => Some(FileRole::Receives),
        Direction::RecvOnly => Some(FileRole::Sends),
        Direction::SendRecv | Direction::Inactive => None,
    }
}

/// A line about our own file, whose other end does what we do not.
pub(super) fn read(
    sdp: &SessionDescription<'_>,
    media: &MediaDescription<'_>,
    local: &LocalFile,
    answers: bool,
    line: usize,
) -> Option<SettledFile> {
    let link = chat_line::read(sdp, media, &local.link, answers)?;
    let file = attributes(media).filter(|_| role(sdp, media) == Some(local.role))?;
    let same = if answers {
        file.answers(&local.file)
    } else {
        file.transfer_id == local.file.transfer_id
    };
    same.then_some(SettledFile { link: SettledChat { line, ..link }, file })
}

/// The line of an offer that is about our own file: all are looked at, or the one at `only`.
pub(super) fn first(
    sdp: &SessionDescription<'_>,
    local: &LocalFile,
    only: Option<usize>,
) -> Option<SettledFile> {
    let mut lines = sdp.media.iter().enumerate();
    lines.find_map(|(at, media)| {
        let looked_at = only.is_none_or(|only| only == at);
        looked_at.then(|| read(sdp, media, local, false, at)).flatten()
    })
}

pub(super) fn unusable() -> Refusal {
    Refusal::new(488, "the line of the file has no usable path, or is about another file")
}
