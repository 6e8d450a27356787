//! There and back through `sdp-rs`: what converts stays the same, what does not is refused by name.
#![cfg(feature = "compat-sdp-rs")]
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

mod seeds;

use offhook::compat::sdp_rs::{ConversionError, to_bytes};
use offhook::fsm::Entropy;
use offhook::sdp::SessionDescription;
use sdp_rs::lines::attribute::{Attribute, Rtpmap};
use sdp_rs::lines::{Email, SessionName};

/// Everything that both hold.
const WHOLE: &str = "v=0\no=alice 1 99999999999999999999 IN IP4 192.0.2.1\ns=a call\ni=about\nu=http://h/\ne=a@h\np=+1 2\nc=IN IP4 233.252.0.1/127/3\nb=AS:64\nb=X-Y:1\nt=2873397496 2873404696\nr=7d 1h 0 25h\nr=604800 3600 0\nz=2882844526 -1h 2898848070 0\nt=0 0\nk=prompt\na=tool:x\na=recvonly\na=group:BUNDLE a b\nm=audio 4000/2 RTP/AVP 0 96\ni=voice\nc=IN IP6 ff15::101/3\nc=IN IP6 2001:db8::1\nb=CT:5\nk=clear:x\na=rtpmap:0 PCMU/8000\na=rtpmap:96 opus/48000/2\na=ptime:20\na=maxptime:20.5\na=inactive\na=fmtp:96 useinbandfec=1\nm=message 2855 TCP/TLS/MSRP *\na=path:msrp://h:2855/x;tcp\n";

