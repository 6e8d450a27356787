//! The words after a command's own, taken one by one.

use std::collections::VecDeque;

use offhook::chat::Ask;
use offhook::id::SessionId;
use offhook::notification::StreamKind;
use offhook::streams::Streams;

use super::command::Headers;
use super::words::Words;
use crate::{Usage, options};

/// `s1`, `s2`, ….
pub(super) fn session_id(word: &str) -> Option<SessionId> {
    let digits = word.strip_prefix('s')?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if plain { digits.parse().ok().map(SessionId) } else { None }
}

/// The words after a command's own.
pub(super) struct Arguments<'a> {
    /// The command's own word.
    name: &'a str,
    words: VecDeque<String>,
    headers: Headers,
}

impl<'a> Arguments<'a> {
    /// The words of a line, headers apart.
    pub(super) fn new(name: &'a str, words: Words<'_>) -> Result<Self, String> {
        let mut arguments = Self { name, words: VecDeque::new(), headers: Vec::new() };
        for word in words.all()? {
            match word.strip_prefix('+').map(|header| (header, header.split_once(':'))) {
                None => arguments.words.push_back(word),
                Some((_, Some((name, value)))) if is_token(name.trim()) => {
                    arguments.headers.push((name.trim().into(), value.trim().into()));
                }
                Some((header, _)) => {
                    return Err(format!("{header:?} is no header; type \"+Name: value\""));
                }
            }
        }
        Ok(arguments)
    }

    /// The next word.
    pub(super) fn optional(&mut self) -> Option<String> {
        self.words.pop_front()
    }

    /// The next word, which must be there.
    pub(super) fn need(&mut self, what: &str) -> Result<String, String> {
        self.optional().ok_or_else(|| format!("{} needs {what}", self.name))
    }

    /// The next word, one of two.
    pub(super) fn one_of(&mut self, choice: [&str; 2]) -> Result<String, String> {
        let needed = choice.join(" or ");
        let word = self.need(&needed)?;
        if choice.contains(&word.as_str()) {
            Ok(word)
        } else {
            Err(format!("{word:?} is not {needed}"))
        }
    }

    /// The next word as a stream.
    pub(super) fn stream(&mut self) -> Result<StreamKind, String> {
        let word = self.one_of(["audio", "chat"])?;
        Ok(if word == "audio" { StreamKind::Audio } else { StreamKind::Chat })
    }

    /// The next word as a session.
    pub(super) fn optional_session(&mut self) -> Result<Option<SessionId>, String> {
        let Some(word) = self.optional() else { return Ok(None) };
        let named = session_id(&word).ok_or_else(|| format!("{word:?} is no session, like s1"))?;
        Ok(Some(named))
    }

    /// The next word as a session, which must be there.
    pub(super) fn session(&mut self) -> Result<SessionId, String> {
        let name = self.name;
        self.optional_session()?.ok_or_else(|| format!("{name} needs a session, like s1"))
    }

    /// The next word as a final response's code.
    pub(super) fn code(&mut self) -> Result<Option<u16>, String> {
        let Some(word) = self.optional() else { return Ok(None) };
        let code = word.parse::<u16>().ok().filter(|code| (300..=699).contains(code));
        code.map(Some).ok_or_else(|| format!("{word:?} is no code from 300 to 699"))
    }

    /// The next word as a DTMF digit.
    pub(super) fn digit(&mut self) -> Result<char, String> {
        let word = self.need("a digit")?;
        let mut chars = word.chars();
        match (chars.next(), chars.next()) {
            (Some(digit), None) if "0123456789*#ABCD".contains(digit) => Ok(digit),
            _ => Err(format!("{word:?} is not one of 0-9 * # A-D")),
        }
    }

    /// The streams that are named; none: no word.
    pub(super) fn streams(&mut self) -> Result<Option<Streams>, String> {
        match self.streams_and_routes()? {
            (streams, routes) if routes.is_empty() => Ok(streams),
            _ => Err("a route is for connect".into()),
        }
    }

    /// What messages ask: `delivery`, `display`, both, or `nothing`.
    pub(super) fn ask(&mut self) -> Result<Ask, String> {
        let mut ask = Ask::default();
        let mut word = self.need("delivery, display or nothing")?;
        if word == "nothing" {
            return Ok(ask);
        }
        loop {
            match word.as_str() {
                "delivery" => ask.delivery = true,
                "display" => ask.display = true,
                _ => return Err(format!("{word:?} is not delivery, display or nothing")),
            }
            let Some(next) = self.optional() else { return Ok(ask) };
            word = next;
        }
    }

    /// Streams and routes, in any order.
    pub(super) fn streams_and_routes(&mut self) -> Result<(Option<Streams>, Vec<String>), String> {
        let (mut streams, mut routes) = (Streams::default(), Vec::new());
        while let Some(word) = self.optional() {
            match (word.as_str(), word.strip_prefix("route=")) {
                ("audio", _) => streams.audio = true,
                ("chat", _) => streams.chat = true,
                (_, Some(route)) => {
                    routes.push(options::route(route).map_err(|Usage(text)| text)?);
                }
                _ => return Err(format!("{word:?} is not audio, chat or route=ROUTE")),
            }
        }
        let named = streams != Streams::default();
        Ok((named.then_some(streams), routes))
    }

    /// The headers.
    pub(super) fn take_headers(&mut self) -> Headers {
        std::mem::take(&mut self.headers)
    }

    /// Whether everything was used.
    pub(super) fn finish(self) -> Result<(), String> {
        let name = self.name;
        match (self.words.front(), self.headers.first()) {
            (Some(word), _) => Err(format!("{name} does not take {word:?}")),
            (None, Some((header, _))) => Err(format!("{name} sends no header {header:?}")),
            (None, None) => Ok(()),
        }
    }
}

/// RFC 3261 §25.1.
fn is_token(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b);
    !name.is_empty() && name.bytes().all(allowed)
}
