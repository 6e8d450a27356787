//! Against `sdp-rs` 0.2.

use offhook::sdp::{MediaDescription, SdpErrorKind, SessionDescription};

/// Same media lines with their ports, protocols and formats, same origin, same attributes.
pub fn diff_sdp_rs(data: &[u8]) {
    compared(data);
}

/// Whether both understood it.
fn compared(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    // Defects: a lone LF or CR swallows the next line into a value, and LF alone is quadratic.
    let crlf = text.matches("\r\n").count();
    if text.matches(['\r', '\n']).count() != 2 * crlf {
        return false;
    }
    let parsed = super::ask(|| sdp_rs::SessionDescription::try_from(text));
    let Some(Ok(theirs)) = parsed else { return false };
    // Defect: what is in an unexpected place is silently thrown away with all that follows.
    let printed = super::ask(|| theirs.to_string()).unwrap_or_default();
    if printed.lines().count() != text.lines().count() {
        return false;
    }
    let ours = match SessionDescription::parse(data) {
        Ok(ours) => ours,
        Err(error) => {
            assert!(is_not_checked_by_sdp_rs(error.kind, text), "{error}");
            return false;
        }
    };
    let words: Vec<_> = ours.line(b'o').unwrap_or_default().split(|byte| *byte == b' ').collect();
    let [user, id, version, .., address] = words.as_slice() else {
        assert!(words.is_empty(), "an origin of {} words", words.len());
        return false;
    };
    let origin = &theirs.origin;
    assert_eq!(
        [*user, id, version],
        [&origin.username, &origin.sess_id, &origin.sess_version].map(|word| word.as_bytes())
    );
    let address = std::str::from_utf8(address).ok().and_then(|text| text.parse().ok());
    assert_eq!(address, Some(origin.unicast_address));
    assert_eq!(ours.lines.iter().filter(|line| line.kind == b'a').count(), theirs.attributes.len());
    assert_eq!(ours.media.len(), theirs.media_descriptions.len());
    for (ours, theirs) in ours.media.iter().zip(&theirs.media_descriptions) {
        media(ours, theirs);
    }
    true
}

fn media(ours: &MediaDescription<'_>, theirs: &sdp_rs::MediaDescription) {
    // Defect: blanks beside blanks, or at either end, make empty words.
    if ours.value.trim_ascii() != ours.value || ours.value.windows(2).any(|pair| pair == b"  ") {
        return;
    }
    let line = &theirs.media;
    assert!(ours.media.eq_ignore_ascii_case(line.media.to_string().as_bytes()));
    assert_eq!(ours.port, line.port);
    assert!(ours.proto.eq_ignore_ascii_case(line.proto.to_string().as_bytes()));
    assert_eq!(ours.formats.join(&b' '), line.fmt.trim_end_matches(' ').as_bytes());
    let attributes = ours.lines.iter().filter(|line| line.kind == b'a').count();
    assert_eq!(attributes, theirs.attributes.len());
}

/// Defects: versions other than 0, `+` before a port and empty words are taken, and there are no
/// limits.
fn is_not_checked_by_sdp_rs(kind: SdpErrorKind, text: &str) -> bool {
    match kind {
        SdpErrorKind::TooLong | SdpErrorKind::TooManyLines | SdpErrorKind::TooManyMedia => true,
        SdpErrorKind::Version => !text.starts_with("v=0\r"),
        SdpErrorKind::Media => text.lines().any(|line| {
            line.starts_with("m=") && ["m= ", "  ", " +"].iter().any(|odd| line.contains(odd))
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_seeds_are_understood_by_both() {
        super::super::each_seed("diff_sdp_rs", super::compared);
    }
}
