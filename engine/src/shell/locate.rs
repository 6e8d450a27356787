//! From the names of a call to the ways that lead there.

use std::sync::Arc;

use super::engine::EngineShared;
use super::way;
use crate::dns::Wanted;
use crate::error::SessionError;
use crate::id::SessionId;
use crate::route::{Route, RouteHost};
use crate::session::{self, Input};
use crate::sip::{Host, SipUri, text};
use crate::transport::Transport;

/// Whether a URI's host must be looked up.
pub(crate) fn has_name(uri: &SipUri) -> bool {
    let host = uri.as_uri().host;
    matches!(host, Some(Host::Name(name)) if !name.eq_ignore_ascii_case(b"localhost"))
}

/// Whom a URI names (RFC 3263 §4).
pub(crate) fn wanted(uri: &SipUri) -> Result<Wanted, SessionError> {
    let invalid = |why: String| SessionError::InvalidArgument(format!("{uri}: {why}"));
    let parts = uri.as_uri();
    let is_secure = parts.is_secure();
    let named = parts.transport().map(text);
    let transport = match named.as_deref().map(str::parse::<Transport>) {
        None => None,
        // RFC 3261 §26.2.2: TLS over TCP.
        Some(Ok(Transport::Tcp)) if is_secure => Some(Transport::Tls),
        Some(Ok(transport)) => Some(transport),
        Some(Err(unknown)) => return Err(invalid(unknown.to_string())),
    };
    if is_secure || transport == Some(Transport::Tls) {
        return Err(SessionError::NotBuilt("SIP over TLS"));
    }
    let port = parts.port;
    let host = match parts.host {
        Some(Host::Ip(ip)) if !ip.is_unspecified() => RouteHost::Ip(ip),
        Some(Host::Name(name)) => RouteHost::Name(text(name).to_ascii_lowercase()),
        _ => return Err(invalid("nothing can be sent to this address".into())),
    };
    if port == Some(0) {
        return Err(invalid("nothing can be sent to port 0".into()));
    }
    Ok(Wanted { host, port, transport, is_secure, is_relay: false })
}

impl EngineShared {
    /// Looks up whom a session calls; it hears of it as [`Input::Located`].
    pub(crate) fn locate(self: &Arc<Self>, id: SessionId, wanted: Vec<Wanted>) {
        let engine = Arc::downgrade(self);
        self.resolver.locate(wanted, move |found| {
            if let Some(engine) = engine.upgrade() {
                let ways = found.and_then(|routes| engine.ways(&routes));
                engine.registry.deliver_once(id, Input::Located(ways));
            }
        });
    }

    /// The ways of these routes that can be gone from here.
    pub(crate) fn ways(&self, routes: &[Route]) -> Result<Vec<session::Route>, String> {
        let listeners = self.endpoint.listeners();
        let (mut ways, mut reason) = (Vec::new(), None);
        for route in routes {
            match way::route(&route.to_uri(), &listeners) {
                Ok(way) => ways.push(way),
                Err(error) => reason = reason.or(Some(error.to_string())),
            }
        }
        match (ways.is_empty(), reason) {
            (true, reason) => Err(reason.unwrap_or_else(|| "there is no way from here".into())),
            (false, _) => Ok(ways),
        }
    }
}
