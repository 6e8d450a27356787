//! A file is looked at before it is spoken of: its size and its hashes, in pieces, so that the
//! session's chat goes on meanwhile.

use std::fs::File;
use std::io::{self, Read as _};

use offhook_msrp::file::{Algorithm, Hasher};
use offhook_msrp::file_selector::FileRange;

use super::disk::{Target, modified_us};
use crate::chat::{ChatEvent, ChatId, FileTold, FileWork};
use crate::negotiate::FileRole;

/// Bytes that are read and hashed in one go: some tenths of a millisecond.
const STEP_BYTES: usize = 128 * 1024;

/// One file that is looked at.
pub(super) struct Inspection {
    chat: ChatId,
    work: Option<Box<FileWork>>,
    reading: Option<Reading>,
    found: Option<Found>,
}

/// What an earlier transfer left of a file that is to come.
pub(super) struct Found {
    pub(super) transfer_id: String,
    pub(super) target: Target,
    /// Took all of it.
    pub(super) hasher: Hasher,
}

struct Reading {
    file: File,
    modified_us: Option<i64>,
    hashers: Vec<Hasher>,
    size: u64,
    buffer: Vec<u8>,
    /// The part of a file that is to come; else it is one of ours.
    target: Option<Target>,
}

impl Inspection {
    pub(super) const fn new(chat: ChatId, work: Box<FileWork>) -> Self {
        Self { chat, work: Some(work), reading: None, found: None }
    }

    pub(super) fn is_of(&self, transfer_id: &str) -> bool {
        self.work.as_ref().is_some_and(|work| work.file.transfer_id == transfer_id)
    }

    /// What is there of the file, once it was looked at.
    pub(super) fn into_found(self) -> Option<Found> {
        self.found
    }

    /// Reads a piece more; what is to be told once all of it was read, or when that failed.
    pub(super) fn step(&mut self) -> Option<ChatEvent> {
        let mut work = self.work.take()?;
        let transfer_id = work.file.transfer_id.clone();
        let result = match self.read(&mut work) {
            Ok(false) => {
                self.work = Some(work);
                return None;
            }
            Ok(true) => Ok(work),
            Err(error) => Err(format!("{}: {error}", work.place.display())),
        };
        let told = FileTold::Inspected { transfer_id, result };
        Some(ChatEvent::File { chat: self.chat, told })
    }

    /// Whether that was the last piece.
    fn read(&mut self, work: &mut FileWork) -> io::Result<bool> {
        let reading = match &mut self.reading {
            Some(reading) => reading,
            none if work.role == FileRole::Sends => none.insert(Reading::begin(work)?),
            none => match Reading::resume(work)? {
                Some(reading) => none.insert(reading),
                None => return Ok(true),
            },
        };
        if !reading.step()? {
            return Ok(false);
        }
        let Some(reading) = self.reading.take() else { return Ok(true) };
        self.found = reading.finish(work)?;
        Ok(true)
    }
}

impl Reading {
    fn begin(work: &FileWork) -> io::Result<Self> {
        // What is no file may make its opener wait.
        if !std::fs::metadata(&work.place)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file any more"));
        }
        let hashers = vec![Hasher::new(Algorithm::Sha256), Hasher::new(Algorithm::Sha1)];
        Self::of(File::open(&work.place)?, hashers, None)
    }

    fn of(file: File, hashers: Vec<Hasher>, target: Option<Target>) -> io::Result<Self> {
        let (modified_us, buffer) = (modified_us(&file)?, vec![0; STEP_BYTES]);
        Ok(Self { file, modified_us, hashers, size: 0, buffer, target })
    }

    /// Goes on with what an earlier transfer left, where only all of the file will do.
    fn resume(work: &FileWork) -> io::Result<Option<Self>> {
        let strongest = Algorithm::strongest(&work.file.selector).ok().flatten();
        let Some((algorithm, _)) = strongest.filter(|_| work.file.range.is_none()) else {
            return Ok(None);
        };
        let Some((target, _)) = Target::resume(&work.place, &work.file) else { return Ok(None) };
        let file = target.reader()?;
        Self::of(file, vec![Hasher::new(algorithm)], Some(target)).map(Some)
    }

    fn step(&mut self) -> io::Result<bool> {
        let count = match self.file.read(&mut self.buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(false),
            Err(error) => return Err(error),
        };
        let bytes = self.buffer.get(..count).unwrap_or_default();
        self.hashers.iter_mut().for_each(|hasher| hasher.update(bytes));
        self.size = self.size.saturating_add(count as u64);
        Ok(count == 0)
    }

    fn finish(self, work: &mut FileWork) -> io::Result<Option<Found>> {
        let now = (self.file.metadata()?.len(), modified_us(&self.file)?);
        if now != (self.size, self.modified_us) {
            return Err(io::Error::other("the file changed while it was read"));
        }
        if self.size == 0 {
            return Err(io::Error::other("there is nothing in the file any more"));
        }
        if let Some(target) = self.target {
            work.file.range = Some(FileRange { start: self.size.saturating_add(1), stop: None });
            let transfer_id = work.file.transfer_id.clone();
            let found = |hasher| Found { transfer_id, target, hasher };
            return Ok(self.hashers.into_iter().next().map(found));
        }
        let named = |hasher: Hasher| (hasher.algorithm().name().to_owned(), hasher.finish());
        work.file.selector.size = Some(self.size);
        work.file.selector.hashes = self.hashers.into_iter().map(named).collect();
        work.file.dates.modification = self.modified_us.map(|us| us.div_euclid(1_000_000));
        work.modified_us = self.modified_us;
        Ok(None)
    }
}
