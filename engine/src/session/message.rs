//! The messages that a session builds, and where they go.

use std::net::SocketAddr;
use std::sync::Arc;

use offhook_fsm::{Entropy, Instant};

use super::{Core, Output, Settings};
use crate::dialog::Dialog;
use crate::error::SessionError;
use crate::id::SessionId;
use crate::sip::{
    ALLOWED_METHODS, Builder, HeaderName, Host, Message, NameAddr, Unprintable, Uri, text, unfold,
};
use crate::transaction::{ClientTransaction, ServerKey, Timers};
use crate::transport::{Destination, Received, Transmit, Transport};

/// Headers that the session writes itself.
const OWN_HEADERS: [HeaderName; 17] = [
    HeaderName::Allow,
    HeaderName::CallId,
    HeaderName::Contact,
    HeaderName::ContentLength,
    HeaderName::ContentType,
    HeaderName::CSeq,
    HeaderName::From,
    HeaderName::MaxForwards,
    HeaderName::RAck,
    HeaderName::RSeq,
    HeaderName::RecordRoute,
    HeaderName::Require,
    HeaderName::Route,
    HeaderName::SessionExpires,
    HeaderName::Supported,
    HeaderName::To,
    HeaderName::Via,
];

/// Checks headers of the application.
pub(super) fn check_headers(headers: &[(String, String)]) -> Result<(), SessionError> {
    for (name, value) in headers {
        let refused = |why: &str| Err(SessionError::InvalidArgument(format!("{name}: {why}")));
        if OWN_HEADERS.contains(&HeaderName::from_bytes(name.as_bytes())) {
            return refused("the session writes this header itself");
        }
        let probe = Builder::request(b"X", b"x").and_then(|b| b.extension(name, value));
        if let Err(error) = probe {
            return refused(&error.to_string());
        }
    }
    Ok(())
}

/// `"Display" <uri>`, or the URI alone.
pub(super) fn address_text(address: &NameAddr<'_>) -> String {
    let (display, uri) = (address.display_text(), text(address.uri.raw));
    if display.is_empty() { uri.into_owned() } else { format!("\"{display}\" <{uri}>") }
}

/// `399 AGENT "text"` (RFC 3261 §20.43).
pub(super) fn warning(received: &Received, text: &str) -> String {
    format!("399 {} \"{}\"", received.source.local.ip(), text.replace(['"', '\\'], "'"))
}

fn contact(settings: &Settings, destination: Destination) -> String {
    let local = settings.local_uri.as_uri();
    let user = local.user.map(|user| text(user).into_owned() + "@").unwrap_or_default();
    let parameter = match destination.transport {
        Transport::Tcp if settings.listens_on_tcp => ";transport=tcp",
        Transport::Udp | Transport::Tcp => "",
        Transport::Tls => ";transport=tls",
    };
    format!("<sip:{user}{}{parameter}>", destination.local)
}

/// Where a request in the dialog goes: the next hop's address, else back to where the peer's
/// messages come from. A connection that the peer has made is used as long as it stands: behind its
/// Contact there may be nobody who takes connections (RFC 5923 §3).
pub(super) fn towards(dialog: &Dialog, peer: Destination) -> Destination {
    let Ok(uri) = Uri::parse(dialog.next_hop()) else { return peer };
    let Some(Host::Ip(address)) = uri.host else { return peer };
    let named = uri.transport().and_then(|name| text(name).parse::<Transport>().ok());
    let transport = named.unwrap_or(peer.transport);
    let remote = SocketAddr::new(address, uri.port.unwrap_or(transport.default_port()));
    let same_host = address == peer.remote.ip() && transport == peer.transport;
    Destination { transport, remote, local: peer.local, flow: peer.flow.filter(|_| same_host) }
}

/// What every request in a dialog needs beside the dialog.
pub(super) struct Sender<'a> {
    pub(super) id: SessionId,
    pub(super) timers: Timers,
    pub(super) user_agent: &'a str,
    pub(super) entropy: &'a mut Entropy,
}

