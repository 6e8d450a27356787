//! Lines for files (RFC 5547 §8): told from chats, offered, answered, and read.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use offhook::media::codec::Codec;
use offhook::msrp::file::FileAttributes;
use offhook::negotiate::{
    self, Capabilities, FileRole, LocalChat, LocalFile, Origin, OwnLine, SrtpPolicy, Wish, Wishes,
    offered_chat, offered_file, screen,
};

const CHAT: &str = "m=message 2855 TCP/MSRP *\r\na=path:msrp://192.0.2.9:2855/chat;tcp\r\n";
/// RFC 5547 §9.1, with another path.
const PUSH: &str = "m=message 7654 TCP/MSRP *\r\na=sendonly\r\na=accept-types:message/cpim\r\n\
    a=path:msrp://192.0.2.9:7654/jshA7we;tcp\r\n\
    a=file-selector:name:\"My cool picture.jpg\" type:image/jpeg size:4092\r\n\
    a=file-transfer-id:Q6LMoGymJdh0IKIgD6wD0jkcfgva4xvE\r\n\
    a=file-disposition:render\r\na=file-icon:cid:id2@alicepc.example.com\r\n";

fn described(lines: &str) -> String {
    format!("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n{lines}")
}

fn able() -> Capabilities {
    Capabilities {
        codecs: Codec::ALL.into(),
        telephone_event: true,
        chat: true,
        chat_over_tls: false,
        srtp: SrtpPolicy::Disabled,
    }
}

fn origin() -> Origin {
    Origin { session_id: 7, version: 8, address: "192.0.2.1".parse().unwrap() }
}

fn file() -> FileAttributes {
    let lines = [
        ("file-selector", "name:\"My cool picture.jpg\" type:image/jpeg size:4092"),
        ("file-transfer-id", "Q6LMoGymJdh0IKIgD6wD0jkcfgva4xvE"),
    ];
    FileAttributes::read(lines).unwrap().unwrap()
}

fn local(role: FileRole, file: FileAttributes) -> LocalFile {
    LocalFile::new(LocalChat::new(4000, "msrp://192.0.2.1:4000/f;tcp"), role, file).unwrap()
}

fn wish(local: LocalFile) -> Wishes {
    Wishes { file: Wish { local: Some(local), line: None }, ..Wishes::default() }
}

/// What the peer's answer to our push settles.
fn applied(lines: &str) -> negotiate::Settled {
    let ours = [OwnLine::File(Box::new(local(FileRole::Sends, file())))];
    negotiate::apply_answer(described(lines).as_bytes(), &able(), &ours).unwrap()
}

#[test]
fn a_line_with_a_selector_is_a_file_and_no_chat() {
    let both = described(&format!("{PUSH}{CHAT}"));
    assert!(screen(both.as_bytes(), &able()).unwrap().chat);
    let found = offered_file(both.as_bytes()).unwrap();
    assert_eq!((found.role, found.file.selector.size), (FileRole::Receives, Some(4092)));
    assert!(!found.link.tls && !found.link.connect);
    let chat = Wish { local: Some(LocalChat::new(5000, "msrp://192.0.2.1/c;tcp")), line: None };
    let wishes = Wishes { chat, ..Wishes::default() };
    let made = negotiate::answer(both.as_bytes(), &able(), &origin(), &wishes).unwrap();
    assert_eq!(made.settled.chat.unwrap().line, 1);
    assert!(made.lines[0].is_closed() && !made.lines[1].is_closed());
    let alone = described(PUSH);
    assert_eq!(offered_chat(alone.as_bytes()), None);
    assert_eq!(screen(alone.as_bytes(), &able()).unwrap_err().status, 415);
}

