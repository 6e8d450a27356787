//! What the command line of `listen` asks for.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use lexopt::prelude::{Long, Short};
use offhook::id::SessionId;
use offhook::streams::Streams;
use offhook::timestamp::Timestamp;

use crate::options::{self, Options};
use crate::{Usage, outcome};

pub(super) const HELP: &str = "\
offhook listen [OPTIONS]

Waits for calls until Ctrl-C and tells each in a line. Without --auto-answer or
--reject a person is asked; without a terminal calls just ring.
  --auto-answer [audio,chat]  takes every call, with those of its streams
  --reject CODE           refuses every call (300-699)
  --play FILE.wav         plays it to the caller
  --echo                  sends back what comes in
  --record FILE|FOLDER    records both directions; later calls get FILE-2, ...
  --once                  ends with the first call; 0 if it went well, else 1
";
pub(super) const EXAMPLE: &str = "Example: offhook listen --udp 0.0.0.0:5060 --auto-answer --echo";

/// The options.
#[derive(Default, Debug)]
pub(super) struct Wish {
    pub(super) options: Options,
    pub(super) auto_answer: Option<Streams>,
    pub(super) reject: Option<u16>,
    pub(super) play: Option<PathBuf>,
    pub(super) record: Option<Record>,
    pub(super) echo: bool,
    pub(super) once: bool,
}

/// Where recordings go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Record {
    /// A folder, with names from time and session.
    Folder(PathBuf),
    /// A file for the first call; later ones are numbered.
    File(PathBuf),
}

impl Record {
    fn new(path: &Path) -> Result<Self, Usage> {
        let folder = path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/");
        let path = std::path::absolute(path)
            .map_err(|error| Usage(format!("--record {}: {error}", path.display())))?;
        Ok(if folder { Self::Folder(path) } else { Self::File(path) })
    }

    /// The file of the `number`th call, counted from 1.
    pub(super) fn file(&self, number: u64, id: SessionId, start: Option<Timestamp>) -> PathBuf {
        match self {
            Self::Folder(folder) => {
                let (year, month, day, hour, minute, second) =
                    start.unwrap_or(Timestamp::from_unix_micros(0)).civil();
                folder.join(format!(
                    "{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}-{id}.wav"
                ))
            }
            Self::File(file) if number <= 1 => file.clone(),
            Self::File(file) => {
                let mut name = file.file_stem().map(OsString::from).unwrap_or_default();
                name.push(format!("-{number}"));
                if let Some(extension) = file.extension() {
                    name.push(".");
                    name.push(extension);
                }
                file.with_file_name(name)
            }
        }
    }
}

/// Reads the command line; nothing when it asks for help.
pub(super) fn read(args: &mut lexopt::Parser) -> Result<Option<Wish>, Usage> {
    let mut wish = Wish::default();
    while let Some(arg) = args.next()? {
        match arg {
            Long("help") | Short('h') => return Ok(None),
            Long("auto-answer") => wish.auto_answer = Some(auto_answer(args)?),
            Long("reject") => wish.reject = Some(code(&options::word(args)?)?),
            Long("play") => wish.play = Some(args.value()?.into()),
            Long("record") => wish.record = Some(Record::new(Path::new(&args.value()?))?),
            Long("echo") => wish.echo = true,
            Long("once") => wish.once = true,
            Long(name) => {
                let name = name.to_owned();
                wish.options.take(&name, args)?;
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if wish.auto_answer.is_some() && wish.reject.is_some() {
        return Err(Usage("--auto-answer and --reject exclude each other: leave one out".into()));
    }
    if wish.echo && wish.play.is_some() {
        return Err(Usage("--echo and --play exclude each other: leave one out".into()));
    }
    if let Some(file) = &wish.play {
        outcome::wave_file(file)?;
    }
    Ok(Some(wish))
}

/// The option's value may be left out.
fn auto_answer(args: &mut lexopt::Parser) -> Result<Streams, Usage> {
    let attached = args.optional_value();
    let ahead = || {
        let mut rest = args.try_raw_args()?;
        let is_value = rest.peek().is_some_and(|word| !word.as_encoded_bytes().starts_with(b"-"));
        if is_value { rest.next() } else { None }
    };
    let Some(value) = attached.or_else(ahead) else { return Ok(Streams::AUDIO) };
    let mut streams = Streams::default();
    for word in value.to_string_lossy().split(',') {
        match word.trim() {
            "audio" => streams.audio = true,
            "chat" => streams.chat = true,
            other => {
                return Err(Usage(format!("--auto-answer {other:?}: type audio, chat or both")));
            }
        }
    }
    Ok(streams)
}

fn code(text: &str) -> Result<u16, Usage> {
    let code = text.parse().ok().filter(|code| (300..=699).contains(code));
    code.ok_or_else(|| Usage(format!("--reject {text}: type a code from 300 to 699, like 486")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &[&str]) -> Result<Wish, String> {
        let wish = read(&mut lexopt::Parser::from_args(line)).map_err(|Usage(text)| text)?;
        Ok(wish.unwrap())
    }

    #[test]
    fn auto_answer_may_have_a_value() {
        for line in [
            &["--auto-answer", "--once"][..],
            &["--auto-answer", "audio", "--once"],
            &["--auto-answer=audio", "--once"],
            &["--once", "--auto-answer"],
        ] {
            let wish = asked(line).unwrap();
            assert_eq!((wish.auto_answer, wish.once), (Some(Streams::AUDIO), true), "{line:?}");
        }
    }

    #[test]
    fn auto_answer_names_streams() {
        for (text, audio, chat) in
            [("audio,chat", true, true), ("chat", false, true), ("chat, audio", true, true)]
        {
            let wish = asked(&["--auto-answer", text]).unwrap();
            assert_eq!(wish.auto_answer, Some(Streams { audio, chat }), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (line, told) in [
            (&["--auto-answer", "video"][..], "type audio"),
            (&["--reject", "200"], "300 to 699"),
            (&["--reject", "busy"], "300 to 699"),
            (&["--reject", "486", "--auto-answer"], "exclude each other"),
            (&["--play", "/nonexistent.wav"], "--play /nonexistent.wav"),
            (&["sip:a@b"], "unexpected"),
        ] {
            let error = asked(line).unwrap_err();
            assert!(error.contains(told), "{line:?}: {error}");
        }
    }

    #[test]
    fn later_recordings_are_numbered() {
        let record = Record::File("/tmp/call.wav".into());
        let file = |number| record.file(number, SessionId(7), None);
        assert_eq!(file(1), Path::new("/tmp/call.wav"));
        assert_eq!(file(2), Path::new("/tmp/call-2.wav"));
        assert_eq!(file(12), Path::new("/tmp/call-12.wav"));
    }

    #[test]
    fn recordings_in_a_folder_are_named_by_time_and_session() {
        let record = Record::new(Path::new("/recordings/")).unwrap();
        let when = Timestamp::from_unix_micros(1_795_356_000_123_456);
        let file = record.file(3, SessionId(7), Some(when));
        assert_eq!(file, Path::new("/recordings/20261122-140000-s7.wav"));
    }
}