fn wire(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

/// Converts there and back, which must change nothing.
fn there_and_back(bytes: &[u8]) -> Option<Result<(), ConversionError>> {
    let ours = SessionDescription::parse(bytes).ok()?;
    Some(sdp_rs::SessionDescription::try_from(&ours).map(|theirs| {
        let back = to_bytes(&theirs).unwrap();
        assert_eq!(back, ours.to_bytes());
        let again = SessionDescription::parse(&back).unwrap();
        assert_eq!(sdp_rs::SessionDescription::try_from(&again), Ok(theirs));
    }))
}

fn changed(from: &str, to: &str) -> Option<Result<(), ConversionError>> {
    assert!(WHOLE.contains(from), "{from}");
    there_and_back(&wire(&WHOLE.replacen(from, to, 1)))
}

#[test]
fn the_seeds_and_a_whole_description_come_back_as_they_were() {
    assert_eq!(there_and_back(&wire(WHOLE)), Some(Ok(())));
    for (name, bytes) in seeds::all(&["diff_sdp_rs"]) {
        assert_eq!(there_and_back(&bytes), Some(Ok(())), "{name}");
    }
}

#[test]
fn what_sdp_rs_has_no_place_for_is_refused_by_name() {
    use ConversionError::{Line, Missing, Order, Twice};
    for (from, to, expected) in [
        ("s=a call\n", "", Missing('s')),
        ("o=alice 1 99999999999999999999 IN IP4 192.0.2.1\n", "", Missing('o')),
        ("s=a call\n", "s=a\ns=b\n", Twice('s')),
        ("k=prompt\n", "k=prompt\nk=prompt\n", Twice('k')),
        ("IN IP4 192.0.2.1\n", "IN IP4 host.example.com\n", Line('o')),
        ("IN IP4 192.0.2.1\n", "IN IP6 2001:DB8::1\n", Line('o')),
        ("IN IP4 192.0.2.1\n", "IN IP4\n", Line('o')),
        ("c=IN IP6 2001:db8::1\n", "c=IN IP6 h.example.com\n", Line('c')),
        ("b=AS:64\n", "b=AS:064\n", Line('b')),
        ("b=AS:64\n", "b=AS\n", Line('b')),
        ("b=AS:64\n", "x=what\n", Line('x')),
        ("4000/2", "4000/300", Line('m')),
        ("RTP/AVP 0 96", "RTP/AVP", Line('m')),
        ("m=audio ", "m=audio  ", Line('m')),
        ("k=clear:x\n", "k=x-own\n", Line('k')),
        ("r=7d 1h 0 25h", "r=7d 1h", Line('r')),
        ("i=about\nu=http://h/\n", "u=http://h/\ni=about\n", Order),
        ("k=prompt\na=tool:x\n", "a=tool:x\nk=prompt\n", Order),
        ("t=2873397496 2873404696\nr=7d", "r=7d", Order),
    ] {
        assert_eq!(changed(from, to), Some(Err(expected)), "{to:?}");
    }
    let latin = [&b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=caf\xe9\r\nt=0 0\r\n"[..]].concat();
    assert_eq!(there_and_back(&latin), Some(Err(ConversionError::Text)));
}

#[test]
fn what_makes_sdp_rs_panic_never_reaches_it() {
    for (from, to) in [
        ("r=7d 1h 0 25h", "r=9999999999999999h 1 0"),
        ("r=7d 1h 0 25h", "r=99999999999999999 1 0"),
        ("r=7d 1h 0 25h", "r=1 -9999999999999999d 0"),
        ("r=7d 1h 0 25h", "r=\u{20ac}s 1 0"),
        ("r=7d 1h 0 25h", "r=s 1 0"),
    ] {
        assert_eq!(changed(from, to), Some(Err(ConversionError::Line('r'))), "{to}");
    }
    let zone = changed("z=2882844526 -1h 2898848070 0", "z=0 9999999999999999h");
    assert_eq!(zone, Some(Err(ConversionError::Line('z'))));
    assert_eq!(changed("r=604800 3600 0", "r=999999999d -999999999d 0"), Some(Ok(())));
}

#[test]
fn known_attributes_become_sdp_rs_s_own_where_they_are_printed_right() {
    let bytes = wire(WHOLE);
    let ours = SessionDescription::parse(&bytes).unwrap();
    let theirs = sdp_rs::SessionDescription::try_from(&ours).unwrap();
    assert_eq!(theirs.attributes[1], Attribute::Recvonly);
    let audio = &theirs.media_descriptions[0].attributes;
    assert!(matches!(&audio[0], Attribute::Rtpmap(map) if map.clock_rate == 8000));
    let opus = Attribute::Other("rtpmap".into(), Some("96 opus/48000/2".into()));
    assert_eq!(audio[1..3], [opus, Attribute::Ptime(20.0)]);
    assert_eq!(audio[4], Attribute::Inactive);
}

#[test]
fn channels_are_printed_with_a_slash_and_what_breaks_out_is_refused() {
    let bytes = wire(WHOLE);
    let ours = SessionDescription::parse(&bytes).unwrap();
    let good = sdp_rs::SessionDescription::try_from(&ours).unwrap();
    let with = |change: &dyn Fn(&mut sdp_rs::SessionDescription)| {
        let mut theirs = good.clone();
        change(&mut theirs);
        to_bytes(&theirs)
    };
    let map = |name: &str| {
        let (payload_type, clock_rate, encoding_params) = (96, 48000, Some(2));
        let encoding_name = name.into();
        Attribute::Rtpmap(Rtpmap { payload_type, encoding_name, clock_rate, encoding_params })
    };
    let printed = with(&|sdp| sdp.attributes.push(map("opus"))).unwrap();
    assert!(String::from_utf8(printed).unwrap().contains("a=rtpmap:96 opus/48000/2\r\n"));
    for refused in [
        with(&|sdp| sdp.session_name = SessionName::new("a\r\nm=audio 1 RTP/AVP 0".into())),
        with(&|sdp| sdp.emails.push(Email::new("a\nb".into()))),
        with(&|sdp| sdp.origin.username = "a b".into()),
        with(&|sdp| sdp.origin.sess_id = String::new()),
        with(&|sdp| sdp.attributes.push(map("o pus"))),
        with(&|sdp| sdp.attributes.push(Attribute::Other("a:b".into(), None))),
        with(&|sdp| sdp.attributes.push(Attribute::Ptime(f32::NAN))),
        with(&|sdp| sdp.media_descriptions[0].media.media = "x y".into()),
    ] {
        assert!(matches!(refused, Err(ConversionError::BreaksOut(_))), "{refused:?}");
    }
}

#[test]
fn mutated_descriptions_come_back_or_are_refused() {
    let mut entropy = Entropy::from_u64(4);
    let mut all = seeds::all(&["diff_sdp_rs", "sdp", "sdp_round_trip"]);
    all.push(("WHOLE".into(), wire(WHOLE)));
    let (mut same, mut refused) = (0, 0);
    for round in 0..20_000 {
        let mut bytes = all[round % all.len()].1.clone();
        seeds::mutate(&mut bytes, &mut entropy);
        match there_and_back(&bytes) {
            Some(Ok(())) => same += 1,
            Some(Err(_)) => refused += 1,
            None => {}
        }
    }
    assert!(same > 1000 && refused > 1000, "{same} {refused}");
}
