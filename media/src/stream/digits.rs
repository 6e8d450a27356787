//! Digits that came and were not yet asked for.

/// Digits that wait, at most; one more is dropped.
pub const DIGITS_MAX: usize = 32;

#[derive(Debug)]
pub(super) struct Digits {
    waiting: [char; DIGITS_MAX],
    first: usize,
    length: usize,
}

impl Default for Digits {
    fn default() -> Self {
        Self { waiting: ['0'; DIGITS_MAX], first: 0, length: 0 }
    }
}

impl Digits {
    pub(super) fn push(&mut self, digit: char) {
        if self.length == DIGITS_MAX {
            return;
        }
        if let Some(place) = self.waiting.get_mut((self.first + self.length) % DIGITS_MAX) {
            *place = digit;
            self.length += 1;
        }
    }

    pub(super) fn pop(&mut self) -> Option<char> {
        self.length = self.length.checked_sub(1)?;
        let digit = self.waiting.get(self.first).copied();
        self.first = (self.first + 1) % DIGITS_MAX;
        digit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_two_digits_wait_in_order_and_one_more_is_dropped() {
        let mut digits = Digits::default();
        digits.push('9');
        assert_eq!(digits.pop(), Some('9'));
        (0..DIGITS_MAX).for_each(|n| digits.push(char::from(b'A' + u8::try_from(n).unwrap())));
        digits.push('!');
        let all: String = std::iter::from_fn(|| digits.pop()).collect();
        assert_eq!(all, "ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`");
    }
}
