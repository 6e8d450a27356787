//! The client's side: what a session knows of those who ask it for a password.

use std::net::IpAddr;

use offhook_fsm::Entropy;

use super::algorithm::{Algorithm, HexDigest};
use super::authorization::Authorization;
use super::challenge::{Asker, CHALLENGES_MAX, Challenge, Quality};
use super::digest::{Count, a1, keyed, userhash};
use super::error::AuthError;
use super::information::AuthenticationInfo;
use super::parameters::QuotedText;
use crate::credentials::{Credentials, Hop};
use crate::sip::{HeaderName, Message};

/// How often one request is sent again with credentials: with a stale nonce, or where one proxy
/// after the other asks.
pub const ANSWERS_MAX: u8 = 4;
/// Realms that are remembered at once; one more takes the place of the oldest.
pub const REALMS_MAX: usize = 8;

/// What of a request its digest is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a [u8],
    /// The Request-URI as it is sent.
    pub uri: &'a [u8],
    /// The body, for `auth-int`.
    pub body: &'a [u8],
}

/// What was tried for one request. It goes from each sending of it to the next.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Attempt {
    answers: u8,
    /// Whose challenges were answered.
    realms: Vec<(Asker, Box<[u8]>)>,
}

/// Credentials, and the realm that they are bound to once they were used.
#[derive(Clone, Debug)]
struct Account {
    credentials: Credentials,
    bound: Option<Box<[u8]>>,
}

impl Account {
    fn answers(&self, realm: &[u8]) -> bool {
        let named = self.credentials.realm().map(str::as_bytes);
        named.or(self.bound.as_deref()).is_none_or(|own| own == realm)
    }
}

/// A realm that asked, and the nonce in use with it.
#[derive(Clone, Debug)]
struct Space {
    challenge: Challenge,
    /// Who asked: nobody else gets what is made from its nonce.
    address: IpAddr,
    account: usize,
    a1: HexDigest,
    username: QuotedText,
    cnonce: QuotedText,
    /// How often the nonce was used.
    nc: u32,
}

/// Answers challenges with the credentials that are meant for them.
#[derive(Clone, Debug, Default)]
pub struct Authenticator {
    accounts: Vec<Account>,
    spaces: Vec<Space>,
}

impl Authenticator {
    /// With these credentials; those that stand first are looked at first. Credentials without a
    /// realm are bound to the first realm that asks for them: another one behind the same proxy
    /// gets nothing made from the password.
    #[must_use]
    pub fn new(credentials: Vec<Credentials>) -> Self {
        let accounts = credentials.into_iter();
        let accounts = accounts.map(|credentials| Account { credentials, bound: None });
        Self { accounts: accounts.collect(), spaces: Vec::new() }
    }

    /// Whether there are any credentials.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// Takes the challenges of a 401 or 407 that `hop` sent. Of one realm's challenges the strongest
    /// that is known counts, and of those the first. Then the request may be sent again:
    /// [`authorize`](Self::authorize) answers for every realm that could be answered.
    ///
    /// # Errors
    /// When no challenge can be answered, or one asks again for what was answered before and is not
    /// stale: the first reason.
    pub fn challenged<'a>(
        &mut self,
        hop: &Hop<'_>,
        attempt: &mut Attempt,
        challenges: impl IntoIterator<Item = (Asker, &'a [u8])>,
        entropy: &mut Entropy,
    ) -> Result<(), AuthError> {
        let (best, mut reason) = choose(challenges);
        for challenge in &best {
            let realm = challenge.realm.value();
            let again = attempt.realms.iter().any(|(asker, own)| {
                *asker == challenge.asker && **own == *realm && !challenge.is_stale
            });
            if again {
                self.forget(challenge.asker, &realm);
                return Err(AuthError::Refused { realm: realm.into() });
            }
        }
        if attempt.answers >= ANSWERS_MAX {
            return Err(AuthError::TooMany);
        }
        let mut answered = false;
        for challenge in best {
            let realm: Box<[u8]> = challenge.realm.value().into();
            let asker = challenge.asker;
            match self.enter(hop, challenge, entropy) {
                Ok(()) => {
                    answered = true;
                    if !attempt.realms.contains(&(asker, realm.clone())) {
                        attempt.realms.push((asker, realm));
                    }
                }
                Err(error) => {
                    reason.get_or_insert(error);
                }
            }
        }
        if answered {
            attempt.answers = attempt.answers.saturating_add(1);
            Ok(())
        } else {
            Err(reason.unwrap_or(AuthError::NoChallenge))
        }
    }

