//! Nicknames in chat rooms (RFC 7701 §7): the NICKNAME request and its Use-Nickname header.

use crate::encode::Builder;
use crate::error::Unprintable;
use crate::message::ContinuationFlag;
use crate::uri::Path;

/// Bytes of a nickname at most (RFC 7701 §7.1 sets none; RFC 8266 leaves it to the application).
pub const NICKNAME_BYTES_MAX: usize = 1023;

/// Reads the value of Use-Nickname: a quoted string. `None` for what is none, or too long.
#[must_use]
pub fn parse(value: &str) -> Option<String> {
    let inside = value.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        out.push(match character {
            '\\' => characters.next()?,
            '"' => return None,
            other => other,
        });
    }
    (out.len() <= NICKNAME_BYTES_MAX && !out.chars().any(char::is_control)).then_some(out)
}

/// Prints the value of Use-Nickname.
///
/// # Errors
/// When the nickname has a control character or is too long.
pub fn print(nickname: &str) -> Result<String, Unprintable> {
    if nickname.len() > NICKNAME_BYTES_MAX || nickname.chars().any(char::is_control) {
        return Err(Unprintable::new("the nickname"));
    }
    Ok(format!("\"{}\"", nickname.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// The request that asks a chat room for a nickname; an empty one gives it back.
///
/// # Errors
/// When the nickname cannot be printed, or the transaction id is none.
pub fn request(
    transaction_id: &str,
    to: Path<'_>,
    from: Path<'_>,
    nickname: &str,
) -> Result<Vec<u8>, Unprintable> {
    let request = Builder::request(transaction_id, "NICKNAME", to, from)?;
    let request = request.header("Use-Nickname", print(nickname)?)?;
    Ok(request.finish(ContinuationFlag::Complete))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    #[test]
    fn rfc7701_7_1_a_nickname_is_asked_for() {
        let to = Path::parse("msrps://chat.example.com:2855/jshA7we;tcp").unwrap();
        let from = Path::parse("msrps://client.atlanta.example.com:7654/dkei38sd;tcp").unwrap();
        let bytes = request("d93kswow", to, from, "Alice the great").unwrap();
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.head.method(), Some("NICKNAME"));
        assert_eq!(message.head.header("Use-Nickname"), Some("\"Alice the great\""));
    }

    #[test]
    fn nicknames_come_back_as_they_were() {
        for name in ["", "Alice", "A \"B\"", "back\\slash\\", "日本", &"x".repeat(1023)] {
            assert_eq!(parse(&print(name).unwrap()).as_deref(), Some(name));
        }
        for bad in ["a\r\nb", "a\0", "\u{85}", &"x".repeat(1024)] {
            assert!(print(bad).is_err());
        }
        for bad in ["", "\"", "Alice", "\"a\"b\"", "\"a\\\"", "\"a\tb\""] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
