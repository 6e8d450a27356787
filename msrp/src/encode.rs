//! Builds messages by copying spans into one buffer.

use std::fmt::Display;
use std::io::Write as _;

use offhook_fsm::Entropy;

use crate::end_line::EndLine;
use crate::error::Unprintable;
use crate::message::{ContinuationFlag, Head, is_method};
use crate::scan::{is_header_name, is_media_type, is_text, is_transaction_id};
use crate::uri::Path;

/// Random characters of a transaction id: 80 bits.
const RANDOM_ID: usize = 20;

/// A random transaction id that does not occur in `body` as an end-line (RFC 4975 §7.1).
#[must_use]
pub fn transaction_id(entropy: &mut Entropy, body: &[u8]) -> String {
    loop {
        let id: [u8; RANDOM_ID] = entropy.hex();
        let id = String::from_utf8_lossy(&id).into_owned();
        // 80 bits that the body's author cannot know: it never comes to a third try.
        if !EndLine::new(&id).collides(body) {
            return id;
        }
    }
}

/// A message on its way to bytes.
///
/// ```
/// use offhook_msrp::{Builder, ByteRange, ContinuationFlag, Message, Path};
/// let to = Path::parse("msrp://b.example:8888/9di4;tcp").map_err(|e| format!("{e:?}"))?;
/// let bytes = Builder::request("a786hjs2", "SEND", to, to)?
///     .header("Message-ID", "87652")?
///     .header("Byte-Range", ByteRange::whole(2))?
///     .body("text/plain", b"Hi", ContinuationFlag::Complete)?;
/// assert_eq!(Message::parse(&bytes)?.body, Some(&b"Hi"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    out: Vec<u8>,
    transaction_id: Box<str>,
}

impl Builder {
    /// Begins a request.
    ///
    /// # Errors
    /// When the transaction id or the method is none.
    pub fn request(
        transaction_id: &str,
        method: &str,
        to: Path<'_>,
        from: Path<'_>,
    ) -> Result<Self, Unprintable> {
        if !is_method(method) {
            return Err(Unprintable::new("the method"));
        }
        Self::begin(transaction_id, method, "", to, from)
    }

    /// Begins a response.
    ///
    /// # Errors
    /// When the transaction id is none, the status has not three digits, or the comment would
    /// break the line.
    pub fn response(
        transaction_id: &str,
        status: u16,
        comment: &str,
        to: Path<'_>,
        from: Path<'_>,
    ) -> Result<Self, Unprintable> {
        if !(100..=999).contains(&status) {
            return Err(Unprintable::new("the status"));
        }
        Self::begin(transaction_id, &status.to_string(), comment, to, from)
    }

    /// Begins the response to `request` (RFC 4975 §7.2): to the last hop alone when that was a
    /// SEND, else to the whole of From-Path; from the first URI of To-Path.
    ///
    /// # Errors
    /// When the comment would break the line, or the request had no paths.
    pub fn answer(request: &Head<'_>, status: u16) -> Result<Self, Unprintable> {
        let to = match request.method() {
            Some("SEND") => request.from_path.first_text(),
            _ => request.from_path.as_str(),
        };
        let from = request.to_path.first_text();
        if to.is_empty() || from.is_empty() {
            return Err(Unprintable::new("the path"));
        }
        let comment = crate::status::comment(status);
        let (to, from) = (Path::known(to), Path::known(from));
        Self::response(request.transaction_id, status, comment, to, from)
    }

    fn begin(
        transaction_id: &str,
        word: &str,
        comment: &str,
        to: Path<'_>,
        from: Path<'_>,
    ) -> Result<Self, Unprintable> {
        if !is_transaction_id(transaction_id) {
            return Err(Unprintable::new("the transaction id"));
        }
        if !is_text(comment) {
            return Err(Unprintable::new("the comment"));
        }
        let capacity = 256 + to.as_str().len() + from.as_str().len();
        let mut builder =
            Self { out: Vec::with_capacity(capacity), transaction_id: transaction_id.into() };
        let blank = if comment.is_empty() { "" } else { " " };
        for piece in ["MSRP ", transaction_id, " ", word, blank, comment, "\r\n"] {
            builder.out.extend_from_slice(piece.as_bytes());
        }
        builder.line("To-Path", to);
        builder.line("From-Path", from);
        Ok(builder)
    }

    fn line(&mut self, name: &str, value: impl Display) {
        // Writing to a Vec does not fail.
        let _written = write!(self.out, "{name}: {value}\r\n");
    }

    /// Adds a header.
    ///
    /// # Errors
    /// When the name is none, is To-Path or From-Path, or the value would break out of its line.
    pub fn header(mut self, name: &str, value: impl Display) -> Result<Self, Unprintable> {
        let path = ["To-Path", "From-Path"].iter().any(|path| name.eq_ignore_ascii_case(path));
        if !is_header_name(name) || path {
            return Err(Unprintable::new(format!("a header named {name:?}")));
        }
        let value = value.to_string();
        if !is_text(&value) {
            return Err(Unprintable::new(name));
        }
        self.line(name, value);
        Ok(self)
    }

