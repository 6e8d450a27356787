//! Reassembly, and what it does with chunks that mean harm.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use offhook_fsm::Entropy;
use offhook_msrp::{
    Assembled, Assembler, ByteRange, ContinuationFlag, Ended, IDLE_CHUNKS_MAX, Limits, Message,
    RANGES_MAX,
};

use ContinuationFlag::{Abort, Complete, More};

const LIMITS: Limits = Limits { message_bytes: 1000, messages: 3, bytes: 1500 };

fn bytes_of(id: &str) -> String {
    format!(
        "MSRP abcd SEND\r\nTo-Path: msrp://h/s;tcp\r\nFrom-Path: msrp://h/s;tcp\r\n\
         Message-ID: {id}\r\nContent-Type: a/b\r\n-------abcd$\r\n"
    )
}

fn chunk(
    assembler: &mut Assembler,
    id: &str,
    range: &str,
    body: &[u8],
    flag: ContinuationFlag,
) -> Result<Ended, u16> {
    let bytes = bytes_of(id);
    let mut message = Message::parse(bytes.as_bytes()).unwrap();
    message.head.byte_range = Some(ByteRange::parse(range).unwrap());
    assembler.begin(&message.head)?;
    assembler.body(body, |_, _| {})?;
    assembler.end(flag)
}

fn content(ended: Result<Ended, u16>) -> Vec<u8> {
    let Ok(Ended::Complete(Assembled { content, .. })) = ended else { return b"-".to_vec() };
    content
}