    /// Makes ready to answer a realm.
    fn enter(
        &mut self,
        hop: &Hop<'_>,
        challenge: Challenge,
        entropy: &mut Entropy,
    ) -> Result<(), AuthError> {
        let realm: Box<[u8]> = challenge.realm.value().into();
        let known = |at: usize| {
            self.spaces.iter().any(|space| space.account == at && space.address == hop.address)
        };
        let mut fitting = self.accounts.iter().enumerate().filter(|(_, own)| own.answers(&realm));
        let mut refusal = AuthError::NoCredentials { realm: realm.clone() };
        let account = fitting.find(|(at, own)| {
            let trusted = own.credentials.trusts(hop) || known(*at);
            if !trusted {
                refusal = AuthError::Stranger { realm: realm.clone() };
            }
            trusted
        });
        let Some((account, Account { credentials, .. })) = account else { return Err(refusal) };
        let (algorithm, cnonce) = (challenge.algorithm(), entropy.hex::<32>());
        let (user, password) = (credentials.username().as_bytes(), credentials.password());
        let username = if challenge.userhash {
            QuotedText::from_raw(userhash(algorithm, user, &realm).as_bytes())
        } else {
            QuotedText::new(user)?
        };
        let a1 = {
            let nonce = challenge.nonce.value();
            a1(algorithm, (user, &realm, password.as_bytes()), (&nonce, &cnonce))
        };
        let (address, cnonce) = (hop.address, QuotedText::from_raw(&cnonce));
        self.forget(challenge.asker, &realm);
        if self.spaces.len() >= REALMS_MAX {
            self.spaces.remove(0);
        }
        self.spaces.push(Space { challenge, address, account, a1, username, cnonce, nc: 0 });
        if let Some(account) = self.accounts.get_mut(account) {
            account.bound = Some(realm);
        }
        Ok(())
    }

    fn forget(&mut self, asker: Asker, realm: &[u8]) {
        self.spaces.retain(|space| {
            space.challenge.asker != asker || *space.challenge.realm.value() != *realm
        });
    }

    /// Whether a hop of that address asked before and was answered.
    #[must_use]
    pub fn knows(&self, address: IpAddr) -> bool {
        self.spaces.iter().any(|space| space.address == address)
    }

    /// Whether a challenge of that hop can be answered at all.
    #[must_use]
    pub fn may_answer(&self, hop: &Hop<'_>) -> bool {
        self.knows(hop.address) || self.accounts.iter().any(|own| own.credentials.trusts(hop))
    }

    /// The credentials for a request to `address`: for every realm that asked there, each with the
    /// next count of its nonce.
    ///
    /// # Errors
    /// When the URI has a control character in it.
    pub fn authorize(
        &mut self,
        request: &Request<'_>,
        address: IpAddr,
    ) -> Result<Vec<(Asker, Authorization)>, AuthError> {
        let uri = QuotedText::new(request.uri)?;
        // A nonce that was used 2³² − 1 times is used up: the next answer brings another one.
        self.spaces.retain(|space| space.nc < u32::MAX);
        let spaces = self.spaces.iter_mut().filter(|space| space.address == address);
        Ok(spaces.map(|space| (space.challenge.asker, space.next(request, &uri))).collect())
    }

