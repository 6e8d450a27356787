//! An MSRP relay (RFC 4976) as small as a test needs: it gives places, and passes requests on.

#![allow(clippy::indexing_slicing, reason = "a helper of a test may fail the test")]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use offhook::auth::{Algorithm, Authorization, Request, a1, response};

/// How it treats those who ask for a place.
#[derive(Clone, Default)]
pub(crate) struct Manner {
    /// It wants to know who asks.
    pub(crate) challenges: bool,
    /// It believes nobody.
    pub(crate) refuses: bool,
    /// Of `uri` in the proof: some relays want it, others break on it (RFC 4976 §9.1).
    pub(crate) about_uri: AboutUri,
    /// How often it gives a place and lets it be kept; then it refuses. 0: as often as asked.
    pub(crate) grants_max: usize,
    /// Where clients reach it over TLS, which somebody else does for it.
    pub(crate) tls_at: Option<SocketAddr>,
    /// How many relays more stand behind it.
    pub(crate) more_hops: usize,
    /// It says nothing.
    pub(crate) is_silent: bool,
    /// For how many seconds a place is given; 0: until the connection ends.
    pub(crate) expires: u32,
}

/// What a relay does about `uri` in an Authorization.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum AboutUri {
    #[default]
    Ignores,
    /// As SIP servers do.
    Wants,
    /// As nothing of RFC 4976 names it.
    Detests,
}

/// A relay on 127.0.0.1. Its threads end with their connections.
#[derive(Clone)]
pub(crate) struct Relay(Arc<Shared>);

struct Shared {
    address: SocketAddr,
    manner: Manner,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Clients by their place.
    places: BTreeMap<String, TcpStream>,
    /// Connections to peers that have no place here.
    peers: BTreeMap<String, TcpStream>,
    /// AUTHs that were granted.
    granted: usize,
    /// Requests that were passed on.
    passed_on: usize,
    /// Their To-Path.
    heads: Vec<Vec<String>>,
}

/// One message, whole.
struct Message {
    transaction: String,
    method: String,
    to: Vec<String>,
    from: Vec<String>,
    /// Everything behind From-Path.
    rest: String,
}