/// REFERENCE 1.9 item 12
#[test]
fn chunks_in_any_order_doubled_and_overlapping_make_the_message() {
    let text: Vec<u8> = (0..=255).cycle().take(700).collect();
    let mut entropy = Entropy::from_u64(5);
    for round in 0..200 {
        let mut assembler = Assembler::new(LIMITS);
        let mut found = None;
        for _ in 0..10_000 {
            let start = usize::try_from(entropy.below(700)).unwrap();
            let end = start + usize::try_from(entropy.below(80)).unwrap();
            let end = end.min(700);
            let (known, star) = (format!("{}-{end}/700", start + 1), format!("{}-*/*", start + 1));
            let last = end == 700;
            let range = if round % 2 == 0 { known } else { star };
            let flag = if last { Complete } else { More };
            match chunk(&mut assembler, "m", &range, &text[start..end], flag) {
                Ok(Ended::Incomplete) => {}
                // Chunks that bring nothing new are counted.
                Err(400) => break,
                Ok(Ended::Complete(assembled)) => {
                    found = Some(assembled);
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        if let Some(found) = found {
            assert_eq!(found.content, text);
            assert_eq!((found.total, assembler.held_bytes()), (700, 0));
        }
    }
}

#[test]
fn what_was_there_first_stays() {
    let mut assembler = Assembler::new(LIMITS);
    assert_eq!(chunk(&mut assembler, "m", "3-4/6", b"34", More), Ok(Ended::Incomplete));
    let whole = chunk(&mut assembler, "m", "1-6/6", b"abcdef", Complete);
    assert_eq!(content(whole), b"ab34ef");
}

#[test]
fn a_message_that_has_ended_does_not_begin_again() {
    let mut assembler = Assembler::new(LIMITS);
    assert_eq!(content(chunk(&mut assembler, "m", "1-2/2", b"ab", Complete)), b"ab");
    assert_eq!(chunk(&mut assembler, "m", "1-2/2", b"ab", Complete), Ok(Ended::Again));
    assert_eq!(assembler.messages(), 0);
}

#[test]
fn an_abort_drops_what_was_there() {
    let mut assembler = Assembler::new(LIMITS);
    assert_eq!(chunk(&mut assembler, "m", "1-*/9", b"ab", More), Ok(Ended::Incomplete));
    assert_eq!(assembler.held_bytes(), 2);
    let aborted = chunk(&mut assembler, "m", "3-*/9", b"c", Abort);
    assert_eq!(aborted, Ok(Ended::Aborted { id: "m".into() }));
    assert_eq!((assembler.held_bytes(), assembler.messages()), (0, 0));
}

#[test]
fn a_total_may_come_late_and_must_not_change() {
    let mut assembler = Assembler::new(LIMITS);
    assert_eq!(chunk(&mut assembler, "m", "1-*/*", b"ab", More), Ok(Ended::Incomplete));
    assert_eq!(chunk(&mut assembler, "m", "3-*/4", b"c", More), Ok(Ended::Incomplete));
    assert_eq!(chunk(&mut assembler, "m", "4-*/5", b"d", More), Err(400));
    assert_eq!(chunk(&mut assembler, "m", "4-*/4", b"d", Complete), Err(400), "refused for good");
    assert_eq!(chunk(&mut assembler, "n", "3-*/*", b"cd", More), Ok(Ended::Incomplete));
    assert_eq!(chunk(&mut assembler, "n", "1-2/2", b"ab", Complete), Err(400));
    assert_eq!(chunk(&mut assembler, "o", "3-*/*", b"cd", More), Ok(Ended::Incomplete));
    assert_eq!(chunk(&mut assembler, "o", "1-*/*", b"ab", Complete), Err(400));
}

#[test]
fn r17_more_bytes_than_the_range_says_are_400() {
    let mut assembler = Assembler::new(LIMITS);
    assert_eq!(chunk(&mut assembler, "a", "1-2/9", b"abc", More), Err(400));
    assert_eq!(chunk(&mut assembler, "b", "1-*/2", b"abc", More), Err(400));
    assert_eq!(assembler.messages(), 0);
}

#[test]
fn r17_huge_ranges_are_413_and_hold_nothing() {
    for range in [
        "9223372036854775808-*/*",
        "1-9223372036854775808/*",
        "1-*/9223372036854775808",
        "18446744073709551615-18446744073709551615/18446744073709551615",
    ] {
        let mut assembler = Assembler::new(LIMITS);
        assert_eq!(chunk(&mut assembler, "m", range, b"x", More), Err(413), "{range}");
        assert_eq!((assembler.messages(), assembler.held_bytes()), (0, 0));
    }
    let everything = Limits { message_bytes: u64::MAX, ..LIMITS };
    let mut assembler = Assembler::passing_on(everything);
    let range = "18446744073709551615-*/*";
    assert_eq!(chunk(&mut assembler, "m", range, b"xyz", More), Err(400), "it wraps");
}

#[test]
fn a_message_may_have_exactly_the_limit() {
    for (length, expected) in [(1000, true), (1001, false)] {
        let body = vec![b'x'; length];
        for range in ["1-*/*".to_owned(), format!("1-{length}/{length}")] {
            let mut assembler = Assembler::new(LIMITS);
            let ended = chunk(&mut assembler, "m", &range, &body, Complete);
            assert_eq!(matches!(ended, Ok(Ended::Complete(_))), expected, "{length} {range}");
            assert!(expected || ended == Err(413));
        }
    }
}

#[test]
fn messages_at_once_and_their_bytes_are_counted() {
    let mut assembler = Assembler::new(LIMITS);
    for id in ["a", "b", "c"] {
        assert_eq!(chunk(&mut assembler, id, "1-*/*", &[0; 500], More), Ok(Ended::Incomplete));
    }
    assert_eq!(chunk(&mut assembler, "d", "1-*/*", b"", More), Err(413));
    assert_eq!(chunk(&mut assembler, "a", "501-*/*", b"x", More), Err(413));
    assert_eq!((assembler.messages(), assembler.held_bytes()), (2, 1000));
    assert_eq!(chunk(&mut assembler, "d", "1-*/*", b"", More), Ok(Ended::Incomplete));
}

#[test]
fn r17_gaps_are_bounded() {
    let mut assembler = Assembler::new(LIMITS);
    for n in 0..RANGES_MAX {
        let range = format!("{}-*/*", n * 10 + 1);
        assert_eq!(chunk(&mut assembler, "m", &range, b"x", More), Ok(Ended::Incomplete));
    }
    assert_eq!(chunk(&mut assembler, "m", "901-*/*", b"x", More), Err(413));
}

#[test]
fn r17_endless_chunks_that_bring_nothing_are_400() {
    let mut assembler = Assembler::new(LIMITS);
    for _ in 0..IDLE_CHUNKS_MAX {
        assert_eq!(chunk(&mut assembler, "m", "1-*/*", b"", More), Ok(Ended::Incomplete));
    }
    assert_eq!(chunk(&mut assembler, "m", "1-*/*", b"", More), Err(400));
}

#[test]
fn r17_a_million_one_byte_chunks_hold_one_message() {
    let limits = Limits { message_bytes: 1_000_000, messages: 1, bytes: 1_000_000 };
    let mut assembler = Assembler::new(limits);
    let bytes = bytes_of("m");
    let mut head = Message::parse(bytes.as_bytes()).unwrap().head;
    for start in 1..1_000_000 {
        head.byte_range = Some(ByteRange { start, end: None, total: None });
        assembler.begin(&head).unwrap();
        assembler.body(b"x", |_, _| {}).unwrap();
        assert_eq!(assembler.end(More), Ok(Ended::Incomplete));
    }
    let ended = chunk(&mut assembler, "m", "1000000-1000000/1000000", b"x", Complete);
    assert_eq!(content(ended).len(), 1_000_000);
    assert_eq!(chunk(&mut assembler, "n", "1000001-*/*", b"x", More), Err(413));
}

#[test]
fn contents_that_are_passed_on_are_told_once_and_not_held() {
    let mut assembler = Assembler::passing_on(LIMITS);
    let mut told = Vec::new();
    for (range, body) in [("3-*/6", &b"cd"[..]), ("1-*/6", b"abXXef")] {
        let bytes = bytes_of("m");
        let mut head = Message::parse(bytes.as_bytes()).unwrap().head;
        head.byte_range = ByteRange::parse(range);
        assembler.begin(&head).unwrap();
        for piece in body.chunks(3) {
            assembler.body(piece, |at, bytes| told.push((at, bytes.to_vec()))).unwrap();
        }
        assert_eq!(assembler.held_bytes(), 0);
        let ended = assembler.end(More).unwrap();
        assert_eq!(matches!(ended, Ended::Complete(_)), range == "1-*/6");
    }
    let expected: [(u64, &[u8]); 3] = [(2, b"cd"), (0, b"ab"), (4, b"ef")];
    assert!(told.iter().map(|(at, bytes)| (*at, bytes.as_slice())).eq(expected), "{told:?}");
}
