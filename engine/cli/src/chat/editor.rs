//! The line that is being written.

use std::collections::VecDeque;

use super::keys::Key;

/// Characters of a line at most; more are not taken.
const LINE_MAX: usize = 8192;
/// Lines that are remembered at most; the oldest is forgotten.
const HISTORY_MAX: usize = 100;

/// What a key came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Done {
    /// The text is another one.
    Changed,
    /// The text is the same; the cursor may have moved.
    Same,
    /// A line was ended.
    Line(String),
    /// Ctrl-D on an empty line.
    End,
}

/// A line with a cursor, and those before it.
#[derive(Default)]
pub(super) struct Editor {
    line: Vec<char>,
    cursor: usize,
    history: VecDeque<Vec<char>>,
    /// Which line of the history is shown, and what was written before.
    shown: Option<(usize, Vec<char>)>,
}

impl Editor {
    pub(super) fn line(&self) -> &[char] {
        &self.line
    }

    /// How many characters stand before the cursor.
    pub(super) const fn cursor(&self) -> usize {
        self.cursor
    }

    pub(super) fn press(&mut self, key: Key) -> Done {
        match key {
            Key::Char(character) if self.line.len() < LINE_MAX => {
                self.line.insert(self.cursor, character);
                self.cursor += 1;
                Done::Changed
            }
            Key::Char(_) | Key::Redraw => Done::Same,
            Key::Enter => self.enter(),
            Key::EndOfInput if self.line.is_empty() => Done::End,
            Key::EndOfInput | Key::Delete => self.cut(self.cursor, self.cursor + 1),
            Key::Backspace => self.cut(self.cursor.saturating_sub(1), self.cursor),
            Key::KillLine => self.cut(0, self.cursor),
            Key::KillRest => self.cut(self.cursor, self.line.len()),
            Key::KillWord => self.cut(self.word(), self.cursor),
            Key::Left => self.go(self.cursor.saturating_sub(1)),
            Key::Right => self.go(self.cursor + 1),
            Key::Home => self.go(0),
            Key::End => self.go(self.line.len()),
            Key::Up => self.look(true),
            Key::Down => self.look(false),
        }
    }

    fn go(&mut self, to: usize) -> Done {
        self.cursor = to.min(self.line.len());
        Done::Same
    }

    fn cut(&mut self, from: usize, to: usize) -> Done {
        let to = to.min(self.line.len());
        if from >= to {
            return Done::Same;
        }
        self.line.drain(from..to);
        self.cursor = from;
        Done::Changed
    }

    /// Where the word left of the cursor begins.
    fn word(&self) -> usize {
        let before = self.line.get(..self.cursor).unwrap_or_default();
        let end = before.iter().rposition(|c| *c != ' ').map_or(0, |at| at + 1);
        let word = before.get(..end).unwrap_or_default();
        word.iter().rposition(|c| *c == ' ').map_or(0, |at| at + 1)
    }

    fn enter(&mut self) -> Done {
        let line = std::mem::take(&mut self.line);
        (self.cursor, self.shown) = (0, None);
        let text = line.iter().collect();
        if !line.is_empty() && self.history.back() != Some(&line) {
            if self.history.len() >= HISTORY_MAX {
                self.history.pop_front();
            }
            self.history.push_back(line);
        }
        Done::Line(text)
    }

    /// The line before or after the one that is shown.
    fn look(&mut self, back: bool) -> Done {
        let at = self.shown.as_ref().map_or(self.history.len(), |(at, _)| *at);
        let to = if back { at.checked_sub(1) } else { at.checked_add(1) };
        let line = match to {
            Some(to) if to < self.history.len() => {
                let draft = self.shown.take().map(|(_, draft)| draft);
                self.shown = Some((to, draft.unwrap_or_else(|| self.line.clone())));
                self.history.get(to).cloned()
            }
            Some(_) => self.shown.take().map(|(_, draft)| draft),
            None => None,
        };
        let Some(line) = line else { return Done::Same };
        self.cursor = line.len();
        self.line = line;
        Done::Changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(editor: &mut Editor, text: &str) {
        for character in text.chars() {
            editor.press(Key::Char(character));
        }
    }

    fn text(editor: &Editor) -> (String, usize) {
        (editor.line().iter().collect(), editor.cursor())
    }

    #[test]
    fn a_line_is_edited_at_the_cursor() {
        let mut editor = Editor::default();
        typed(&mut editor, "helo");
        editor.press(Key::Left);
        typed(&mut editor, "l");
        assert_eq!(text(&editor), ("hello".into(), 4));
        for (key, expected) in [
            (Key::Home, ("hello", 0)),
            (Key::Backspace, ("hello", 0)),
            (Key::Delete, ("ello", 0)),
            (Key::Right, ("ello", 1)),
            (Key::EndOfInput, ("elo", 1)),
            (Key::KillRest, ("e", 1)),
            (Key::Right, ("e", 1)),
            (Key::KillLine, ("", 0)),
            (Key::Delete, ("", 0)),
        ] {
            editor.press(key);
            assert_eq!(text(&editor), (expected.0.to_owned(), expected.1), "{key:?}");
        }
        assert_eq!(editor.press(Key::EndOfInput), Done::End);
    }

    #[test]
    fn words_are_cut_with_the_blanks_after_them() {
        let mut editor = Editor::default();
        typed(&mut editor, "one two  ");
        editor.press(Key::KillWord);
        assert_eq!(text(&editor), ("one ".into(), 4));
        editor.press(Key::KillWord);
        assert_eq!(text(&editor), (String::new(), 0));
        assert_eq!(editor.press(Key::KillWord), Done::Same);
    }

    #[test]
    fn earlier_lines_come_back_and_so_does_what_was_being_written() {
        let mut editor = Editor::default();
        for line in ["one", "two", "two", ""] {
            typed(&mut editor, line);
            assert_eq!(editor.press(Key::Enter), Done::Line(line.into()));
        }
        typed(&mut editor, "dra");
        let mut seen = Vec::new();
        for key in [Key::Up, Key::Up, Key::Up, Key::Down, Key::Down, Key::Down] {
            editor.press(key);
            seen.push(text(&editor).0);
        }
        assert_eq!(seen, ["two", "one", "one", "two", "dra", "dra"]);
    }

    #[test]
    fn lines_and_the_history_have_a_limit() {
        let mut editor = Editor::default();
        typed(&mut editor, &"x".repeat(LINE_MAX + 5));
        assert_eq!(editor.line().len(), LINE_MAX);
        for number in 0..HISTORY_MAX + 5 {
            editor.press(Key::Enter);
            typed(&mut editor, &number.to_string());
        }
        assert!(editor.history.len() <= HISTORY_MAX);
    }
}
