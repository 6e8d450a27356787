//! Lines from standard input, on a thread of their own: reading blocks.

use std::io::{BufRead, Read as _};

use crossbeam_channel::{Receiver, Sender, bounded};

/// Lines that wait to be worked off; above it the writer of standard input waits.
const LINES_MAX: usize = 64;
/// The longest line in octets.
const LINE_MAX: u64 = 1 << 20;

/// A line as it came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Input {
    /// A line, without its end.
    Line(String),
    /// A line longer than a mebioctet; it was skipped.
    TooLong,
}

/// The lines of standard input; the channel ends with it.
pub(crate) fn lines() -> std::io::Result<Receiver<Input>> {
    let (tell, lines) = bounded(LINES_MAX);
    std::thread::Builder::new()
        .name("offhook-input".into())
        .spawn(move || read(std::io::stdin().lock(), &tell))?;
    Ok(lines)
}

fn read(mut input: impl BufRead, tell: &Sender<Input>) {
    let mut line = Vec::new();
    let mut skipping = false;
    loop {
        line.clear();
        match input.by_ref().take(LINE_MAX).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let ended = line.last() == Some(&b'\n');
        let too_long = !ended && line.len() as u64 == LINE_MAX;
        let out = match (skipping, too_long) {
            // The rest of a line that was too long.
            (true, _) => None,
            (false, true) => Some(Input::TooLong),
            (false, false) => {
                let text = String::from_utf8_lossy(&line);
                Some(Input::Line(text.trim_end_matches(['\r', '\n']).to_owned()))
            }
        };
        skipping = too_long;
        if out.is_some_and(|out| tell.send(out).is_err()) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(bytes: &[u8]) -> Vec<Input> {
        let (tell, lines) = bounded(LINES_MAX);
        read(bytes, &tell);
        drop(tell);
        lines.iter().collect()
    }

    #[test]
    fn lines_end_with_or_without_a_carriage_return_or_an_end() {
        let expected = ["a", "", "b c", "\u{fffd}d"].map(|line| Input::Line(line.into()));
        assert_eq!(read_all(b"a\r\n\nb c\n\xffd"), expected);
    }

    #[test]
    fn a_line_that_is_too_long_is_told_and_skipped() {
        let limit = usize::try_from(LINE_MAX).unwrap();
        let mut bytes = vec![b'x'; 2 * limit + 5];
        bytes.extend(b"\nend\n");
        assert_eq!(read_all(&bytes), [Input::TooLong, Input::Line("end".into())]);
        let mut fits = vec![b'x'; limit - 1];
        fits.push(b'\n');
        assert_eq!(read_all(&fits), [Input::Line("x".repeat(limit - 1))]);
    }
}
