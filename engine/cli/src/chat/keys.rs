//! What a terminal sends, as keys.

/// Octets of a key that did not come whole at most; a longer one is none.
const KEY_MAX: usize = 32;
const ESCAPE: u8 = 0x1b;

/// A key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key {
    Char(char),
    Enter,
    Backspace,
    Delete,
    Left,
    Right,
    Home,
    End,
    Up,
    Down,
    /// Ctrl-U: what is left of the cursor.
    KillLine,
    /// Ctrl-K: what is right of it.
    KillRest,
    /// Ctrl-W: the word left of it.
    KillWord,
    /// Ctrl-L.
    Redraw,
    /// Ctrl-D.
    EndOfInput,
}

/// Reads keys, however they are cut.
#[derive(Default)]
pub(super) struct Keys {
    pending: Vec<u8>,
}

impl Keys {
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<Key> {
        let mut keys = Vec::new();
        for byte in bytes {
            self.pending.push(*byte);
            match key(&self.pending) {
                Read::More if self.pending.len() < KEY_MAX => {}
                Read::More | Read::Nothing => self.pending.clear(),
                Read::Key(key) => {
                    keys.push(key);
                    self.pending.clear();
                }
            }
        }
        keys
    }
}

enum Read {
    Key(Key),
    /// No key that is known.
    Nothing,
    /// It has not come whole.
    More,
}

fn key(bytes: &[u8]) -> Read {
    let Some((first, rest)) = bytes.split_first() else { return Read::More };
    Read::Key(match first {
        b'\r' | b'\n' => Key::Enter,
        0x7f | 0x08 => Key::Backspace,
        0x01 => Key::Home,
        0x02 => Key::Left,
        0x04 => Key::EndOfInput,
        0x05 => Key::End,
        0x06 => Key::Right,
        0x0b => Key::KillRest,
        0x0c => Key::Redraw,
        0x0e => Key::Down,
        0x10 => Key::Up,
        0x15 => Key::KillLine,
        0x17 => Key::KillWord,
        b'\t' => Key::Char(' '),
        &ESCAPE => return escaped(rest),
        byte if *byte < b' ' => return Read::Nothing,
        _ => return character(bytes),
    })
}

fn character(bytes: &[u8]) -> Read {
    match std::str::from_utf8(bytes) {
        Ok(text) => match text.chars().next().filter(|c| !c.is_control()) {
            Some(character) => Read::Key(Key::Char(character)),
            None => Read::Nothing,
        },
        Err(error) if error.error_len().is_none() => Read::More,
        Err(_) => Read::Nothing,
    }
}

/// What follows ESC: `[` or `O`, parameters, and a letter or `~` (ECMA-48 §5.4).
fn escaped(rest: &[u8]) -> Read {
    let Some((introducer, rest)) = rest.split_first() else { return Read::More };
    if !matches!(introducer, b'[' | b'O') {
        return Read::Nothing;
    }
    let Some((last, parameters)) = rest.split_last() else { return Read::More };
    if !(0x40..=0x7e).contains(last) {
        return Read::More;
    }
    let key = match (last, parameters) {
        (b'A', _) => Key::Up,
        (b'B', _) => Key::Down,
        (b'C', _) => Key::Right,
        (b'D', _) => Key::Left,
        (b'H', _) | (b'~', b"1" | b"7") => Key::Home,
        (b'F', _) | (b'~', b"4" | b"8") => Key::End,
        (b'~', b"3") => Key::Delete,
        _ => return Read::Nothing,
    };
    Read::Key(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], cut: usize) -> Vec<Key> {
        let mut keys = Keys::default();
        bytes.chunks(cut).flat_map(|piece| keys.read(piece)).collect()
    }

    #[test]
    fn letters_and_keys_are_read_however_they_are_cut() {
        let bytes = "aé日🎈\r\x7f\x1b[A\x1bOB\x1b[1;5C\x1b[D\x1b[3~\x1b[H\x1b[4~\x04\t".as_bytes();
        let expected = [
            Key::Char('a'),
            Key::Char('é'),
            Key::Char('日'),
            Key::Char('🎈'),
            Key::Enter,
            Key::Backspace,
            Key::Up,
            Key::Down,
            Key::Right,
            Key::Left,
            Key::Delete,
            Key::Home,
            Key::End,
            Key::EndOfInput,
            Key::Char(' '),
        ];
        for cut in [1, 2, 3, 100] {
            assert_eq!(read(bytes, cut), expected, "{cut}");
        }
    }

    #[test]
    fn what_is_no_key_is_nothing() {
        for bytes in [&b"\x1b[200~"[..], b"\x1bx", b"\xff", b"\x00", b"\xc2\x9b", b"\x1b[99;99Z"] {
            assert_eq!(read(&[bytes, b"a"].concat(), 1), [Key::Char('a')], "{bytes:?}");
        }
        let endless = [&b"\x1b["[..], &[b'1'; 100]].concat();
        let keys = read(&endless, 7);
        assert!(keys.len() < 100 && keys.iter().all(|key| *key == Key::Char('1')));
    }
}
