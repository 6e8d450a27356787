//! What users say in chats: the id of a message tells its content, so that whoever gets one knows
//! what it must be.

use offhook_fsm::Entropy;

/// Letters, and what MSRP's own lines are made of (RFC 4975 §5.1).
const LETTERS: &[u8] = b"ab -\r\n-------0+#$:/MSRP";

/// The content of the message with that id: one byte, some words, or some chunks.
#[must_use]
pub fn content(id: &str) -> Vec<u8> {
    let seed = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut entropy = Entropy::from_u64(seed);
    let length = match entropy.below(20) {
        0 => 1,
        1..12 => 1 + entropy.below(200),
        // Chunks have 2048 bytes, wrapped in CPIM.
        12..15 => 1600 + entropy.below(600),
        15..19 => 1 + entropy.below(8_000),
        _ => 1 + entropy.below(40_000),
    };
    let mut content = Vec::new();
    for _ in 0..length.div_ceil(8) {
        let letter = |byte: u8| LETTERS.get(usize::from(byte) % LETTERS.len()).copied();
        content.extend(entropy.next_u64().to_le_bytes().into_iter().filter_map(letter));
    }
    content.truncate(usize::try_from(length).unwrap_or_default());
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_one_content_and_they_are_of_all_sizes() {
        assert_eq!(content("0-1-1"), content("0-1-1"));
        let lengths: Vec<usize> =
            (0..500).map(|number| content(&format!("0-1-{number}")).len()).collect();
        for (least, most) in [(1, 1), (2, 200), (1800, 2048), (2049, 8000), (8001, 40_000)] {
            assert!(lengths.iter().any(|length| (least..=most).contains(length)), "{least}");
        }
    }
}
