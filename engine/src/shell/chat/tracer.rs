//! Tells what passes over a session's chats, octet by octet, where that is wanted.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::id::SessionId;
use crate::notification::{NotificationData, Sender};
use crate::shell::engine::EngineShared;
use crate::transport::Transport;

/// Tells of one session.
pub(in crate::shell) struct Tracer {
    engine: Arc<EngineShared>,
    session: SessionId,
}

impl Tracer {
    /// `None` unless the engine traces MSRP.
    pub(in crate::shell) fn new(engine: &Arc<EngineShared>, session: SessionId) -> Option<Self> {
        engine.config.trace_msrp.then(|| Self { engine: Arc::clone(engine), session })
    }

    /// These octets passed, in the clear where they were encrypted on the way; `ends` are our
    /// address and the peer's.
    pub(super) fn tell(
        &self,
        received: bool,
        (local, remote): (SocketAddr, SocketAddr),
        tls: bool,
        bytes: &[u8],
    ) {
        let (source, destination) = if received { (remote, local) } else { (local, remote) };
        let data = NotificationData::MsrpTransportTrace {
            received,
            source,
            destination,
            transport: if tls { Transport::Tls } else { Transport::Tcp },
            data: bytes.into(),
        };
        self.engine.tell_of(Sender::Session(self.session), data);
    }
}
