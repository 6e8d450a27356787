//! The terminal of a chat: lines that scroll up, ticks that change on those that are ours, and the
//! line that is being written below. Gives what is to be written to the terminal.

use std::collections::VecDeque;

use super::width;

/// Lines of ours whose ticks may still change at most.
const OWN_MAX: usize = 256;

/// What is known of a message of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tick {
    /// It waits for the chat.
    Waiting,
    Sent,
    Delivered,
    Displayed,
    Failed,
}

impl Tick {
    /// Two columns.
    const fn text(self) -> &'static str {
        match self {
            Self::Waiting => "· ",
            Self::Sent => "✓ ",
            Self::Delivered => "✓✓",
            Self::Displayed => "\x1b[36m✓✓\x1b[0m",
            Self::Failed => "\x1b[31m✗\x1b[0m ",
        }
    }
}

/// A line of ours.
struct Own {
    id: String,
    /// In which row it began, counted from the first on.
    row: usize,
}

/// The terminal.
pub(super) struct Screen {
    columns: usize,
    rows: usize,
    /// Where the line is that is being written.
    row: usize,
    own: VecDeque<Own>,
}

/// Erases the line that is being written.
const ERASE: &str = "\r\x1b[K";

impl Screen {
    pub(super) fn new((columns, rows): (usize, usize)) -> Self {
        Self { columns: columns.max(8), rows: rows.max(2), row: 0, own: VecDeque::new() }
    }

    /// The terminal may have another size: then nobody knows where lines are.
    pub(super) fn resize(&mut self, (columns, rows): (usize, usize)) {
        if (columns.max(8), rows.max(2)) != (self.columns, self.rows) {
            *self = Self { row: self.row, ..Self::new((columns, rows)) };
        }
    }

    /// A line, or several.
    pub(super) fn print(&mut self, text: &str) -> String {
        let text = text.replace('\t', "    ");
        for line in text.split('\n') {
            let columns = width::of_text(line);
            self.row += columns.div_ceil(self.columns).max(1);
        }
        format!("{ERASE}{text}\n")
    }

    /// A message of ours.
    pub(super) fn own(&mut self, id: &str, text: &str, tick: Tick) -> String {
        let row = self.row;
        // The tick stands in two columns of its own.
        let printed = self.print(&format!("   {text}"));
        if self.own.len() >= OWN_MAX {
            self.own.pop_front();
        }
        self.own.push_back(Own { id: id.into(), row });
        let body = printed.strip_prefix(ERASE).and_then(|rest| rest.strip_prefix("   "));
        format!("{ERASE}{} {}", tick.text(), body.unwrap_or_default())
    }

    /// More is known of it. Nothing when its line is not seen any more.
    pub(super) fn tick(&self, id: &str, tick: Tick) -> String {
        let found = self.own.iter().rev().find(|own| own.id == id);
        let up = found.map(|own| self.row.saturating_sub(own.row));
        match up.filter(|up| *up < self.rows && *up > 0) {
            Some(up) => format!("\r\x1b[{up}A{}\x1b[{up}B\r", tick.text()),
            None => String::new(),
        }
    }

    /// The line that is being written: as much of it as has room around the cursor.
    pub(super) fn prompt(&self, status: &str, line: &[char], cursor: usize) -> String {
        let room = self.columns.saturating_sub(1);
        let prompt = format!("{status}> ");
        let prompt = if width::of_text(&prompt) + 4 > room { "> ".to_owned() } else { prompt };
        let room = room.saturating_sub(width::of_text(&prompt));
        let (before, after) = line.split_at(cursor.min(line.len()));
        let mut left = 0;
        let shown = before.iter().rev().take_while(|character| {
            left += width::of(**character);
            left <= room
        });
        let from = before.len() - shown.count();
        let seen = before.get(from..).unwrap_or_default();
        let mut columns: usize = seen.iter().map(|character| width::of(*character)).sum();
        let at = width::of_text(&prompt) + columns;
        let after = after.iter().take_while(|character| {
            columns += width::of(**character);
            columns <= room
        });
        let text: String = seen.iter().chain(after).collect();
        // Columns are counted from 1.
        format!("{ERASE}{prompt}{text}\r\x1b[{}G", at + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_change_where_their_lines_are_and_only_while_they_are_seen() {
        let mut screen = Screen::new((20, 5));
        assert_eq!(screen.print("hello"), "\r\x1b[Khello\n");
        assert_eq!(screen.own("m1", "hi", Tick::Sent), "\r\x1b[K✓  hi\n");
        assert_eq!(screen.tick("m1", Tick::Delivered), "\r\x1b[1A✓✓\x1b[1B\r");
        // Two rows of twenty columns.
        screen.print(&"x".repeat(21));
        assert_eq!(screen.tick("m1", Tick::Delivered), "\r\x1b[3A✓✓\x1b[3B\r");
        screen.print("a\nb");
        assert_eq!(screen.tick("m1", Tick::Delivered), "");
        assert_eq!(screen.tick("m2", Tick::Delivered), "");
    }

    #[test]
    fn another_size_forgets_where_lines_are() {
        let mut screen = Screen::new((20, 5));
        screen.own("m1", "hi", Tick::Sent);
        screen.resize((20, 5));
        assert_ne!(screen.tick("m1", Tick::Delivered), "");
        screen.resize((30, 5));
        assert_eq!(screen.tick("m1", Tick::Delivered), "");
    }

    #[test]
    fn a_long_line_is_seen_around_the_cursor() {
        let screen = Screen::new((10, 5));
        let line: Vec<char> = "abcdefghijkl".chars().collect();
        assert_eq!(screen.prompt("", &line, 12), "\r\x1b[K> fghijkl\r\x1b[10G");
        assert_eq!(screen.prompt("", &line, 0), "\r\x1b[K> abcdefg\r\x1b[3G");
        assert_eq!(screen.prompt("", &line[..2], 1), "\r\x1b[K> ab\r\x1b[4G");
        let wide: Vec<char> = "日本語日本".chars().collect();
        assert_eq!(screen.prompt("", &wide, 5), "\r\x1b[K> 語日本\r\x1b[9G");
    }

    #[test]
    fn who_writes_is_told_where_there_is_room() {
        assert_eq!(
            Screen::new((40, 5)).prompt("(bob writes) ", &[], 0),
            "\r\x1b[K(bob writes) > \r\x1b[16G"
        );
        assert_eq!(Screen::new((12, 5)).prompt("(bob writes) ", &[], 0), "\r\x1b[K> \r\x1b[3G");
    }
}
