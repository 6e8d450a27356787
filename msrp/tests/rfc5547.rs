//! The examples of RFC 5547, and what its attributes may not say.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use offhook_fsm::Entropy;
use offhook_msrp::file::{
    AttributeError, Disposition, FileAttributes, FileDates, ICON_BYTES_MAX, TRANSFER_ID_MAX,
    transfer_id,
};
use offhook_msrp::file_selector::{FileRange, FileSelector};

const ID: &str = "Q6LMoGymJdh0IKIgD6wD0jkcfgva4xvE";
const SELECTOR: &str = "name:\"My cool picture.jpg\" type:image/jpeg size:4092 \
    hash:sha-1:72:24:5F:E8:65:3D:DA:F3:71:36:2F:86:D4:71:91:3E:E4:A2:CE:2E";

fn read(lines: &[(&'static str, &str)]) -> Result<Option<FileAttributes>, AttributeError> {
    FileAttributes::read(lines.iter().copied())
}

fn file(extra: &[(&'static str, &str)]) -> FileAttributes {
    let usual = [("file-selector", SELECTOR), ("file-transfer-id", ID)];
    read(&[&usual[..], extra].concat()).unwrap().unwrap()
}

#[test]
fn rfc5547_9_1_an_offer_to_send_a_file() {
    let found = file(&[
        ("accept-types", "message/cpim"),
        ("path", "msrp://atlanta.example.com:7654/jshA7we;tcp"),
        ("file-disposition", "attachment"),
        ("file-date", "creation:\"Mon, 15 May 2006 15:01:31 +0300\""),
        ("file-icon", "cid:id2@alicepc.example.com"),
        ("file-range", "1-4092"),
    ]);
    assert_eq!(found.selector.name.as_deref(), Some("My cool picture.jpg"));
    assert_eq!(found.selector.media_type.as_deref(), Some("image/jpeg"));
    assert_eq!((found.selector.size, found.transfer_id.as_str()), (Some(4092), ID));
    assert_eq!(found.selector.hash("SHA-1").unwrap().len(), 20);
    assert_eq!(found.disposition, Some(Disposition::Attachment));
    let dates = FileDates { creation: Some(1_147_694_491), ..FileDates::default() };
    assert_eq!(found.dates, dates);
    assert_eq!(found.icon.as_deref(), Some("id2@alicepc.example.com"));
    assert_eq!(found.range, Some(FileRange { start: 1, stop: Some(4092) }));
    let again = found.print().unwrap();
    let again = FileAttributes::read(again.iter().map(|(name, value)| (*name, &**value)));
    assert_eq!(again, Ok(Some(found)));
}

#[test]
fn rfc5547_9_2_an_offer_to_fetch_a_file_by_its_hash_alone() {
    let hash = SELECTOR.split_once(" hash").unwrap().1;
    let selector = format!("hash{hash}");
    let asked = read(&[("file-selector", &selector), ("file-transfer-id", ID)]).unwrap().unwrap();
    assert_eq!((asked.selector.size, asked.selector.hashes.len()), (None, 1));
    assert!(file(&[]).answers(&asked));
}

#[test]
fn all_three_dates_come_back_and_what_is_none_is_left_out() {
    let all = "creation:\"Mon, 15 May 2006 15:01:31 +0300\" \
        modification:\"Mon, 15 May 2006 16:04:53 +0300\" read:\"Mon, 16 May 2006 07:27:37 +0300\"";
    let found = file(&[("file-date", all)]).dates;
    let expected = FileDates {
        creation: Some(1_147_694_491),
        modification: Some(1_147_698_293),
        read: Some(1_147_753_657),
    };
    assert_eq!(found, expected);
    for none in
        ["", "creation", "creation:", "creation:\"", "creation:\"x\"", "other:\"1\"", "\"\""]
    {
        assert_eq!(file(&[("file-date", none)]).dates, FileDates::default(), "{none}");
    }
}

#[test]
fn what_must_be_understood_and_is_not_is_refused() {
    let selector = ("file-selector", SELECTOR);
    let id = ("file-transfer-id", ID);
    assert_eq!(read(&[id, ("path", "x")]), Ok(None));
    assert_eq!(read(&[selector]), Err(AttributeError::NoTransferId));
    for (lines, error) in [
        ([selector, id, selector], AttributeError::Doubled("file-selector")),
        ([selector, id, id], AttributeError::Doubled("file-transfer-id")),
        ([selector, id, ("file-selector", "size:x")], AttributeError::Doubled("file-selector")),
        ([("file-selector", "size:x"), id, id], AttributeError::Invalid("file-selector")),
        (
            [selector, ("x", ""), ("file-transfer-id", "")],
            AttributeError::Invalid("file-transfer-id"),
        ),
        (
            [selector, ("x", ""), ("file-transfer-id", "a b")],
            AttributeError::Invalid("file-transfer-id"),
        ),
        ([selector, id, ("file-range", "0-*")], AttributeError::Invalid("file-range")),
        ([selector, id, ("file-range", "9-1")], AttributeError::Invalid("file-range")),
    ] {
        assert_eq!(read(&lines), Err(error), "{lines:?}");
    }
}

#[test]
fn what_is_only_shown_may_be_anything() {
    let found = file(&[
        ("file-disposition", "a b"),
        ("file-icon", "http://example.com/icon.png"),
        ("file-date", "yesterday"),
    ]);
    assert_eq!((found.disposition, found.icon), (None, None));
    let other = file(&[("file-disposition", "Preview")]).disposition;
    assert_eq!(other, Some(Disposition::Other("preview".into())));
}

#[test]
fn ids_and_icons_have_their_limits() {
    let of = |id: &str| read(&[("file-selector", SELECTOR), ("file-transfer-id", id)]);
    assert!(of(&"x".repeat(TRANSFER_ID_MAX)).is_ok());
    assert!(of(&"x".repeat(TRANSFER_ID_MAX + 1)).is_err());
    let icon = |bytes: usize| file(&[("file-icon", &format!("cid:{}", "x".repeat(bytes)))]).icon;
    assert!(icon(ICON_BYTES_MAX).is_some() && icon(ICON_BYTES_MAX + 1).is_none());
    assert!(icon(0).is_none());
}

#[test]
fn nothing_breaks_out_of_its_attribute() {
    let good = file(&[]);
    for bad in [
        FileAttributes { transfer_id: "a\r\nb".into(), ..good.clone() },
        FileAttributes { transfer_id: String::new(), ..good.clone() },
        FileAttributes { icon: Some("a\r\nb".into()), ..good.clone() },
        FileAttributes { disposition: Some(Disposition::Other("a\r".into())), ..good.clone() },
        FileAttributes { range: Some(FileRange { start: 0, stop: None }), ..good.clone() },
        FileAttributes {
            selector: FileSelector { media_type: Some("a/b\r\n".into()), ..good.selector.clone() },
            ..good.clone()
        },
    ] {
        assert!(bad.print().is_err(), "{bad:?}");
    }
    assert!(good.print().is_ok());
}

#[test]
fn an_answer_is_about_the_file_that_was_offered() {
    let offer = file(&[("file-range", "100-*")]);
    let with = |selector: &str, id: &str, range: &str| {
        let lines = [("file-selector", selector), ("file-transfer-id", id), ("file-range", range)];
        read(&lines).unwrap().unwrap()
    };
    assert!(with(SELECTOR, ID, "100-*").answers(&offer));
    assert!(with("name:\"My cool picture.jpg\"", ID, "200-300").answers(&offer));
    assert!(!with(SELECTOR, ID, "99-*").answers(&offer), "from further ahead");
    assert!(!with(SELECTOR, "other", "100-*").answers(&offer), "another transfer");
    assert!(!with("size:4093", ID, "100-*").answers(&offer), "another file");
    assert!(!file(&[]).answers(&offer), "all of it was not asked for");
    assert!(file(&[]).answers(&file(&[])));
    assert!(!with(SELECTOR, ID, "1-301").answers(&with(SELECTOR, ID, "1-300")));
}

#[test]
fn no_two_transfers_have_the_same_id() {
    let mut entropy = Entropy::from_u64(1);
    let (one, two) = (transfer_id(&mut entropy), transfer_id(&mut entropy));
    assert_ne!(one, two);
    assert_eq!(one.len(), 32);
}
