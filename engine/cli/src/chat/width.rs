//! How many columns a character takes on a terminal. What is not told apart here takes one.

/// Ranges of characters that stand on the one before them, or are not seen.
const NONE: &[(u32, u32)] = &[
    (0x300, 0x36f),
    (0x483, 0x489),
    (0x591, 0x5bd),
    (0x610, 0x61a),
    (0x64b, 0x65f),
    (0x900, 0x902),
    (0xe31, 0xe31),
    (0xe34, 0xe3a),
    (0x1ab0, 0x1aff),
    (0x1dc0, 0x1dff),
    (0x200b, 0x200f),
    (0x20d0, 0x20ff),
    (0xfe00, 0xfe0f),
    (0xfe20, 0xfe2f),
    (0xe0100, 0xe01ef),
];
/// Ranges of wide characters (UAX #11 W and F, and emoji).
const WIDE: &[(u32, u32)] = &[
    (0x1100, 0x115f),
    (0x231a, 0x231b),
    (0x23e9, 0x23ec),
    (0x2614, 0x2615),
    (0x26a1, 0x26a1),
    (0x2705, 0x2705),
    (0x2728, 0x2728),
    (0x274c, 0x274c),
    (0x2e80, 0x303e),
    (0x3041, 0xa4cf),
    (0xa960, 0xa97f),
    (0xac00, 0xd7a3),
    (0xf900, 0xfaff),
    (0xfe30, 0xfe6f),
    (0xff01, 0xff60),
    (0xffe0, 0xffe6),
    (0x1f300, 0x1f64f),
    (0x1f680, 0x1f6ff),
    (0x1f900, 0x1f9ff),
    (0x1fa70, 0x1faff),
    (0x20000, 0x3fffd),
];

/// Columns of a character that moves no cursor.
pub(super) fn of(character: char) -> usize {
    let code = u32::from(character);
    let within = |ranges: &[(u32, u32)]| {
        let after = ranges.partition_point(|(_, last)| *last < code);
        ranges.get(after).is_some_and(|(first, _)| *first <= code)
    };
    // Most of what is written.
    if code < 0x300 {
        1
    } else if within(NONE) {
        0
    } else if within(WIDE) {
        2
    } else {
        1
    }
}

/// Columns of a text.
pub(super) fn of_text(text: &str) -> usize {
    text.chars().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_take_none_one_or_two_columns() {
        for (text, columns) in [
            ("", 0),
            ("hello", 5),
            ("h\u{e9}llo", 5),
            ("e\u{301}", 1),
            ("日本", 4),
            ("한", 2),
            ("🎈", 2),
            ("✓✓", 2),
            ("a\u{200b}b", 2),
        ] {
            assert_eq!(of_text(text), columns, "{text}");
        }
    }

    #[test]
    fn the_ranges_are_in_order() {
        for ranges in [NONE, WIDE] {
            // Ranges are looked up by their ends, so these must go up.
            let mut last = 0;
            let mut sorted = ranges.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, ranges);
            for (from, to) in ranges {
                assert!(from <= to && *from > last);
                last = *to;
            }
        }
    }
}
