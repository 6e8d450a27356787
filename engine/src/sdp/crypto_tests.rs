use super::super::SessionDescription;
use super::*;

const KEY: &str = "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

fn parse(text: &str) -> Result<CryptoAttribute, CryptoError> {
    CryptoAttribute::parse(text.as_bytes())
}

/// A line whose second half is that.
fn with(rest: &str) -> Result<CryptoAttribute, CryptoError> {
    parse(&format!("1 AES_CM_128_HMAC_SHA1_80 {rest}"))
}

fn printed(attribute: &CryptoAttribute) -> String {
    let mut out = Vec::new();
    attribute.print(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn tag_suite_key_and_lifetime_are_read() {
    let line = parse(&format!("12 AES_CM_128_HMAC_SHA1_32 {KEY}|2^20")).unwrap();
    assert_eq!((line.tag, line.suite), (12, Suite::AesCm128HmacSha1_32));
    assert_eq!(line.key, MasterKey::new(b"=-n@%^x!Bjufr9)?,#5h\\`=&]{qiPQ"));
    assert_eq!(line.lifetime, Some(1 << 20));
    assert_eq!(with(KEY).unwrap().lifetime, None);
    assert_eq!(with(&format!("{KEY}|1000")).unwrap().lifetime, Some(1000));
    assert_eq!(with(&format!("{KEY}|2^48")).unwrap().lifetime, Some(1 << 48));
    assert_eq!(with(&format!("{KEY}|2^31|")).unwrap().lifetime, Some(1 << 31));
    assert!(parse(&format!("  1\tAES_CM_128_HMAC_SHA1_80  {KEY} ")).is_ok());
}

#[test]
fn what_is_printed_is_read_as_the_same() {
    let text = format!("1 AES_CM_128_HMAC_SHA1_80 {KEY}");
    let line = parse(&text).unwrap();
    assert_eq!(printed(&line), format!("a=crypto:{text}\r\n"));
    let line = with(&format!("{KEY}|2^20")).unwrap();
    assert_eq!(printed(&line), format!("a=crypto:{text}|1048576\r\n"));
    assert_eq!(parse(&format!("{text}|1048576")), Ok(line));
}

#[test]
fn keys_are_not_shown() {
    let line = with(KEY).unwrap();
    let shown = format!("{line:?}");
    assert!(shown.contains("MasterKey(..)") && !shown.contains("PS1u"), "{shown}");
}

/// The lines of RFC 4568's own examples: nearly all have MKIs.
#[test]
fn rfc_4568_examples() {
    for (line, read) in [
        // §4
        (
            "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32",
            Err(CryptoError::MasterKeyIndex),
        ),
        // §6.1
        (
            "1 AES_CM_128_HMAC_SHA1_80 inline:YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2|1066:4",
            Err(CryptoError::MasterKeyIndex),
        ),
        // §7.1.1, offer
        (
            "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4 \
             FEC_ORDER=FEC_SRTP",
            Err(CryptoError::MasterKeyIndex),
        ),
        (
            "2 F8_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm|2^20|1:4;\
             inline:QUJjZGVmMTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5|2^20|2:4 FEC_ORDER=FEC_SRTP",
            Err(CryptoError::Suite),
        ),
        // §9.1's grammar without its optional parts
        (
            "1 AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj|2^20",
            Ok(Some(1 << 20)),
        ),
        ("1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj", Ok(None)),
    ] {
        assert_eq!(parse(line).map(|line| line.lifetime), read, "{line}");
    }
}

#[test]
fn what_is_not_built_is_refused_by_name() {
    for (rest, error) in [
        ("inline", CryptoError::Grammar),
        ("uri:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR", CryptoError::Method),
        ("inline:", CryptoError::Key),
        ("inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVB", CryptoError::Key),
        ("inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR==", CryptoError::Key),
    ] {
        assert_eq!(with(rest), Err(error), "{rest}");
    }
    for (rest, error) in [
        ("|1:4", CryptoError::MasterKeyIndex),
        ("|2^20|1:4", CryptoError::MasterKeyIndex),
        ("|", CryptoError::Lifetime),
        ("|0", CryptoError::Lifetime),
        ("|-1", CryptoError::Lifetime),
        ("|+1", CryptoError::Lifetime),
        ("|2^", CryptoError::Lifetime),
        ("|2^49", CryptoError::Lifetime),
        ("|2^64", CryptoError::Lifetime),
        ("|2^4294967296", CryptoError::Lifetime),
        ("|99999999999999999999", CryptoError::Lifetime),
        ("|2^20|x", CryptoError::Grammar),
        ("|2^20||", CryptoError::Grammar),
        (";inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", CryptoError::SeveralKeys),
        (" KDR=0", CryptoError::Refused("KDR")),
        (" UNENCRYPTED_SRTP", CryptoError::Refused("UNENCRYPTED_SRTP")),
        (" UNENCRYPTED_SRTCP", CryptoError::Refused("UNENCRYPTED_SRTCP")),
        (" WSH=64 UNAUTHENTICATED_SRTP", CryptoError::Refused("UNAUTHENTICATED_SRTP")),
        (" FEC_ORDER=FEC_SRTP", CryptoError::Refused("FEC_ORDER")),
        (" FEC_KEY=inline:x", CryptoError::Refused("FEC_KEY")),
        (" SOMETHING=1", CryptoError::UnknownParameter),
    ] {
        assert_eq!(with(&format!("{KEY}{rest}")), Err(error), "{rest}");
    }
    assert!(CryptoError::Refused("KDR").to_string().contains("KDR"));
}

#[test]
fn parameters_that_may_be_ignored_are() {
    assert!(with(&format!("{KEY} -FUTURE=1 WSH=128 -x")).is_ok());
}

#[test]
fn r35_broken_lines_are_no_lines_and_many_lines_are_cut() {
    for line in ["", " ", "1", "x AES_CM_128_HMAC_SHA1_80", "1 AES_CM_128_HMAC_SHA1_80", "1:2 3"] {
        assert_eq!(parse(line), Err(CryptoError::Grammar), "{line:?}");
    }
    for tag in ["", "-1", "+1", "1234567890", "1.5"] {
        let line = format!("{tag} AES_CM_128_HMAC_SHA1_80 {KEY}");
        assert_eq!(parse(&line), Err(CryptoError::Grammar), "{tag:?}");
    }
    let line = |tag: usize, suite: &str| format!("{tag} {suite} {KEY}").into_bytes();
    for (before, found) in [(CRYPTO_LINES_MAX - 1, true), (CRYPTO_LINES_MAX, false)] {
        let mut lines: Vec<_> = (0..before).map(|tag| line(tag, "UNKNOWN_SUITE")).collect();
        lines.push(line(before, "AES_CM_128_HMAC_SHA1_80"));
        assert_eq!(choose(lines.iter().map(Vec::as_slice)).is_some(), found);
    }
}

#[test]
fn an_offer_has_a_line_a_suite_with_fresh_keys() {
    let mut entropy = Entropy::from_u64(1);
    let [best, other] = offer_crypto(&mut entropy);
    assert_eq!((best.tag, best.suite), (1, Suite::AesCm128HmacSha1_80));
    assert_eq!((other.tag, other.suite), (2, Suite::AesCm128HmacSha1_32));
    assert_ne!(best.key, other.key);
    assert_ne!(offer_crypto(&mut entropy)[0].key, best.key);
    assert_eq!(offer_crypto(&mut Entropy::from_u64(1)), [best, other]);
}

#[test]
fn the_first_line_that_can_be_used_is_chosen_in_the_peers_order() {
    let lines = [
        format!("1 AES_256_CM_HMAC_SHA1_80 {KEY}"),
        format!("2 AES_CM_128_HMAC_SHA1_80 {KEY}|2^31|1:1"),
        format!("3 AES_CM_128_HMAC_SHA1_80 {KEY} UNENCRYPTED_SRTP"),
        format!("4 AES_CM_128_HMAC_SHA1_32 {KEY}"),
        format!("5 AES_CM_128_HMAC_SHA1_80 {KEY}"),
    ];
    let chosen = choose(lines.iter().map(String::as_bytes)).unwrap();
    assert_eq!((chosen.tag, chosen.suite), (4, Suite::AesCm128HmacSha1_32));
    assert_eq!(choose(lines[..3].iter().map(String::as_bytes)), None);
    assert_eq!(choose([]), None);
    // An answer with that tag would not say which.
    let twice = [lines[0].as_str(), &lines[4].replacen('5', "1", 1), &lines[3]];
    assert_eq!(choose(twice.map(str::as_bytes)).unwrap().tag, 4);
}

#[test]
fn both_sides_of_a_negotiation_have_the_same_keys() {
    for suite in 0..2 {
        let (mut ours, mut theirs) = (Entropy::from_u64(1), Entropy::from_u64(2));
        let offer = offer_crypto(&mut ours);
        let mut text = b"v=0\r\nm=audio 4000 RTP/SAVP 0\r\n".to_vec();
        offer[suite..].iter().for_each(|line| line.print(&mut text));
        let sdp = SessionDescription::parse(&text).unwrap();
        let chosen = choose(sdp.media[0].attributes("crypto")).unwrap();
        let (answer, their_keys) = answer_crypto(&chosen, &mut theirs);
        let mut text = b"v=0\r\nm=audio 4000 RTP/SAVP 0\r\n".to_vec();
        answer.print(&mut text);
        let sdp = SessionDescription::parse(&text).unwrap();
        let keys = apply_answer(&offer, sdp.media[0].attributes("crypto")).unwrap();
        assert_eq!(keys.suite, Suite::ALL[suite]);
        assert_eq!((&keys.local, &keys.remote), (&their_keys.remote, &their_keys.local));
        assert_eq!(keys.local, offer[suite].key);
        assert_ne!(keys.local, keys.remote);
        let (again, _) = answer_with(&chosen, their_keys.local);
        assert_eq!(again, answer, "our key may stay");
    }
}

#[test]
fn answers_that_answer_something_else_are_refused() {
    let offer = offer_crypto(&mut Entropy::from_u64(1));
    let apply = |lines: &[&str]| apply_answer(&offer, lines.iter().map(|line| line.as_bytes()));
    let line = |text: &str| format!("{text} {KEY}");
    let (right, other) = (line("1 AES_CM_128_HMAC_SHA1_80"), line("2 AES_CM_128_HMAC_SHA1_32"));
    assert!(apply(&[&right]).is_ok() && apply(&[&other]).is_ok());
    assert_eq!(apply(&[]), Err(CryptoError::NoAnswer));
    assert_eq!(apply(&[&right, &other]), Err(CryptoError::SeveralAnswers));
    assert_eq!(apply(&[&line("3 AES_CM_128_HMAC_SHA1_80")]), Err(CryptoError::NotOffered));
    assert_eq!(apply(&[&line("1 AES_CM_128_HMAC_SHA1_32")]), Err(CryptoError::NotOffered));
    assert_eq!(apply(&[&line("1 F8_128_HMAC_SHA1_80")]), Err(CryptoError::Suite));
    assert_eq!(apply(&["1"]), Err(CryptoError::Grammar));
    for ours in &offer {
        let echo = CryptoAttribute { tag: 1, suite: Suite::ALL[0], ..ours.clone() };
        let text = printed(&echo);
        let value = text.trim_end().strip_prefix("a=crypto:").unwrap();
        assert_eq!(apply(&[value]), Err(CryptoError::OurKey));
    }
}