impl Sender<'_> {
    /// A Via with a branch of its own.
    pub(super) fn via(&mut self, destination: Destination) -> String {
        let branch = self.id.branch(self.entropy);
        let (transport, local) = (destination.transport.via_name(), destination.local);
        format!("SIP/2.0/{transport} {local};branch={branch};rport")
    }

    /// A BYE in the dialog, with its transaction.
    pub(super) fn bye(
        &mut self,
        now: Instant,
        dialog: &mut Dialog,
        peer: Destination,
    ) -> Option<ClientTransaction> {
        let destination = towards(dialog, peer);
        let via = self.via(destination);
        let bye = dialog.request(b"BYE", via.as_bytes()).ok()?;
        let bye = bye.header(HeaderName::UserAgent, self.user_agent).ok()?;
        let transmit = Transmit { destination, bytes: bye.finish().into() };
        ClientTransaction::new(now, self.timers, transmit).ok()
    }

    /// The ACK to a 2xx.
    pub(super) fn ack(
        &mut self,
        dialog: &Dialog,
        peer: Destination,
        cseq: u32,
    ) -> Option<Transmit> {
        let destination = towards(dialog, peer);
        let via = self.via(destination);
        let ack = dialog.ack(via.as_bytes(), cseq).ok()?;
        Some(Transmit { destination, bytes: ack.finish().into() })
    }
}

/// The response to a request: headers copied, our tag, Contact, Allow and Server.
pub(super) fn response(
    settings: &Settings,
    tag: &str,
    received: &Received,
    status: u16,
    reason: &str,
    finish: impl FnOnce(Builder) -> Result<Vec<u8>, Unprintable>,
) -> Option<Transmit> {
    let source = received.source;
    let built =
        Builder::response(&received.message, status, reason, Some(tag), Some(source.remote))
            .and_then(|b| b.header(HeaderName::Contact, contact(settings, source)))
            .and_then(|b| b.header(HeaderName::Allow, ALLOWED_METHODS.join(", ")))
            .and_then(|b| b.header(HeaderName::Server, &settings.user_agent))
            .and_then(finish);
    Some(Transmit { destination: way_back(received), bytes: built.ok()?.into() })
}

impl Core {
    pub(super) fn sender(&mut self) -> Sender<'_> {
        let (timers, user_agent) = (self.settings.timers, &*self.settings.user_agent);
        Sender { id: self.id, timers, user_agent, entropy: &mut self.entropy }
    }

    pub(super) fn via(&mut self, destination: Destination) -> String {
        self.sender().via(destination)
    }

    pub(super) fn contact(&self, destination: Destination) -> String {
        contact(&self.settings, destination)
    }

    /// The way that the peer's messages came.
    pub(super) fn peer(&self) -> Option<Destination> {
        let incoming = self.incoming.as_ref().map(|incoming| incoming.invite.1.source);
        incoming.or(self.snapshot.route)
    }

    /// A BYE in the session's own dialog.
    pub(super) fn begin_bye(&mut self, now: Instant) {
        if let (Some(mut dialog), Some(peer)) = (self.dialog.take(), self.peer()) {
            let bye = self.sender().bye(now, Arc::make_mut(&mut dialog), peer);
            self.dialog = Some(dialog);
            self.bye = bye.map(|bye| self.with_proof(now, bye));
        }
    }

    /// Sends a [`response`].
    pub(super) fn respond(
        &mut self,
        key: &ServerKey,
        received: &Received,
        status: u16,
        reason: &str,
        finish: impl FnOnce(Builder) -> Result<Vec<u8>, Unprintable>,
    ) -> Option<Transmit> {
        let tag = Arc::clone(&self.local_tag);
        let transmit = response(&self.settings, &tag, received, status, reason, finish)?;
        let (key, copy) = (key.clone(), transmit.clone());
        self.push(Output::Respond { key, status, transmit: copy });
        Some(transmit)
    }
}

/// RFC 3261 §18.2.2, RFC 3581 §4: over UDP without rport to the port that Via names.
fn way_back(received: &Received) -> Destination {
    let mut back = received.source;
    let via = received.message.via().ok();
    if let (Transport::Udp, Some(via)) = (back.transport, via)
        && via.rport().is_none()
    {
        back.remote.set_port(via.port.unwrap_or(5060));
    }
    back
}

/// The headers of a message, in order, for the application.
pub(super) fn headers_of<B: AsRef<[u8]>>(message: &Message<B>) -> Arc<[(String, String)]> {
    let own = |bytes: &[u8]| text(bytes).into_owned();
    message.headers().map(|header| (own(header.name), own(&unfold(header.value)))).collect()
}

/// What a final failure says: its phrase, and the text of its Warning in parentheses.
pub(super) fn failure_text(response: &Message) -> String {
    let phrase = text(response.reason().unwrap_or_default()).into_owned();
    let warning = response.header(HeaderName::Warning).map(text);
    match warning.as_deref().and_then(|value| value.split('"').nth(1)) {
        Some(warning) => format!("{phrase} ({warning})"),
        None => phrase,
    }
}