impl Message {
    /// The first message in the buffer, which it leaves.
    fn take(buffer: &mut Vec<u8>) -> Option<Self> {
        let text = String::from_utf8_lossy(buffer).into_owned();
        let (line, _) = text.split_once("\r\n")?;
        let mut words = line.split(' ').skip(1);
        let (transaction, method) = (words.next()?.to_owned(), words.next()?.to_owned());
        let end_line = format!("\r\n-------{transaction}");
        let end = text.find(&end_line)? + end_line.len() + 3;
        let whole = text.get(..end)?;
        let mut parts = whole.splitn(4, "\r\n").skip(1);
        let mut path = |name| {
            let line = parts.next()?.strip_prefix(name)?.to_owned();
            Some(line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        };
        let (to, from) = (path("To-Path:")?, path("From-Path:")?);
        let rest = parts.next()?.to_owned();
        buffer.drain(..end);
        Some(Self { transaction, method, to, from, rest })
    }

    fn print(&self) -> String {
        let (to, from) = (self.to.join(" "), self.from.join(" "));
        let Self { transaction, method, rest, .. } = self;
        format!("MSRP {transaction} {method}\r\nTo-Path: {to}\r\nFrom-Path: {from}\r\n{rest}")
    }
}

impl Relay {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let relay = Self(Arc::new(Shared { address, manner, state: Mutex::default() }));
        let accepting = relay.clone();
        let thread = std::thread::Builder::new();
        thread
            .spawn(move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    accepting.serve(stream);
                }
            })
            .unwrap();
        relay
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// What its own URIs begin with.
    fn here(&self) -> String {
        match self.0.manner.tls_at {
            Some(address) => format!("msrps://{address}/"),
            None => format!("msrp://{}/", self.0.address),
        }
    }

    /// AUTHs that were granted so far.
    pub(crate) fn granted(&self) -> usize {
        self.with(|state| state.granted)
    }

    /// Requests that were passed on so far.
    pub(crate) fn passed_on(&self) -> usize {
        self.with(|state| state.passed_on)
    }

    /// To-Path of each request that was passed on so far, as it came.
    pub(crate) fn heads(&self) -> Vec<Vec<String>> {
        self.with(|state| state.heads.clone())
    }

    /// Hangs up on everybody.
    pub(crate) fn hang_up(&self) {
        self.with(|state| {
            for stream in state.places.values().chain(state.peers.values()) {
                let _gone = stream.shutdown(std::net::Shutdown::Both);
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn serve(&self, mut stream: TcpStream) {
        let relay = self.clone();
        let thread = std::thread::Builder::new();
        thread
            .spawn(move || {
                let (mut buffer, mut bytes) = (Vec::new(), [0; 4096]);
                while let Ok(count @ 1..) = stream.read(&mut bytes) {
                    buffer.extend_from_slice(&bytes[..count]);
                    while let Some(message) = Message::take(&mut buffer) {
                        match &*message.method {
                            "AUTH" => relay.grant(&mut stream, &message),
                            "SEND" | "REPORT" => relay.pass_on(&mut stream, message),
                            // Answers end here: each hop has its own.
                            _ => {}
                        }
                    }
                }
            })
            .unwrap();
    }

    fn answer(stream: &mut TcpStream, to: &Message, status: &str, headers: &str) {
        let (transaction, back, own) = (&to.transaction, &to.from[0], &to.to[0]);
        let text = format!(
            "MSRP {transaction} {status}\r\nTo-Path: {back}\r\nFrom-Path: {own}\r\n{headers}\
             -------{transaction}$\r\n"
        );
        let _gone = stream.write_all(text.as_bytes());
    }

    fn grant(&self, stream: &mut TcpStream, auth: &Message) {
        let manner = &self.0.manner;
        if manner.is_silent {
            return;
        }
        if manner.grants_max != 0 && self.granted() >= manner.grants_max {
            return Self::answer(stream, auth, "403 Forbidden", "");
        }
        let names_uri = auth.rest.contains(", uri=");
        if names_uri && manner.about_uri == AboutUri::Detests {
            return Self::answer(stream, auth, "400 Bad Request", "");
        }
        let proven = proves(auth) && (names_uri || manner.about_uri != AboutUri::Wants);
        if manner.refuses || (manner.challenges && !proven) {
            let asks = "WWW-Authenticate: Digest realm=\"relay\", qop=\"auth\", nonce=\"n1\"\r\n";
            return Self::answer(stream, auth, "401 Unauthorized", asks);
        }
        let own = &auth.from[0];
        let token = own.rsplit('/').next().unwrap().to_owned();
        self.with(|state| {
            state.granted += 1;
            state.places.insert(token.clone(), stream.try_clone().unwrap());
        });
        let expires = match manner.expires {
            0 => String::new(),
            seconds => format!("Expires: {seconds}\r\n"),
        };
        let own = |token: &str| format!(" {}{token}", self.here());
        let more: String = (0..manner.more_hops).map(|hop| own(&format!("hop{hop};tcp"))).collect();
        let path = format!("Use-Path:{}{more}\r\n{expires}", own(&token));
        Self::answer(stream, auth, "200 OK", &path);
    }

    fn pass_on(&self, stream: &mut TcpStream, mut message: Message) {
        if message.method == "SEND" {
            Self::answer(stream, &message, "200 OK", "");
        }
        if let Some(host) = host(&message.from[0]) {
            // Whoever has connected is answered over that connection.
            self.with(|state| state.peers.insert(host, stream.try_clone().unwrap()));
        }
        let here = self.here();
        self.with(|state| state.heads.push(message.to.clone()));
        let mut place = None;
        while message.to[0].starts_with(&here) {
            let own = message.to.remove(0);
            let found = own.strip_prefix(&here).map(str::to_owned);
            place = found.filter(|place| !place.starts_with("hop")).or(place);
            message.from.insert(0, own);
        }
        let next = message.to[0].clone();
        let came_from = stream.peer_addr().ok();
        let text = message.print();
        let client = self.with(|state| {
            state.passed_on += 1;
            let client = place.and_then(|place| state.places.get(&place));
            client.and_then(|client| client.try_clone().ok())
        });
        let client = client.filter(|client| client.peer_addr().ok() != came_from);
        if let Some(mut client) = client.or_else(|| self.peer(&next)) {
            let _gone = client.write_all(text.as_bytes());
        }
    }

    /// The connection to somebody without a place.
    fn peer(&self, uri: &str) -> Option<TcpStream> {
        let host = host(uri)?;
        let known = self.with(|state| state.peers.get(&host).and_then(|s| s.try_clone().ok()));
        known.or_else(|| {
            let stream = TcpStream::connect(&*host).ok()?;
            self.with(|state| state.peers.insert(host, stream.try_clone().unwrap()));
            self.serve(stream.try_clone().unwrap());
            Some(stream)
        })
    }
}

/// Host and port of a URI.
fn host(uri: &str) -> Option<String> {
    Some(uri.strip_prefix("msrp://")?.split('/').next()?.to_owned())
}

/// Whether it is alice who knows her password, by the digest that she shows.
fn proves(auth: &Message) -> bool {
    let proof = auth.rest.lines().find_map(|line| line.strip_prefix("Authorization: "));
    let Some(proof) = proof else { return false };
    let proof = Authorization::parse(proof.as_bytes()).unwrap();
    let key = a1(Algorithm::Md5, (b"alice", b"relay", b"sesame"), (b"", b""));
    let uri = auth.to.last().unwrap().as_bytes();
    let request = Request { method: b"AUTH", uri, body: b"" };
    let (quality, nc, cnonce) = proof.count.as_ref().unwrap();
    let count = Some((*quality, *nc, cnonce.raw()));
    let nonce = proof.nonce.value();
    *proof.response == *response(Algorithm::Md5, &key, &nonce, count, &request).as_str()
}