#[test]
fn what_cannot_be_understood_is_no_file() {
    for (from, to) in [
        ("a=sendonly\r\n", ""),
        ("a=sendonly", "a=inactive"),
        ("a=file-transfer-id", "a=x"),
        ("size:4092", "size:many"),
        ("a=path", "a=no-path"),
        ("7654 TCP/MSRP", "0 TCP/MSRP"),
        ("TCP/MSRP", "TCP/OTHER"),
        ("a=file-disposition:render", "a=file-selector:size:1"),
    ] {
        let text = described(&PUSH.replacen(from, to, 1));
        assert_eq!(offered_file(text.as_bytes()), None, "{to}");
    }
    let asked = described(&PUSH.replace("a=sendonly", "a=recvonly"));
    assert_eq!(offered_file(asked.as_bytes()).unwrap().role, FileRole::Sends);
}

#[test]
fn our_offer_of_a_file_can_be_read_by_its_receiver() {
    let line = OwnLine::File(Box::new(local(FileRole::Sends, file())));
    assert!(line.is_for("file") && line.closed().is_for("message"));
    let offer = negotiate::offer(&able(), &origin(), &[line]);
    let text = String::from_utf8(offer.clone()).unwrap();
    assert!(
        text.ends_with(
            "m=message 4000 TCP/MSRP *\r\na=path:msrp://192.0.2.1:4000/f;tcp\r\n\
             a=accept-types:*\r\na=sendonly\r\n\
             a=file-selector:name:\"My cool picture.jpg\" type:image/jpeg size:4092\r\n\
             a=file-transfer-id:Q6LMoGymJdh0IKIgD6wD0jkcfgva4xvE\r\n"
        ),
        "{text}"
    );
    let found = offered_file(&offer).unwrap();
    assert_eq!((found.role, found.file), (FileRole::Receives, file()));
}

#[test]
fn an_answer_takes_the_file_that_it_is_about_and_turns_its_direction() {
    let offer = described(&format!("{CHAT}{PUSH}"));
    let wishes = wish(local(FileRole::Receives, file()));
    let made = negotiate::answer(offer.as_bytes(), &able(), &origin(), &wishes).unwrap();
    let settled = made.settled.file.unwrap();
    assert_eq!((settled.link.line, settled.link.connects), (1, false));
    assert_eq!(settled.file.icon.as_deref(), Some("id2@alicepc.example.com"));
    let text = String::from_utf8(made.body).unwrap();
    assert!(text.contains("a=recvonly\r\n") && text.contains("m=message 0 "), "{text}");
    assert!(made.settled.unmet.is_none());
    let taken =
        applied(text.split_once("t=0 0\r\n").unwrap().1.rsplit_once("m=").map_or("", |_| {
            let at = text.rfind("m=message").unwrap();
            text.get(at..).unwrap()
        }));
    assert_eq!(taken.file.unwrap().file, file());
}

#[test]
fn another_file_than_ours_is_not_taken() {
    let other = FileAttributes { transfer_id: "another".into(), ..file() };
    let wishes = wish(local(FileRole::Receives, other));
    let offer = described(PUSH);
    let made = negotiate::answer(offer.as_bytes(), &able(), &origin(), &wishes).unwrap();
    assert!(made.settled.file.is_none() && made.lines[0].is_closed());
    assert_eq!(made.settled.unmet.unwrap().status, 488);
    let takes = PUSH.replace("a=sendonly", "a=recvonly");
    assert!(applied(&takes).file.is_some());
    for (from, to) in [
        ("a=recvonly", "a=sendonly"),
        ("a=recvonly\r\n", ""),
        ("size:4092", "size:4093"),
        ("Q6LM", "other"),
        ("a=path", "a=no-path"),
    ] {
        let settled = applied(&takes.replacen(from, to, 1));
        assert!(settled.file.is_none() && settled.file_left_open, "{to}");
    }
    let refused = applied("m=message 0 TCP/MSRP *\r\n");
    assert!(refused.file.is_none() && !refused.file_left_open);
    assert_eq!(refused.unmet.unwrap().reason, "the peer refused the file");
}

/// RFC 5547 §8.4: the rest of a file is asked for.
#[test]
fn an_answer_may_ask_for_less_of_the_file() {
    let rest = format!("{}a=file-range:1001-*\r\n", PUSH.replace("sendonly", "recvonly"));
    assert_eq!(applied(&rest).file.unwrap().file.range.unwrap().start, 1001);
}
