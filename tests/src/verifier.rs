//! A server that knows a password: it challenges, and checks what comes back.

use offhook::auth::{Algorithm, Asker, Authorization, Quality, Request, a1, response, userhash};
use offhook::sip::Message;

/// Checks the digests of one user in one realm.
#[derive(Debug)]
pub struct Verifier {
    /// Who it is.
    pub asker: Asker,
    /// Whose password.
    pub realm: &'static str,
    /// How it is hashed; `None`: not named, MD5.
    pub algorithm: Option<Algorithm>,
    /// What is protected; `None`: in the manner of RFC 2069.
    pub quality: Option<Quality>,
    /// The user name is wanted as a hash.
    pub userhash: bool,
    /// Who is known.
    pub username: &'static str,
    /// With which password.
    pub password: &'static str,
    /// How many nonces were made.
    pub nonces: u32,
    /// How often the last one was used.
    pub count: u32,
}

impl Verifier {
    /// A server that knows `username` with `password`.
    #[must_use]
    pub const fn new(realm: &'static str, username: &'static str, password: &'static str) -> Self {
        Self {
            asker: Asker::Server,
            realm,
            algorithm: None,
            quality: Some(Quality::Auth),
            userhash: false,
            username,
            password,
            nonces: 0,
            count: 0,
        }
    }

    fn nonce(&self) -> String {
        format!("nonce/{}==", self.nonces)
    }

    /// The header of a challenge with a new nonce.
    pub fn challenge(&mut self, is_stale: bool) -> String {
        self.next_nonce();
        let (name, realm, nonce) = (self.asker.asks_in().as_str(), self.realm, self.nonce());
        let mut line = format!("{name}: Digest realm=\"{realm}\", nonce=\"{nonce}\", opaque=\"o\"");
        if let Some(quality) = self.quality {
            line += &format!(", qop=\"{}\"", quality.as_str());
        }
        if let Some(algorithm) = self.algorithm {
            line += &format!(", algorithm={}", algorithm.as_str());
        }
        if self.userhash {
            line += ", userhash=true";
        }
        if is_stale { line + ", stale=true" } else { line }
    }

    /// Makes another nonce, as for Authentication-Info.
    pub fn next_nonce(&mut self) -> String {
        self.nonces += 1;
        self.count = 0;
        self.nonce()
    }

    /// Takes a request in: its credentials are right, for the nonce in use and the next count.
    ///
    /// # Panics
    /// When they are not.
    pub fn check(&mut self, request: &[u8]) {
        let message = Message::parse(request).unwrap();
        let answer = message.headers().filter(|header| header.id == self.asker.answered_in());
        let answer = answer.map(|header| Authorization::parse(header.value).unwrap());
        let mut answers = answer.filter(|answer| *answer.realm.value() == *self.realm.as_bytes());
        let answer = answers.next().expect("credentials for the realm");
        assert!(answers.next().is_none(), "credentials for the realm stand there twice");
        self.count += 1;
        let (user, realm) = (self.username.as_bytes(), self.realm.as_bytes());
        let algorithm = self.algorithm.unwrap_or(Algorithm::Md5);
        assert_eq!(answer.named_algorithm, self.algorithm);
        let name = answer.username.value().into_owned();
        let hash = userhash(algorithm, user, realm);
        assert_eq!(name, if self.userhash { hash.as_bytes() } else { user });
        assert_eq!(answer.nonce.raw(), self.nonce().as_bytes());
        assert_eq!(answer.opaque.as_ref().unwrap().raw(), b"o");
        let uri = message.request_uri().unwrap();
        assert_eq!(*answer.uri.as_ref().unwrap().value(), *uri);
        let cnonce = answer.count.as_ref().map(|(_, _, cnonce)| cnonce.value().into_owned());
        let cnonce = cnonce.unwrap_or_default();
        let expected = self.quality.map(|quality| (quality, self.count, &*cnonce));
        let given = answer.count.as_ref().map(|(quality, nc, _)| (*quality, *nc, &*cnonce));
        assert_eq!(given, expected, "what is protected, and the count of the nonce");
        let nonce = self.nonce();
        let who = (user, realm, self.password.as_bytes());
        let key = a1(algorithm, who, (nonce.as_bytes(), &cnonce));
        let request = Request { method: message.method().unwrap(), uri, body: message.body() };
        let right = response(algorithm, &key, nonce.as_bytes(), expected, &request);
        assert_eq!(&*answer.response, right.as_str());
    }
}
