//! The file that is sent, and the one that comes: it gets its name when all of it is there and
//! checked, and never the name of another (RFC 5547 §11).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use offhook_msrp::file::{Algorithm, FileAttributes, numbered_name, part_name};

/// Names that are tried for one file.
const NAMES_MAX: u32 = 1000;
/// What a file is called whose own name has nothing left.
const NAMELESS: &str = "file";

/// When an open file was last changed, in microseconds since 1970; `None` where that is not known.
pub(super) fn modified_us(file: &File) -> io::Result<Option<i64>> {
    let modified = file.metadata()?.modified().ok();
    let since = modified.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    Ok(since.and_then(|since| i64::try_from(since.as_micros()).ok()))
}

/// A file that is read.
pub(super) struct Source {
    path: PathBuf,
    file: File,
    /// As it was looked at.
    modified_us: Option<i64>,
}

impl Source {
    pub(super) fn open(path: &Path, modified_us: Option<i64>) -> io::Result<Self> {
        Ok(Self { path: path.into(), file: File::open(path)?, modified_us })
    }

    pub(super) fn path(&self) -> PathBuf {
        self.path.clone()
    }

    pub(super) fn read(&mut self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        read(&mut self.file, offset, len)
    }

    /// Whether what was sent is what was looked at before, as far as its time tells.
    pub(super) fn check(&self) -> io::Result<()> {
        let same = self.modified_us.is_none() || modified_us(&self.file)? == self.modified_us;
        if same { Ok(()) } else { Err(io::Error::other("the file changed while it was sent")) }
    }
}

/// A file that is written. Dropped before it is kept it leaves nothing, unless it was told to.
pub(super) struct Target {
    directory: PathBuf,
    name: String,
    part: PathBuf,
    file: File,
    kept: bool,
    /// It was let go of.
    over: bool,
    /// Bytes that stay for another try.
    left: u64,
}

impl Target {
    /// Makes a file for the parts in that directory.
    pub(super) fn create(directory: &Path, file: &FileAttributes) -> io::Result<Self> {
        let name = file.selector.base_name().unwrap_or_else(|| NAMELESS.into());
        let hash = Algorithm::strongest(&file.selector).ok().flatten().map(|(_, value)| value);
        let (part, file) =
            create(directory, |number| part_name(&numbered(&name, number), hash), true)?;
        // A second transfer of the same file must not go on with this one.
        let _where_locks_are = file.try_lock();
        Ok(Self {
            directory: directory.into(),
            name,
            part,
            file,
            kept: false,
            over: false,
            left: 0,
        })
    }

    /// The part of a file that an earlier transfer left in that directory, and its length. Only what
    /// has the same name and hash, is no link, is not written by another transfer, and is shorter
    /// than the whole.
    pub(super) fn resume(directory: &Path, file: &FileAttributes) -> Option<(Self, u64)> {
        let name = file.selector.base_name().unwrap_or_else(|| NAMELESS.into());
        let (_, hash) = Algorithm::strongest(&file.selector).ok().flatten()?;
        let part = directory.join(part_name(&name, Some(hash)));
        if !fs::symlink_metadata(&part).ok()?.is_file() {
            return None;
        }
        let open = OpenOptions::new().read(true).write(true).open(&part).ok()?;
        let fits = open.try_lock().is_ok() && is_at(&open, &part).ok()?;
        let left = open.metadata().ok()?.len();
        if !fits || left == 0 || left >= file.selector.size? {
            return None;
        }
        let target = Self {
            directory: directory.into(),
            name,
            part,
            file: open,
            kept: false,
            over: false,
            left,
        };
        Some((target, left))
    }

    /// The same file, to be read from its beginning.
    pub(super) fn reader(&self) -> io::Result<File> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(file)
    }

    /// How many of its first bytes stay for another try, should it not be kept.
    pub(super) const fn leave(&mut self, bytes: u64) {
        self.left = bytes;
    }

    /// Nothing more is written: what is not kept goes, but for what is left for another try, which
    /// another transfer may have from now on.
    pub(super) fn let_go(&mut self) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        if !self.kept {
            let stays = self.left > 0 && self.file.set_len(self.left).is_ok();
            if !stays {
                let _best_effort = fs::remove_file(&self.part);
            }
        }
        let _where_locks_are = self.file.unlock();
    }

    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.write_all(bytes)
    }

    pub(super) fn read(&mut self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        read(&mut self.file, offset, len)
    }

    /// Gives the file its name, or one with a number where that is taken. Nothing that is there,
    /// or comes to be there meanwhile, is overwritten.
    pub(super) fn keep(&mut self) -> io::Result<PathBuf> {
        for number in 0..NAMES_MAX {
            let path = self.directory.join(numbered(&self.name, number));
            match fs::hard_link(&self.part, &path) {
                Ok(()) => return self.linked(path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
                // A file system without links.
                Err(_) => return self.renamed(),
            }
        }
        Err(every_name_is_taken())
    }

    /// It has its name; the other one goes.
    fn linked(&mut self, path: PathBuf) -> io::Result<PathBuf> {
        if !is_at(&self.file, &path)? {
            // Somebody put another file in the place of ours: that one was not checked.
            let _best_effort = fs::remove_file(&path);
            return Err(io::Error::other("the file was replaced while it came"));
        }
        self.kept = true;
        let _best_effort = fs::remove_file(&self.part);
        Ok(path)
    }

    /// The name is taken first and the file put there then: two of us never take the same one.
    fn renamed(&mut self) -> io::Result<PathBuf> {
        let (path, _) = create(&self.directory, |number| numbered(&self.name, number), false)?;
        if let Err(error) = fs::rename(&self.part, &path) {
            let _best_effort = fs::remove_file(&path);
            return Err(error);
        }
        self.kept = true;
        Ok(path)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// Whether an open file is the one of that name, which is no link to it.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let (open, named) = (file.metadata()?, fs::symlink_metadata(path)?);
    Ok((open.dev(), open.ino()) == (named.dev(), named.ino()))
}

/// Other systems do not let a file be replaced that is open.
#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> io::Result<bool> {
    Ok(fs::symlink_metadata(path)?.is_file())
}

fn numbered(name: &str, number: u32) -> String {
    if number == 0 { name.into() } else { numbered_name(name, number) }
}

fn every_name_is_taken() -> io::Error {
    io::Error::new(io::ErrorKind::AlreadyExists, "every name for the file is taken")
}

/// Makes the first of these files that is not there yet; links are not followed.
fn create(
    directory: &Path,
    name: impl Fn(u32) -> String,
    read: bool,
) -> io::Result<(PathBuf, File)> {
    for number in 0..NAMES_MAX {
        let path = directory.join(name(number));
        match OpenOptions::new().read(read).write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(every_name_is_taken())
}

fn read(file: &mut File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = vec![0; len];
    loop {
        match file.read(&mut bytes) {
            Ok(count) => {
                bytes.truncate(count);
                return Ok(bytes);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
#[path = "disk_tests.rs"]
pub(super) mod tests;
