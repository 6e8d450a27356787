//! A command line of the agent as words.

/// What is left of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    /// The words of a line.
    pub(crate) const fn new(line: &'a str) -> Self {
        Self { rest: line }
    }

    /// The next word; double quotes keep blanks, and `\"` and `\\` inside them stand for
    /// themselves.
    ///
    /// # Errors
    /// When a quote is not closed.
    pub(crate) fn next(&mut self) -> Result<Option<String>, String> {
        let rest = self.rest.trim_start_matches(BLANKS);
        if let Some(quoted) = rest.strip_prefix('"') {
            return self.quoted(quoted).map(Some);
        }
        let end = rest.find(BLANKS).unwrap_or(rest.len());
        let (word, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
        self.rest = rest;
        Ok((!word.is_empty()).then(|| word.to_owned()))
    }

    fn quoted(&mut self, text: &'a str) -> Result<String, String> {
        let mut word = String::new();
        let mut chars = text.chars();
        loop {
            match chars.next() {
                None => return Err("a double quote is not closed".into()),
                Some('"') => break,
                Some('\\') => word.extend(chars.next()),
                Some(c) => word.push(c),
            }
        }
        self.rest = chars.as_str();
        Ok(word)
    }

    /// All words that are left.
    pub(crate) fn all(mut self) -> Result<Vec<String>, String> {
        let mut words = Vec::new();
        while let Some(word) = self.next()? {
            words.push(word);
        }
        Ok(words)
    }

    /// The rest of the line, with `\n` and `\\` unescaped. Another backslash stays what it is.
    pub(crate) fn text(self) -> String {
        let mut out = String::new();
        let mut chars = self.rest.trim_start_matches(BLANKS).chars().peekable();
        while let Some(c) = chars.next() {
            match (c, chars.peek()) {
                ('\\', Some('n')) => out.push('\n'),
                ('\\', Some('\\')) => out.push('\\'),
                _ => {
                    out.push(c);
                    continue;
                }
            }
            chars.next();
        }
        out
    }
}

const BLANKS: [char; 2] = [' ', '\t'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_separate_and_quotes_keep_them() {
        let words = Words::new("  connect\tsip:a@b  \"+Subject: two words\" \"a \\\"b\\\" \\\\\"");
        assert_eq!(
            words.all().unwrap(),
            ["connect", "sip:a@b", "+Subject: two words", "a \"b\" \\"]
        );
    }

    #[test]
    fn an_open_quote_is_an_error() {
        for line in ["\"", "a \"b c", "\"a\\\""] {
            assert!(Words::new(line).all().is_err(), "{line}");
        }
    }

    #[test]
    fn text_runs_to_the_end_of_the_line_and_is_unescaped() {
        let mut words = Words::new("message  two  words\\nand a \\\\n, \\x, \"quotes\" \\");
        assert_eq!(words.next(), Ok(Some("message".into())));
        assert_eq!(words.text(), "two  words\nand a \\n, \\x, \"quotes\" \\");
    }

    #[test]
    fn no_word_is_no_word() {
        assert_eq!(Words::new(" \t ").next(), Ok(None));
    }
}