    /// Ends the message with a body.
    ///
    /// # Errors
    /// When the type is none, or the body holds what could be taken for the end-line: then begin
    /// anew with another [`transaction_id`].
    pub fn body(
        self,
        content_type: &str,
        body: &[u8],
        flag: ContinuationFlag,
    ) -> Result<Vec<u8>, Unprintable> {
        if !is_media_type(content_type) {
            return Err(Unprintable::new("Content-Type"));
        }
        self.header("Content-Type", content_type)?.untyped_body(body, flag)
    }

    /// Ends the message with a body whose type, if it has one, was added with the headers.
    ///
    /// # Errors
    /// When the body holds what could be taken for the end-line.
    pub fn untyped_body(
        mut self,
        body: &[u8],
        flag: ContinuationFlag,
    ) -> Result<Vec<u8>, Unprintable> {
        if EndLine::new(&self.transaction_id).collides(body) {
            return Err(Unprintable::new("a body with this transaction id's end-line in it"));
        }
        self.out.reserve(body.len() + self.transaction_id.len() + 14);
        self.out.extend_from_slice(b"\r\n");
        self.out.extend_from_slice(body);
        self.out.extend_from_slice(b"\r\n");
        Ok(self.finish(flag))
    }

    /// Ends the message without a body.
    #[must_use]
    pub fn finish(mut self, flag: ContinuationFlag) -> Vec<u8> {
        self.out.extend_from_slice(b"-------");
        self.out.extend_from_slice(self.transaction_id.as_bytes());
        self.out.extend_from_slice(&[flag.as_byte(), b'\r', b'\n']);
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    const PATH: &str = "msrp://h:1/s;tcp";

    fn path() -> Path<'static> {
        Path::parse(PATH).unwrap()
    }

    #[test]
    fn an_id_that_stands_in_the_body_is_not_chosen() {
        let first = transaction_id(&mut Entropy::from_u64(7), b"");
        let body = format!("x-------{first}y");
        let second = transaction_id(&mut Entropy::from_u64(7), body.as_bytes());
        assert_ne!(first, second);
        let with = |id: &str| {
            let request = Builder::request(id, "SEND", path(), path()).unwrap();
            request.body("text/plain", body.as_bytes(), ContinuationFlag::Complete)
        };
        assert!(with(&first).is_err());
        let printed = with(&second).unwrap();
        assert_eq!(Message::parse(&printed).unwrap().body, Some(body.as_bytes()));
    }

    #[test]
    fn a_response_to_a_send_goes_back_one_hop_and_others_all_the_way() {
        for (method, to) in [("SEND", "msrp://r/1;tcp"), ("AUTH", "msrp://r/1;tcp msrp://a/2;tcp")]
        {
            let bytes = format!(
                "MSRP abcd {method}\r\nTo-Path: msrp://b/3;tcp msrp://c/4;tcp\r\n\
                 From-Path: msrp://r/1;tcp msrp://a/2;tcp\r\n-------abcd$\r\n"
            );
            let request = Message::parse(bytes.as_bytes()).unwrap();
            let answer = Builder::answer(&request.head, 200).unwrap();
            let expected = format!(
                "MSRP abcd 200 OK\r\nTo-Path: {to}\r\nFrom-Path: msrp://b/3;tcp\r\n-------abcd$\r\n"
            );
            let printed = answer.finish(ContinuationFlag::Complete);
            assert_eq!(String::from_utf8(printed).unwrap(), expected);
        }
    }

    #[test]
    fn nothing_breaks_out_of_its_line() {
        let begin = || Builder::request("abcd", "SEND", path(), path()).unwrap();
        for byte in 0..=0x7f_u8 {
            let value = format!("a{}b", char::from(byte));
            let breaks = (byte < b' ' && byte != b'\t') || byte == 0x7f;
            assert_eq!(begin().header("Use-Nickname", &value).is_err(), breaks, "{byte}");
            let comment = Builder::response("abcd", 400, &value, path(), path());
            assert_eq!(comment.is_err(), breaks, "{byte}");
        }
        for name in ["", "a b", "a:", "1a", "To-Path", "from-path", "a\r\n"] {
            assert!(begin().header(name, "x").is_err(), "{name}");
        }
        for method in ["", "send", "SEND ", "S\r\n", "200"] {
            assert!(Builder::request("abcd", method, path(), path()).is_err(), "{method}");
        }
        assert!(Builder::request("abc", "SEND", path(), path()).is_err());
        assert!(begin().body("text", b"", ContinuationFlag::Complete).is_err());
    }
}
