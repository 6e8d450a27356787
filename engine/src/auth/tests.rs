//! The examples of the RFCs, and what a client does about them.

use offhook_fsm::Entropy;

use super::*;
use crate::credentials::Credentials;
use crate::sip::Message;

const SERVER: &str = "192.0.2.4";

fn hop() -> Hop<'static> {
    Hop::chosen(SERVER.parse().unwrap())
}

const INVITE: Request<'_> =
    Request { method: b"INVITE", uri: b"sip:bob@biloxi.com", body: b"v=0\r\n" };

struct Client {
    authenticator: Authenticator,
    attempt: Attempt,
    entropy: Entropy,
}

impl Client {
    fn new(credentials: Vec<Credentials>) -> Self {
        let authenticator = Authenticator::new(credentials);
        Self { authenticator, attempt: Attempt::default(), entropy: Entropy::from_u64(1) }
    }

    fn bob() -> Self {
        Self::new(vec![Credentials::new("bob", "zanzibar")])
    }

    fn asked_by(&mut self, hop: &Hop<'_>, challenges: &[(Asker, &str)]) -> Result<(), AuthError> {
        let challenges = challenges.iter().map(|(asker, value)| (*asker, value.as_bytes()));
        self.authenticator.challenged(hop, &mut self.attempt, challenges, &mut self.entropy)
    }

    fn asked(&mut self, challenge: &str) -> Result<(), AuthError> {
        self.asked_by(&hop(), &[(Asker::Server, challenge)])
    }

    fn answers(&mut self) -> Vec<(Asker, Authorization)> {
        self.authenticator.authorize(&INVITE, hop().address).unwrap()
    }

    fn answer(&mut self) -> Authorization {
        let [(_, answer)] = self.answers().try_into().unwrap();
        answer
    }
}

fn challenge(value: &str) -> Result<Challenge, AuthError> {
    let [challenge] = Challenge::parse_all(Asker::Server, value.as_bytes()).try_into().unwrap();
    challenge
}

/// Whether the server that has this password takes the answer.
fn is_right(answer: &Authorization, request: &Request<'_>, password: &str) -> bool {
    let algorithm = answer.named_algorithm.unwrap_or(Algorithm::Md5);
    let (realm, nonce) = (answer.realm.value(), answer.nonce.value());
    let cnonce = answer.count.as_ref().map(|(_, _, cnonce)| cnonce.value().into_owned());
    let cnonce = cnonce.unwrap_or_default();
    let user = answer.username.value();
    let a1 = a1(algorithm, (&user, &realm, password.as_bytes()), (&nonce, &cnonce));
    let count = answer.count.as_ref().map(|(quality, nc, _)| (*quality, *nc, &*cnonce));
    *answer.response == *response(algorithm, &a1, &nonce, count, request).as_str()
}

#[test]
fn rfc_2617_3_5() {
    let who: (&[u8], &[u8], &[u8]) = (b"Mufasa", b"testrealm@host.com", b"Circle Of Life");
    let nonce = b"dcd98b7102dd2f0e8b11d0f600bfb0c093";
    let request = Request { method: b"GET", uri: b"/dir/index.html", body: b"" };
    let key = a1(Algorithm::Md5, who, (b"", b""));
    let count = Some((Quality::Auth, 1, &b"0a4f113b"[..]));
    let answer = response(Algorithm::Md5, &key, nonce, count, &request);
    assert_eq!(answer.as_str(), "6629fae49393a05397450978507c4ef1");
}

