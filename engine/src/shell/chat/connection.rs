//! A TCP connection that never blocks, with TLS around it where it is wanted, and with what the poll
//! last said of it.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Token};

use super::Context;
use crate::sdp::fingerprint::Fingerprint;
use crate::shell::tls::{self, TlsStream};

/// What is read of a connection in one go.
pub(super) enum Got {
    /// So many octets.
    Bytes(usize),
    /// Nothing for now.
    Nothing,
    /// The peer says no more.
    End,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.inner(),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }
}

/// A connection.
pub(super) struct Connection {
    stream: Stream,
    token: Token,
    readable: bool,
    /// It does not stand yet.
    connecting: bool,
}

/// Who has to be at the other end of a connection with TLS.
pub(super) struct Expected<'a> {
    /// The certificates that the peer told of.
    pub(super) told: &'a [Fingerprint],
    /// The name in its path.
    pub(super) name: &'a str,
}

impl Connection {
    /// Begins to connect; `expected` makes it TLS.
    pub(super) fn to(
        remote: SocketAddr,
        expected: Option<&Expected<'_>>,
        context: &mut Context<'_>,
    ) -> io::Result<Self> {
        let socket = TcpStream::connect(remote)?;
        let stream = match expected {
            None => Stream::Plain(socket),
            Some(Expected { told, name }) => {
                let stream = context.tls.connect(socket, told, name);
                Stream::Tls(Box::new(stream.map_err(|e| io::Error::other(e.to_string()))?))
            }
        };
        Self::register(stream, true, context)
    }

    /// One that was accepted.
    pub(super) fn accepted(
        socket: TcpStream,
        secure: bool,
        context: &mut Context<'_>,
    ) -> io::Result<Self> {
        // Small messages are not to wait for the answers to others.
        let _best_effort = socket.set_nodelay(true);
        let stream = if secure {
            let stream = context.tls.accept(socket);
            Stream::Tls(Box::new(stream.map_err(|e| io::Error::other(e.to_string()))?))
        } else {
            Stream::Plain(socket)
        };
        Self::register(stream, false, context)
    }

    fn register(
        mut stream: Stream,
        connecting: bool,
        context: &mut Context<'_>,
    ) -> io::Result<Self> {
        let token = context.token();
        let interests = Interest::READABLE | Interest::WRITABLE;
        let socket = match &mut stream {
            Stream::Plain(socket) => socket,
            Stream::Tls(stream) => stream.socket(),
        };
        context.poll.registry().register(socket, token, interests)?;
        Ok(Self { stream, token, readable: false, connecting })
    }

    /// Notes what the poll says. `true` when it is about this connection.
    pub(super) fn ready(&mut self, event: &Event) -> bool {
        if event.token() != self.token {
            return false;
        }
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        if let Stream::Tls(stream) = &self.stream {
            // What waits for room is written when the connection is read.
            self.readable |= event.is_writable() && stream.wants_write();
        }
        true
    }

    /// Whether there may be something to read.
    pub(super) const fn is_readable(&self) -> bool {
        self.readable && !self.connecting
    }

    pub(super) const fn is_connecting(&self) -> bool {
        self.connecting
    }

    /// Whether it stands by now.
    pub(super) fn connected(&mut self) -> io::Result<bool> {
        let socket = self.stream.socket();
        if let Some(error) = socket.take_error()? {
            return Err(error);
        }
        match socket.peer_addr() {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(false),
            Err(error) => return Err(error),
        }
        let _best_effort = socket.set_nodelay(true);
        if let Stream::Tls(stream) = &mut self.stream {
            if !stream.handshake().map_err(told)? {
                return Ok(false);
            }
            // What came with the end of the handshake was taken out of the socket.
            self.readable = true;
        }
        self.connecting = false;
        Ok(true)
    }

    /// Whether it shows a certificate that was told of; without TLS there is nothing to show.
    pub(super) fn shows_one_of(&self, told: &[Fingerprint]) -> bool {
        match &self.stream {
            Stream::Plain(_) => true,
            Stream::Tls(stream) => told.is_empty() || stream.shows_one_of(told),
        }
    }

    /// Reads once. After `Nothing` there is nothing to read until the poll says so.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Got> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Ok(Got::End),
                Ok(count) => return Ok(Got::Bytes(count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    return Ok(Got::Nothing);
                }
                Err(error) => return Err(told(error)),
            }
        }
    }

    /// Writes what there is room for; the number of octets.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(told(error)),
            }
        }
        Ok(written)
    }

    /// Our address.
    pub(super) fn local(&self) -> io::Result<SocketAddr> {
        self.stream.socket().local_addr()
    }

    /// Our address and the peer's.
    pub(super) fn ends(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        let socket = self.stream.socket();
        Ok((socket.local_addr()?, socket.peer_addr()?))
    }

    /// Writes what waits inside of TLS, as far as there is room.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let Stream::Tls(stream) = &mut self.stream else { return Ok(()) };
        match stream.flush() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(told(error)),
            _ => Ok(()),
        }
    }

    /// Says that nothing more comes. `false` when that waits for room.
    pub(super) fn shut_down(&mut self) -> bool {
        if let Stream::Tls(stream) = &mut self.stream {
            let said = stream.close();
            if said.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
                return false;
            }
        }
        // The peer may have gone before.
        let _gone = self.stream.socket().shutdown(std::net::Shutdown::Write);
        true
    }
}

/// With the reason as people read it.
fn told(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), tls::reason(&error))
}