    /// Takes what a response from `address` says about the next nonce (RFC 7616 §3.5), where one
    /// realm alone can be meant. What does not know the password has no say. `request` was answered.
    pub fn informed<B: AsRef<[u8]>>(
        &mut self,
        response: &Message<B>,
        request: &Request<'_>,
        address: IpAddr,
    ) {
        let named = |asker| match asker {
            Asker::Server => response.header(HeaderName::AuthenticationInfo),
            Asker::Proxy => response.header_by_name("Proxy-Authentication-Info"),
        };
        for asker in Asker::ALL {
            let Some(Ok(info)) = named(asker).map(AuthenticationInfo::parse) else { continue };
            let mut spaces = self
                .spaces
                .iter_mut()
                .filter(|space| space.challenge.asker == asker && space.address == address);
            if let (Some(space), None) = (spaces.next(), spaces.next()) {
                space.informed(info, request);
            }
        }
    }
}

/// The best challenge of each realm, in order, and why the first of the others cannot be used.
fn choose<'a>(
    challenges: impl IntoIterator<Item = (Asker, &'a [u8])>,
) -> (Vec<Challenge>, Option<AuthError>) {
    let (mut best, mut reason) = (Vec::<Challenge>::new(), None);
    let all = challenges.into_iter().take(CHALLENGES_MAX);
    let all = all.flat_map(|(asker, value)| Challenge::parse_all(asker, value));
    for challenge in all.take(CHALLENGES_MAX) {
        let challenge = match challenge {
            Ok(challenge) => challenge,
            Err(error) => {
                reason.get_or_insert(error);
                continue;
            }
        };
        let rival = best.iter_mut().find(|own| {
            own.asker == challenge.asker && own.realm.value() == challenge.realm.value()
        });
        match rival {
            None => best.push(challenge),
            Some(rival) if challenge.algorithm().is_strong() && !rival.algorithm().is_strong() => {
                *rival = challenge;
            }
            Some(_) => {}
        }
    }
    (best, reason)
}

impl Space {
    const fn algorithm(&self) -> Algorithm {
        self.challenge.algorithm()
    }

    fn next(&mut self, request: &Request<'_>, uri: &QuotedText) -> Authorization {
        self.nc = self.nc.saturating_add(1);
        let response = self.digest(request, self.nc);
        let challenge = &self.challenge;
        let count = challenge.quality.map(|quality| (quality, self.nc, self.cnonce.clone()));
        Authorization {
            username: self.username.clone(),
            userhash: challenge.userhash,
            realm: challenge.realm.clone(),
            nonce: challenge.nonce.clone(),
            uri: Some(uri.clone()),
            response: response.as_str().into(),
            named_algorithm: challenge.named_algorithm,
            opaque: challenge.opaque.clone(),
            count,
        }
    }

    fn digest(&self, request: &Request<'_>, nc: u32) -> HexDigest {
        let count = |quality: Quality| Count { quality, nc, cnonce: self.cnonce.raw() };
        let count = self.challenge.quality.map(count);
        keyed(self.algorithm(), &self.a1, &self.challenge.nonce.value(), count, request)
    }

    fn informed(&mut self, info: AuthenticationInfo, request: &Request<'_>) {
        if let Some(theirs) = info.rspauth {
            // Without a method, and with the body of the response, which is never `auth-int` here.
            let request = Request { method: b"", ..*request };
            let ours = self.digest(&request, info.nc.unwrap_or(self.nc));
            let comparable = self.challenge.quality != Some(Quality::AuthInt);
            if comparable && *ours.as_bytes() != *theirs {
                return;
            }
        }
        if let Some(nonce) = info.nextnonce {
            // The key of a session form stays that of the first nonce (RFC 7616 §3.4.2).
            self.challenge.nonce = nonce;
            self.nc = 0;
        }
    }
}
