//! TLS over a socket that never blocks.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};

use super::TlsError;
use crate::sdp::fingerprint::{Fingerprint, any_fits};

/// Octets that wait for room in the socket, at most.
const WAITING_MAX: usize = 64 * 1024;

/// A connection with TLS around it; it reads and writes like the socket inside. `WouldBlock` means
/// to come back when the socket can be read, or, while [`wants_write`](Self::wants_write), written.
pub(crate) struct TlsStream<S> {
    socket: S,
    connection: Connection,
}

impl<S: Read + Write> TlsStream<S> {
    /// Our side speaks first. `name` is what the peer's certificate has to be for, when an
    /// authority vouches for it, and goes to the peer in the clear (SNI) unless it is an address.
    pub(crate) fn client(
        socket: S,
        config: Arc<ClientConfig>,
        name: &str,
    ) -> Result<Self, TlsError> {
        let host = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        let named = ServerName::try_from(host.to_owned());
        let named = named.map_err(|_| TlsError::Name(name.to_owned()))?;
        let connection = ClientConnection::new(config, named)
            .map_err(|error| TlsError::Identity(error.to_string()))?;
        Ok(Self::new(socket, connection.into()))
    }

    /// The peer speaks first.
    pub(crate) fn server(socket: S, config: Arc<ServerConfig>) -> Result<Self, TlsError> {
        let connection =
            ServerConnection::new(config).map_err(|error| TlsError::Identity(error.to_string()))?;
        Ok(Self::new(socket, connection.into()))
    }

    fn new(socket: S, mut connection: Connection) -> Self {
        connection.set_buffer_limit(Some(WAITING_MAX));
        Self { socket, connection }
    }

    /// The socket inside, for its registration.
    pub(crate) const fn socket(&mut self) -> &mut S {
        &mut self.socket
    }

    /// The same, to look at.
    pub(crate) const fn inner(&self) -> &S {
        &self.socket
    }

    /// Whether both sides still introduce themselves: nothing of ours has been sent.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Goes on with the handshake as far as the socket lets it; `true` when it is done.
    pub(crate) fn handshake(&mut self) -> io::Result<bool> {
        loop {
            match self.push() {
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                _ if !self.is_handshaking() => return Ok(true),
                _ => {}
            }
            match self.pull() {
                Ok(0) => return Err(ended()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
    }

    /// Whether something waits for room in the socket.
    pub(crate) fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    /// Whether the peer has shown a certificate that it was told to have.
    pub(crate) fn shows_one_of(&self, told: &[Fingerprint]) -> bool {
        let shown = self.connection.peer_certificates().and_then(<[_]>::first);
        shown.is_some_and(|certificate| any_fits(told, certificate))
    }

    /// Tells the peer that nothing more comes.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.connection.send_close_notify();
        self.push()
    }

    /// Writes what waits, as far as there is room.
    fn push(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut self.socket) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what the socket has and works on it. What comes of it is for the peer as well.
    fn pull(&mut self) -> io::Result<usize> {
        let read = self.connection.read_tls(&mut self.socket)?;
        let worked = self.connection.process_new_packets();
        // An alert, or the next step of the handshake. Without room it waits.
        let pushed = self.push();
        worked.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        match pushed {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(read),
        }
    }
}

fn ended() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "the peer ended the connection in the TLS handshake")
}

impl<S: Read + Write> Read for TlsStream<S> {
    /// As of any stream. 0 is a peer that said that nothing more comes; one that merely cut the
    /// connection is an error, `UnexpectedEof`.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.push() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
            _ => {}
        }
        loop {
            match self.connection.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                other => return other,
            }
            match self.pull() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(0) if self.connection.is_handshaking() => return Err(ended()),
                // The reader says which end this is.
                Ok(_) => {}
            }
        }
    }
}

impl<S: Read + Write> Write for TlsStream<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.connection.is_handshaking() {
            match self.push() {
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                _ => return Err(ErrorKind::WouldBlock.into()),
            }
        }
        let mut taken = self.connection.writer().write(bytes)?;
        match self.push() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
            Ok(()) if taken == 0 && !bytes.is_empty() => {
                // There was no room, and now there is.
                taken = self.connection.writer().write(bytes)?;
            }
            _ => {}
        }
        if taken == 0 && !bytes.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.push()
    }
}

impl<S> fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::rc::Rc;

    use super::super::{EngineTls, TlsConfig};
    use super::*;

    type Pipe = Rc<RefCell<VecDeque<u8>>>;

    /// A socket that gives one octet at a time, and says that there is nothing before each.
    struct Drip {
        from: Pipe,
        to: Pipe,
        gives: bool,
        takes: bool,
    }

    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.gives = !self.gives;
            if !self.gives {
                return Err(ErrorKind::WouldBlock.into());
            }
            buffer[0] = self.from.borrow_mut().pop_front().ok_or(ErrorKind::WouldBlock)?;
            Ok(1)
        }
    }

    impl Write for Drip {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.takes = !self.takes;
            if !self.takes {
                return Err(ErrorKind::WouldBlock.into());
            }
            self.to.borrow_mut().push_back(bytes[0]);
            Ok(1)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_handshake_and_a_message_in_single_octets_come_through() {
        let (alice, bob) =
            (EngineTls::new(&TlsConfig::default()), EngineTls::new(&TlsConfig::default()));
        let (alice, bob) = (alice.unwrap(), bob.unwrap());
        let (there, back) = (Pipe::default(), Pipe::default());
        let near =
            Drip { from: Rc::clone(&back), to: Rc::clone(&there), gives: false, takes: false };
        let far = Drip { from: there, to: back, gives: false, takes: false };
        let told = [bob.fingerprint().unwrap()];
        let mut client = alice.connect(near, &told, "192.0.2.1").unwrap();
        let mut server = bob.accept(far).unwrap();
        for _ in 0..100_000 {
            let (one, other) = (client.handshake().unwrap(), server.handshake().unwrap());
            if one && other {
                break;
            }
        }
        assert!(!client.is_handshaking() && !server.is_handshaking());
        assert!(server.shows_one_of(&[alice.fingerprint().unwrap()]));
        assert_eq!(client.write(b"hello").unwrap(), 5);
        let (mut read, mut buffer) = (Vec::new(), [0; 16]);
        for _ in 0..10_000 {
            let _room = client.flush();
            if let Ok(count) = server.read(&mut buffer) {
                read.extend_from_slice(&buffer[..count]);
            }
        }
        assert_eq!(read, b"hello");
    }
}