#[test]
fn rfc_7616_3_9_1() {
    let who: (&[u8], &[u8], &[u8]) = (b"Mufasa", b"http-auth@example.org", b"Circle of Life");
    let nonce = b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    let cnonce = b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    let request = Request { method: b"GET", uri: b"/dir/index.html", body: b"" };
    for (algorithm, expected) in [
        (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
        (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ] {
        let key = a1(algorithm, who, (nonce, cnonce));
        let count = Some((Quality::Auth, 1, &cnonce[..]));
        assert_eq!(response(algorithm, &key, nonce, count, &request).as_str(), expected);
    }
}

/// With the numbers of erratum 4897: those that were printed are of a SHA-512 cut short.
#[test]
fn rfc_7616_3_9_2() {
    let challenge = challenge(concat!(
        "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, ",
        "nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", ",
        "opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", charset=UTF-8, userhash=true"
    ))
    .unwrap();
    assert!(challenge.userhash);
    let (algorithm, nonce) = (challenge.algorithm(), challenge.nonce.value());
    let (user, realm) = ("J\u{e4}s\u{f8}n Doe".as_bytes(), challenge.realm.value());
    assert_eq!(
        userhash(algorithm, user, &realm).as_str(),
        "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
    );
    let key = a1(algorithm, (user, &realm, b"Secret, or not?"), (b"", b""));
    let cnonce = b"NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v";
    let request = Request { method: b"GET", uri: b"/doe.json", body: b"" };
    let count = Some((Quality::Auth, 1, &cnonce[..]));
    assert_eq!(
        response(algorithm, &key, &nonce, count, &request).as_str(),
        "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
    );
}

#[test]
fn every_algorithm_with_every_quality() {
    let who: (&[u8], &[u8], &[u8]) = (b"bob", b"biloxi.com", b"zanzibar");
    let (nonce, cnonce) = (&b"dcd98b7102dd2f0e8b11d0f600bfb0c093"[..], &b"0a4f113b"[..]);
    for (algorithm, auth, auth_int) in [
        (Algorithm::Md5, "da61920429f958b1fe4eb4f5eebbc2cf", "9855c80e3610fac8933f2c676a44cb4b"),
        (
            Algorithm::Md5Sess,
            "c0a5870829c575198432ba651b8a41de",
            "00ee96738abb1ce19ad845eae2775d15",
        ),
        (
            Algorithm::Sha256,
            "a0e65c11fd66ca05992cce3870640a3bf3b9cbec4819ab4d69d0065c2133db16",
            "a2ec5c104d4e195ec9e0c8aecf6f20cf4a692a670134289d0bcee973e8a6f7fd",
        ),
        (
            Algorithm::Sha256Sess,
            "8a60b78646a6e353ae8f4bfb727dca7b5f00f7f94f9ff2fc2aff7e192999cc04",
            "7dcf1cf1b00925794110d603812151ab9c4ca20a747c9d6c4a97fdc321ca8445",
        ),
        (
            Algorithm::Sha512_256,
            "34537ce18a10282477c41f27afb9e7e07ae92c80308a4064b5e2acdb5fed50f4",
            "5f6809882d8dac6dbbfec4269a94455035ebe0945d1dedcaced61f8e5ca08044",
        ),
        (
            Algorithm::Sha512_256Sess,
            "5c0c917e253d4a780e6d74d73289871f2f438a8e4c4282dd44c3c08912c59022",
            "af6b68faaa8a05d5ea6dd24a13d627408fd16e36e90d74a0c567d1484cbb3ee0",
        ),
    ] {
        let key = a1(algorithm, who, (nonce, cnonce));
        for (quality, expected) in [(Quality::Auth, auth), (Quality::AuthInt, auth_int)] {
            let count = Some((quality, 10, cnonce));
            let answer = response(algorithm, &key, nonce, count, &INVITE);
            assert_eq!(answer.as_str(), expected, "{algorithm:?} {quality:?}");
        }
    }
    for (algorithm, expected) in [
        (Algorithm::Md5, "bf57e4e0d0bffc0fbaedce64d59add5e"),
        (Algorithm::Sha256, "38aad98c50c33abe72c5f88dd17246ffcfa6b1f68852c855719ff0659386c0ca"),
    ] {
        let key = a1(algorithm, who, (b"", b""));
        let answer = response(algorithm, &key, nonce, None, &INVITE);
        assert_eq!(answer.as_str(), expected, "in the manner of RFC 2069");
    }
}

#[test]
fn the_challenges_of_rfc_3261_and_rfc_3665_are_read() {
    let one = challenge(concat!(
        "Digest realm=\"atlanta.com\",\r\n domain=\"sip:boxesbybob.com\", qop=\"auth\",\r\n",
        " nonce=\"f84f1cec41e6cbe5aea9c8e88d359\",\r\n opaque=\"\", stale=FALSE, algorithm=MD5"
    ))
    .unwrap();
    assert_eq!(one.nonce.raw(), b"f84f1cec41e6cbe5aea9c8e88d359");
    assert_eq!(one.opaque.as_ref().map(QuotedText::raw), Some(&b""[..]));
    assert_eq!((one.algorithm(), one.quality), (Algorithm::Md5, Some(Quality::Auth)));
    assert!(!one.is_stale && !one.userhash);
    let two = challenge(concat!(
        "Digest realm=\"atlanta.example.com\", qop=\"auth\",\r\n",
        " nonce=\"ea9c8e88df84f1cec4341ae6cbe5a359\",\r\n opaque=\"\", stale=FALSE, algorithm=MD5"
    ));
    assert_eq!(two.unwrap().realm.raw(), b"atlanta.example.com");
}

/// RFC 3665 §2.1 prints its answer without a comma behind the realm.
#[test]
fn parameters_without_a_comma_between_them_are_refused() {
    let answer = |comma: &str| {
        let text = format!(
            "Digest username=\"bob\", realm=\"atlanta.example.com\"{comma}\r\n \
             nonce=\"ea9c8e88df84f1cec4341ae6cbe5a359\", opaque=\"\",\r\n \
             uri=\"sips:ss2.biloxi.example.com\",\r\n response=\"dfe56131d1958046689d83306477ecc\""
        );
        Authorization::parse(text.as_bytes())
    };
    assert_eq!(answer(""), Err(AuthError::Malformed("a value goes on behind its end")));
    let read = answer(",").unwrap();
    assert_eq!(read.uri.unwrap().raw(), b"sips:ss2.biloxi.example.com");
    assert_eq!((read.count, &*read.response), (None, "dfe56131d1958046689d83306477ecc"));
}

#[test]
fn what_careless_servers_write_is_understood() {
    for value in [
        "digest REALM=asterisk,nonce=1a2b , qop = auth-int , algorithm=\"md5\",stale=\"TRUE\"",
        "Digest realm=\"asterisk\",, nonce=\"1a2b\", qop=\"foo, auth-int\", stale=true,",
    ] {
        let challenge = challenge(value).unwrap();
        assert_eq!(
            (challenge.realm.raw(), challenge.nonce.raw()),
            (&b"asterisk"[..], &b"1a2b"[..])
        );
        assert_eq!(challenge.quality, Some(Quality::AuthInt), "{value}");
        assert!(challenge.is_stale && challenge.algorithm() == Algorithm::Md5);
    }
    assert_eq!(challenge("Digest realm=\"a\", nonce=\"b\", qop=\"\"").unwrap().quality, None);
}

#[test]
fn what_is_broken_is_named() {
    for (value, what) in [
        ("Digest nonce=\"b\"", "there is no realm"),
        ("Digest realm=\"a\"", "there is no nonce"),
        ("Digest realm=\"a\", nonce=\"b", "a quote is not closed"),
        ("Digest realm=\"a\", nonce=\"b\\\"", "a quote is not closed"),
        ("Digest realm=\"a\", nonce=", "a parameter has no value"),
        ("Digest realm=\"a\" nonce=\"b\"", "a value goes on behind its end"),
        ("Digest realm=\"a\", realm=\"b\", nonce=\"c\"", "a parameter stands there twice"),
        ("Digest realm=\"a\", nonce=\"\0\"", "a value has a control character in it"),
        ("Digest realm=\"a\", =\"b\"", "a parameter without name or scheme"),
        ("Digest realm=\"a\", \"b\"", "something that is no word"),
        ("realm=\"a\", nonce=\"b\"", "a parameter without name or scheme"),
    ] {
        assert_eq!(challenge(value), Err(AuthError::Malformed(what)), "{value}");
    }
    assert!(Challenge::parse_all(Asker::Server, b" ,\t").is_empty());
}

#[test]
fn limits_hold_at_the_limit_and_one_past_it() {
    let nonce = |length| format!("Digest realm=\"a\", nonce=\"{}\"", "n".repeat(length));
    assert!(challenge(&nonce(VALUE_MAX)).is_ok());
    assert_eq!(challenge(&nonce(VALUE_MAX + 1)), Err(AuthError::Malformed("a value is too long")));
    let many = |count: usize| {
        let more: String = (2..count).map(|n| format!(", x{n}=1")).collect();
        format!("Digest realm=\"a\", nonce=\"b\"{more}")
    };
    assert!(challenge(&many(PARAMETERS_MAX)).is_ok());
    assert_eq!(
        challenge(&many(PARAMETERS_MAX + 1)),
        Err(AuthError::Malformed("it has too many parameters"))
    );
    let list = vec!["Digest realm=\"a\", nonce=\"b\""; CHALLENGES_MAX + 1].join(", ");
    assert_eq!(Challenge::parse_all(Asker::Server, list.as_bytes()).len(), CHALLENGES_MAX);
}

#[test]
fn a_list_of_schemes_is_taken_apart() {
    let value = "Negotiate, Basic realm=\"x, Digest\", NTLM YWJj==, Digest realm=\"a\\\"b\", \
                 nonce=\"1\", algorithm=SHA-256, qop=\"auth\", Digest realm=\"c\", nonce=\"2\"";
    let all = Challenge::parse_all(Asker::Proxy, value.as_bytes());
    let realms: Vec<_> = all.iter().flatten().map(|one| one.realm.value().into_owned()).collect();
    assert_eq!(realms, [b"a\"b".to_vec(), b"c".to_vec()]);
    assert_eq!(all.len(), 5);
    assert_eq!(all[1], Err(AuthError::Unsupported("the scheme is not Digest")));
}

#[test]
fn an_answer_says_what_the_challenge_asked() {
    let mut client = Client::bob();
    client
        .asked("Digest realm=\"biloxi.com\", nonce=\"n\\\"1\", opaque=\"o\\\\\", qop=\"auth,auth-int\"")
        .unwrap();
    let answer = client.answer();
    let cnonce = answer.count.as_ref().unwrap().2.raw().escape_ascii().to_string();
    assert_eq!(cnonce.len(), 32);
    let text = String::from_utf8(answer.to_bytes()).unwrap();
    let expected = format!(
        "Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"n\\\"1\", \
         uri=\"sip:bob@biloxi.com\", response=\"{}\", cnonce=\"{cnonce}\", qop=auth, nc=00000001, \
         opaque=\"o\\\\\"",
        answer.response
    );
    assert_eq!(text, expected);
    assert!(is_right(&answer, &INVITE, "zanzibar") && !is_right(&answer, &INVITE, "other"));
    assert_eq!(Authorization::parse(text.as_bytes()), Ok(answer));
}

#[test]
fn quotes_in_names_are_escaped_and_hashed_as_they_are_meant() {
    let mut client = Client::new(vec![Credentials::new("b\"o\\b", "zanzibar")]);
    client.asked("Digest realm=\"a \\\"b\\\"\", nonce=\"1\", algorithm=SHA-256").unwrap();
    let answer = client.answer();
    assert_eq!(answer.username.raw(), b"b\\\"o\\\\b");
    assert_eq!(answer.realm.raw(), b"a \\\"b\\\"");
    assert!(is_right(&answer, &INVITE, "zanzibar"));
    let mut client = Client::new(vec![Credentials::new("b\r\nX: y", "zanzibar")]);
    let refused = client.asked("Digest realm=\"a\", nonce=\"1\"");
    assert_eq!(refused, Err(AuthError::Unprintable));
}

#[test]
fn the_count_of_a_nonce_grows_and_starts_anew_with_the_next_one() {
    let mut client = Client::bob();
    client.asked("Digest realm=\"a\", nonce=\"1\", qop=auth, algorithm=MD5-sess").unwrap();
    let counts: Vec<_> = (0..17).map(|_| client.answer().count.unwrap().1).collect();
    assert_eq!(counts, (1..=17).collect::<Vec<_>>());
    let text = String::from_utf8(client.answer().to_bytes()).unwrap();
    assert!(text.contains("nc=00000012"), "{text}");
    client.asked("Digest realm=\"a\", nonce=\"2\", qop=auth, stale=true").unwrap();
    assert_eq!(client.answer().count.unwrap().1, 1);
}

#[test]
fn the_strongest_challenge_of_a_realm_counts_and_then_the_first() {
    let digest = |algorithm: &str, nonce: u8| {
        format!("Digest realm=\"a\", nonce=\"{nonce}\", qop=\"auth\", algorithm={algorithm}")
    };
    for (offered, expected) in [
        (vec!["MD5", "SHA-256", "SHA-512-256"], b"1"),
        (vec!["MD5", "SHA-512-256", "SHA-256"], b"1"),
        (vec!["SHA-1", "MD5-sess", "MD5"], b"1"),
        (vec!["SHA-256-sess", "MD5"], b"0"),
    ] {
        let values: Vec<_> = (0..).zip(&offered).map(|(n, name)| digest(name, n)).collect();
        let separate: Vec<_> = values.iter().map(|v| (Asker::Server, v.as_str())).collect();
        let mut client = Client::bob();
        client.asked_by(&hop(), &separate).unwrap();
        assert_eq!(client.answer().nonce.raw(), expected, "{offered:?}");
        let mut client = Client::bob();
        client.asked(&values.join(", ")).unwrap();
        assert_eq!(client.answer().nonce.raw(), expected, "{offered:?} in one header");
    }
}

#[test]
fn what_nobody_knows_is_refused_by_name() {
    for (value, what) in [
        ("Basic realm=\"a\"", "the scheme is not Digest"),
        ("Digest realm=\"a\", nonce=\"1\", algorithm=SHA-1", "the algorithm is unknown"),
        ("Digest realm=\"a\", nonce=\"1\", qop=\"x\"", "the quality of protection is unknown"),
        ("Digest realm=\"a\", nonce=\"1\", algorithm=MD5-sess", "a session algorithm needs a qop"),
    ] {
        assert_eq!(Client::bob().asked(value), Err(AuthError::Unsupported(what)), "{value}");
    }
    assert_eq!(Client::bob().asked_by(&hop(), &[]), Err(AuthError::NoChallenge));
}

#[test]
fn proxies_and_servers_are_answered_in_their_own_headers() {
    let bob = Credentials::new("bob", "zanzibar").for_realm("biloxi.com");
    let proxy = Credentials::new("alice", "sesame").for_realm("atlanta.com");
    let mut client = Client::new(vec![bob, proxy]);
    client
        .asked_by(
            &hop(),
            &[
                (Asker::Proxy, "Digest realm=\"atlanta.com\", nonce=\"1\", qop=\"auth\""),
                (Asker::Server, "Digest realm=\"biloxi.com\", nonce=\"2\", qop=\"auth\""),
                (Asker::Proxy, "Digest realm=\"chicago.com\", nonce=\"3\", qop=\"auth\""),
            ],
        )
        .unwrap();
    let [(first, to_proxy), (second, to_server)] = client.answers().try_into().unwrap();
    assert_eq!((first, second), (Asker::Proxy, Asker::Server));
    assert!(is_right(&to_proxy, &INVITE, "sesame") && is_right(&to_server, &INVITE, "zanzibar"));
}

#[test]
fn a_second_refusal_ends_it() {
    let mut client = Client::bob();
    client.asked("Digest realm=\"a\", nonce=\"1\", qop=\"auth\"").unwrap();
    let again = client.asked("Digest realm=\"a\", nonce=\"2\", qop=\"auth\"");
    assert_eq!(again, Err(AuthError::Refused { realm: (*b"a").into() }));
    assert_eq!(again.unwrap_err().to_string(), "\"a\" refuses the user name or the password");
    assert!(client.answers().is_empty(), "it is not tried again by itself");
}

#[test]
fn a_stale_nonce_is_replaced_but_not_for_ever() {
    let mut client = Client::bob();
    for _ in 0..ANSWERS_MAX {
        client.asked("Digest realm=\"a\", nonce=\"1\", qop=\"auth\", stale=true").unwrap();
    }
    let again = client.asked("Digest realm=\"a\", nonce=\"1\", qop=\"auth\", stale=true");
    assert_eq!(again, Err(AuthError::TooMany));
}

#[test]
fn one_request_is_not_challenged_by_realm_after_realm() {
    let realms = (0..=u32::from(ANSWERS_MAX)).map(|n| n.to_string());
    let credentials = realms.clone().map(|realm| Credentials::new("b", "z").for_realm(realm));
    let mut client = Client::new(credentials.collect());
    let results: Vec<_> = realms
        .map(|realm| client.asked(&format!("Digest realm=\"{realm}\", nonce=\"1\"")))
        .collect();
    assert!(results[..usize::from(ANSWERS_MAX)].iter().all(Result::is_ok));
    assert_eq!(results.last(), Some(&Err(AuthError::TooMany)));
}

#[test]
fn realms_are_forgotten_beyond_the_limit() {
    let realms = (0..=REALMS_MAX).map(|n| n.to_string());
    let credentials = realms.clone().map(|realm| Credentials::new("b", "z").for_realm(realm));
    let mut client = Client::new(credentials.collect());
    for (count, realm) in realms.enumerate() {
        client.attempt = Attempt::default();
        client.asked(&format!("Digest realm=\"{realm}\", nonce=\"1\"")).unwrap();
        assert_eq!(client.answers().len(), (count + 1).min(REALMS_MAX));
    }
    assert_eq!(client.answers()[0].1.realm.raw(), b"1", "the oldest is gone");
}

#[test]
fn a_stranger_gets_nothing() {
    let challenge = "Digest realm=\"a\", nonce=\"1\"";
    let no = |realm: &str| Err(AuthError::NoCredentials { realm: realm.as_bytes().into() });
    let mut client = Client::new(vec![Credentials::new("bob", "z").for_realm("b")]);
    assert_eq!(client.asked(challenge), no("a"));
    assert_eq!(Client::new(Vec::new()).asked(challenge), no("a"));

    let peer = Hop { is_chosen: false, ..hop() };
    let mut client = Client::bob();
    let stranger = Err(AuthError::Stranger { realm: (*b"a").into() });
    assert_eq!(client.asked_by(&peer, &[(Asker::Server, challenge)]), stranger);
    assert!(client.answers().is_empty());
    let mut named = Client::new(vec![Credentials::new("bob", "z").for_host("192.0.2.5")]);
    assert_eq!(named.asked(challenge), stranger);
}

#[test]
fn whoever_was_trusted_once_may_ask_again_and_is_alone_in_what_it_gets() {
    let mut client = Client::bob();
    client.asked("Digest realm=\"a\", nonce=\"1\"").unwrap();
    client.attempt = Attempt::default();
    let peer = Hop { is_chosen: false, ..hop() };
    let challenge = [(Asker::Server, "Digest realm=\"a\", nonce=\"2\"")];
    assert_eq!(client.asked_by(&peer, &challenge), Ok(()));
    let other = "192.0.2.9".parse().unwrap();
    assert_eq!(client.authenticator.authorize(&INVITE, other).unwrap(), []);
}

#[test]
fn credentials_without_a_realm_are_bound_to_the_first_that_asks() {
    let mut client = Client::bob();
    client.asked("Digest realm=\"a\", nonce=\"1\"").unwrap();
    let far_end = client.asked("Digest realm=\"evil\", nonce=\"2\"");
    assert_eq!(far_end, Err(AuthError::NoCredentials { realm: (*b"evil").into() }));
    assert_eq!(client.answers().len(), 1);
}

fn informed(client: &mut Client, value: &str) {
    let text = format!("SIP/2.0 200 OK\r\nAuthentication-Info: {value}\r\n\r\n");
    let response = Message::parse(text.as_bytes()).unwrap();
    client.authenticator.informed(&response, &INVITE, hop().address);
}

#[test]
fn the_next_nonce_is_used_next() {
    let mut client = Client::bob();
    client.asked("Digest realm=\"a\", nonce=\"1\", qop=\"auth\"").unwrap();
    client.answer();
    informed(&mut client, "nextnonce=\"2\"");
    let answer = client.answer();
    assert_eq!((answer.nonce.raw(), answer.count.as_ref().unwrap().1), (&b"2"[..], 1));
    assert!(is_right(&answer, &INVITE, "zanzibar"));
}

#[test]
fn a_server_that_does_not_know_the_password_sets_no_nonce() {
    let mut client = Client::bob();
    client.asked("Digest realm=\"a\", nonce=\"1\", qop=\"auth\"").unwrap();
    let answer = client.answer();
    informed(&mut client, "nextnonce=\"2\", qop=auth, rspauth=\"0123\", nc=00000001");
    assert_eq!(client.answer().nonce.raw(), b"1");
    let key = a1(Algorithm::Md5, (b"bob", b"a", b"zanzibar"), (b"", b""));
    let cnonce = answer.count.unwrap().2;
    let nothing = Request { method: b"", ..INVITE };
    let count = Some((Quality::Auth, 1, cnonce.raw()));
    let rspauth = response(Algorithm::Md5, &key, b"1", count, &nothing);
    let right = format!("nextnonce=\"2\", rspauth=\"{}\", nc=00000001", rspauth.as_str());
    informed(&mut client, &right);
    assert_eq!(client.answer().nonce.raw(), b"2");
}

#[test]
fn nothing_that_is_shown_helps_to_guess_a_password() {
    let mut client = Client::bob();
    client.asked("Digest realm=\"a\", nonce=\"1\", qop=\"auth\"").unwrap();
    let answer = client.answer();
    let shown = format!("{:?} {answer:?}", client.authenticator);
    assert!(!shown.contains("zanzibar") && !shown.contains(&*answer.response), "{shown}");
}

#[test]
fn every_cut_of_a_challenge_is_read_without_harm() {
    let value = b"Digest realm=\"a\\\"b\", nonce=\"1\", qop=\"auth,auth-int\", algorithm=SHA-256, \
                  Basic x=\"y\", Digest realm=c, nonce=\"2\", stale=true, opaque=\"\"";
    for from in 0..value.len() {
        for to in from..value.len() {
            let part = &value[from..to];
            let _read = Challenge::parse_all(Asker::Server, part);
            let _read = Authorization::parse(part);
            let _read = AuthenticationInfo::parse(part);
        }
    }
}
