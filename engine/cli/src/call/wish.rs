//! What the command line of `call` asks for.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::{Long, Short, Value};
use offhook::streams::Streams;

use crate::options::{self, Options};
use crate::{Usage, outcome};

pub(super) const HELP: &str = "\
offhook call URI [OPTIONS]

Places a call; it runs until a side hangs up or Ctrl-C. Exits 0 when it was
established and ended normally, 1 when it failed.
  --audio              with audio; so it is without --chat
  --chat               with a chat: each line is a message; Ctrl-D, /quit or the
                       end of what is read hangs up
  --play FILE.wav      plays it to the peer in place of the microphone
  --record FILE.wav    records both directions
  --duration S         hangs up after S seconds
  --dtmf DIGITS        sends them once the call stands (0-9 * # A-D)
";
pub(super) const EXAMPLE: &str =
    "Example: offhook call sip:echo@192.0.2.1 --play hello.wav --duration 5";

/// The options.
#[derive(Default, Debug)]
pub(super) struct Wish {
    pub(super) options: Options,
    pub(super) uri: String,
    pub(super) streams: Streams,
    pub(super) play: Option<PathBuf>,
    pub(super) record: Option<PathBuf>,
    pub(super) duration: Option<Duration>,
    pub(super) digits: VecDeque<char>,
}

/// Reads the command line; nothing when it asks for help.
pub(super) fn read(args: &mut lexopt::Parser) -> Result<Option<Wish>, Usage> {
    let mut wish = Wish::default();
    while let Some(arg) = args.next()? {
        match arg {
            Long("help") | Short('h') => return Ok(None),
            Long("audio") => wish.streams.audio = true,
            Long("chat") => wish.streams.chat = true,
            Long("play") => wish.play = Some(args.value()?.into()),
            Long("record") => wish.record = Some(record_file(args.value()?.into())?),
            Long("duration") => {
                let parsed = options::seconds(&options::word(args)?);
                wish.duration =
                    Some(parsed.map_err(|error| Usage(format!("--duration: {error}")))?);
            }
            Long("dtmf") => wish.digits = digits(&options::word(args)?)?,
            Long(name) => {
                let name = name.to_owned();
                wish.options.take(&name, args)?;
            }
            Value(uri) if wish.uri.is_empty() => {
                wish.uri = outcome::callee(&uri.to_string_lossy())?;
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if wish.uri.is_empty() {
        return Err(Usage("call needs a URI, like offhook call sip:bob@192.0.2.1".into()));
    }
    if wish.streams == Streams::default() {
        wish.streams = Streams::AUDIO;
    }
    if !wish.streams.audio {
        for (name, given) in [
            ("play", wish.play.is_some()),
            ("record", wish.record.is_some()),
            ("dtmf", !wish.digits.is_empty()),
        ] {
            if given {
                return Err(Usage(format!("--{name} is for audio: type --audio, too")));
            }
        }
    }
    if let Some(file) = &wish.play {
        outcome::wave_file(file)?;
    }
    Ok(Some(wish))
}

/// A relative name is meant from here, not from the recordings' folder.
fn record_file(file: PathBuf) -> Result<PathBuf, Usage> {
    std::path::absolute(&file)
        .map_err(|error| Usage(format!("--record {}: {error}", file.display())))
}

fn digits(text: &str) -> Result<VecDeque<char>, Usage> {
    let digits: VecDeque<char> = text.to_ascii_uppercase().chars().collect();
    if !digits.is_empty() && digits.iter().all(|digit| "0123456789*#ABCD".contains(*digit)) {
        Ok(digits)
    } else {
        Err(Usage(format!("--dtmf {text}: type digits of 0-9 * # A-D, like --dtmf '1234#'")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &[&str]) -> Result<Option<Wish>, String> {
        read(&mut lexopt::Parser::from_args(line)).map_err(|Usage(text)| text)
    }

    #[test]
    fn a_call_is_read_from_its_options() {
        let line = [
            "bob@192.0.2.1",
            "--audio",
            "--duration",
            "1.5",
            "--dtmf",
            "12#a",
            "--record",
            "r.wav",
        ];
        let wish = asked(&line).unwrap().unwrap();
        assert_eq!(wish.uri, "sip:bob@192.0.2.1");
        assert_eq!(wish.duration, Some(Duration::from_millis(1500)));
        assert_eq!(wish.digits, ['1', '2', '#', 'A']);
        assert_eq!(wish.streams, Streams::AUDIO);
        assert!(wish.record.unwrap().is_absolute());
    }

    #[test]
    fn the_streams_are_those_that_are_named_else_audio() {
        for (line, audio, chat) in [
            (&["sip:a@b"][..], true, false),
            (&["sip:a@b", "--chat"], false, true),
            (&["sip:a@b", "--chat", "--audio"], true, true),
        ] {
            assert_eq!(asked(line).unwrap().unwrap().streams, Streams { audio, chat });
        }
    }

    #[test]
    fn help_wins() {
        assert!(asked(&["--help"]).unwrap().is_none());
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (line, told) in [
            (&[][..], "needs a URI"),
            (&["tel:1"], "sip:bob@192.0.2.1"),
            (&["sip:a@b", "sip:c@d"], "unexpected"),
            (&["sip:a@b", "--chat", "--dtmf", "1"], "--audio"),
            (&["sip:a@b", "--chat", "--record", "a.wav"], "--audio"),
            (&["sip:a@b", "--dtmf", "1x"], "--dtmf '1234#'"),
            (&["sip:a@b", "--dtmf", ""], "--dtmf '1234#'"),
            (&["sip:a@b", "--duration", "long"], "no number of seconds"),
            (&["sip:a@b", "--play", "/nonexistent.wav"], "--play /nonexistent.wav"),
            (&["sip:a@b", "--nonsense"], "no option --nonsense"),
        ] {
            let error = asked(line).map(|_| ()).unwrap_err();
            assert!(error.contains(told), "{line:?}: {error}");
        }
    }
}
