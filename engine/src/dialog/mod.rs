//! Dialogs (RFC 3261 §12): what two user agents share between the answer to an INVITE and the BYE.

use crate::sip::{
    Builder, HeaderError, HeaderName, Message, NameAddr, Unprintable, Uri, unfold,
    without_empty_tag,
};

/// Routes that a dialog keeps at most; a set with more is refused where it would begin.
pub const ROUTES_MAX: usize = 32;

/// One dialog from our point of view. URIs and names are kept byte for byte as they came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dialog {
    call_id: Box<[u8]>,
    /// Our From (To, when the peer called) with our tag.
    local: Box<[u8]>,
    /// The peer's To (From) with its tag.
    remote: Box<[u8]>,
    local_tag: Box<[u8]>,
    /// Empty for peers of RFC 2543.
    remote_tag: Box<[u8]>,
    remote_target: Box<[u8]>,
    /// Whole Route values, the next hop first.
    routes: Vec<Box<[u8]>>,
    local_cseq: u32,
    remote_cseq: Option<u32>,
}

/// How a request's CSeq stands to those before it (§12.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Higher than all before.
    Fresh,
    /// Not higher: the request is answered 500.
    Stale,
}

impl Dialog {
    /// The dialog that a response to our INVITE makes: early with a 101–199, confirmed with a 2xx
    /// (§12.1.2).
    ///
    /// # Errors
    /// When a header that the dialog is made of is missing or broken, or there are more than
    /// [`ROUTES_MAX`] routes.
    pub fn of_caller<A: AsRef<[u8]>, B: AsRef<[u8]>>(
        invite: &Message<A>,
        response: &Message<B>,
    ) -> Result<Self, HeaderError> {
        let mut routes = routes(response)?;
        routes.reverse();
        let to = response.to()?;
        let fallback = invite.request_uri().unwrap_or_default();
        Ok(Self {
            // What is ours is taken from what we sent: there are responses that mangle it.
            call_id: invite.call_id()?.into(),
            local: value(invite, HeaderName::From),
            remote: value(response, HeaderName::To),
            local_tag: invite.from()?.tag().unwrap_or_default().into(),
            remote_tag: to.tag().unwrap_or_default().into(),
            remote_target: response.contact().map_or(fallback, |c| c.uri.raw).into(),
            routes,
            local_cseq: invite.cseq()?.number,
            remote_cseq: None,
        })
    }

    /// The dialog that we make by answering `invite` with `local_tag` (§12.1.1).
    ///
    /// # Errors
    /// When a header that the dialog is made of, Contact among them, is missing or broken, or
    /// there are more than [`ROUTES_MAX`] routes.
    pub fn of_callee<B: AsRef<[u8]>>(
        invite: &Message<B>,
        local_tag: &str,
    ) -> Result<Self, HeaderError> {
        let missing = HeaderError { header: "Contact", what: "it is missing or broken", offset: 0 };
        let contact = invite.contact().ok_or(missing)?;
        let mut local = value(invite, HeaderName::To).into_vec();
        invite.to()?;
        local.extend_from_slice(b";tag=");
        local.extend_from_slice(local_tag.as_bytes());
        Ok(Self {
            call_id: invite.call_id()?.into(),
            local: local.into(),
            remote: value(invite, HeaderName::From),
            local_tag: local_tag.as_bytes().into(),
            remote_tag: invite.from()?.tag().unwrap_or_default().into(),
            remote_target: contact.uri.raw.into(),
            routes: routes(invite)?,
            local_cseq: 0,
            remote_cseq: Some(invite.cseq()?.number),
        })
    }

    /// Takes over the numbers of the early dialog that this one confirms (§12.1: it is the same).
    pub(crate) const fn continue_from(&mut self, early: &Self) {
        self.local_cseq = early.local_cseq;
        self.remote_cseq = early.remote_cseq;
    }

    /// Leaves out so many numbers: requests that somebody else may have sent in this dialog.
    pub(crate) const fn skip(&mut self, requests: u32) {
        self.local_cseq = self.local_cseq.saturating_add(requests);
    }

    /// Whether a request from the peer belongs here: Call-ID and both tags (§12.2.2).
    #[must_use]
    pub fn is_of_request<B: AsRef<[u8]>>(&self, request: &Message<B>) -> bool {
        request.call_id() == Ok(&*self.call_id)
            && tag(request.to().ok()) == &*self.local_tag
            && tag(request.from().ok()) == &*self.remote_tag
    }

    /// Whether a response to our INVITE comes from this dialog's peer and not from another branch:
    /// by the peer's tag alone, since a transaction has matched all that is ours.
    #[must_use]
    pub fn is_of_response<B: AsRef<[u8]>>(&self, response: &Message<B>) -> bool {
        tag(response.to().ok()) == &*self.remote_tag
    }

    /// Our tag.
    #[must_use]
    pub const fn local_tag(&self) -> &[u8] {
        &self.local_tag
    }

    /// The peer's tag; empty when it sent none.
    #[must_use]
    pub const fn remote_tag(&self) -> &[u8] {
        &self.remote_tag
    }

    /// The number of our last request.
    #[must_use]
    pub const fn local_cseq(&self) -> u32 {
        self.local_cseq
    }

    /// The peer's Contact.
    #[must_use]
    pub const fn remote_target(&self) -> &[u8] {
        &self.remote_target
    }

    /// Notes the CSeq of a request from the peer. ACK and CANCEL carry that of their INVITE and are
    /// not noted.
    pub fn note_request<B: AsRef<[u8]>>(&mut self, request: &Message<B>) -> Order {
        let Ok(cseq) = request.cseq() else { return Order::Stale };
        if matches!(cseq.method, b"ACK" | b"CANCEL") {
            return Order::Fresh;
        }
        if self.remote_cseq.is_some_and(|last| cseq.number <= last) {
            return Order::Stale;
        }
        self.remote_cseq = Some(cseq.number);
        Order::Fresh
    }

    /// Takes the Contact of a target refresh, or of its 2xx, as the peer's address from now on
    /// (§12.2.1.2, §12.2.2). The route set never changes.
    pub fn refresh_target<B: AsRef<[u8]>>(&mut self, message: &Message<B>) {
        if let Some(contact) = message.contact() {
            self.remote_target = contact.uri.raw.into();
        }
    }

    /// The URI whose address the next request goes to: the first route's, else the peer's.
    #[must_use]
    pub fn next_hop(&self) -> &[u8] {
        let first = self.routes.first().and_then(|route| NameAddr::parse(route).ok());
        first.map_or(&self.remote_target, |route| route.uri.raw)
    }

    /// Begins a request in the dialog with the next CSeq (§12.2.1.1).
    ///
    /// # Errors
    /// When method or Via would break the message, or 2³¹ − 1 requests were sent.
    pub fn request(&mut self, method: &[u8], via: &[u8]) -> Result<Builder, Unprintable> {
        let next = self.next_cseq()?;
        self.begin(method, via, next)
    }

    /// Takes the next CSeq number, for a request that is sent again with credentials.
    pub(crate) fn next_cseq(&mut self) -> Result<u32, Unprintable> {
        let next = self.local_cseq.saturating_add(1);
        if next >= 1 << 31 {
            return Err(Unprintable { what: "a CSeq of 2147483648".into() });
        }
        self.local_cseq = next;
        Ok(next)
    }

    /// Begins the ACK to a 2xx: the CSeq number is the INVITE's (§13.2.2.4).
    ///
    /// # Errors
    /// When the Via would break the message.
    pub fn ack(&self, via: &[u8], invite_cseq: u32) -> Result<Builder, Unprintable> {
        self.begin(b"ACK", via, invite_cseq)
    }

    fn begin(&self, method: &[u8], via: &[u8], cseq: u32) -> Result<Builder, Unprintable> {
        let first = self.routes.first().and_then(|route| NameAddr::parse(route).ok());
        let strict = first.filter(|route| !route.uri.is_loose_route());
        let uri = strict.map_or(&*self.remote_target, |route| route.uri.raw);
        let mut builder = Builder::request(method, uri)?
            .header(HeaderName::Via, via)?
            .header(HeaderName::MaxForwards, b"70")?;
        // A strict router gets itself as the Request-URI, and the target behind the others.
        for route in self.routes.iter().skip(usize::from(strict.is_some())) {
            builder = builder.header(HeaderName::Route, route)?;
        }
        if strict.is_some() {
            let target = [b"<", &*self.remote_target, b">"].concat();
            builder = builder.header(HeaderName::Route, target)?;
        }
        let method = crate::sip::text(method);
        builder
            .header(HeaderName::From, &self.local)?
            .header(HeaderName::To, &self.remote)?
            .header(HeaderName::CallId, &self.call_id)?
            .header(HeaderName::CSeq, format!("{cseq} {method}"))
    }

    /// Whether both the peer's address and the way to it are sips (§12.1).
    #[must_use]
    pub fn is_secure(&self) -> bool {
        Uri::parse(&self.remote_target).is_ok_and(|uri| uri.is_secure())
    }
}

fn tag(address: Option<NameAddr<'_>>) -> &[u8] {
    address.and_then(|address| address.tag()).unwrap_or_default()
}

fn value<B: AsRef<[u8]>>(message: &Message<B>, name: HeaderName) -> Box<[u8]> {
    printable(&without_empty_tag(message.header(name).unwrap_or_default()))
}

/// A value in one line without NUL. A NUL is allowed in a quoted name (RFC 4475 §3.1.1.2) and never
/// sent: without this a peer could make a dialog that no BYE can be printed for.
fn printable(value: &[u8]) -> Box<[u8]> {
    unfold(value).iter().map(|byte| if *byte == 0 { b'?' } else { *byte }).collect()
}

fn routes<B: AsRef<[u8]>>(message: &Message<B>) -> Result<Vec<Box<[u8]>>, HeaderError> {
    let mut routes = Vec::new();
    for route in message.elements(HeaderName::RecordRoute) {
        let broken = |what| HeaderError { header: "Record-Route", what, offset: 0 };
        NameAddr::parse(route).map_err(|error| broken(error.0))?;
        if routes.len() >= ROUTES_MAX {
            return Err(broken("it names too many routes"));
        }
        routes.push(printable(route));
    }
    Ok(routes)
}
