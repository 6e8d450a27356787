//! A session's handle.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use offhook_fsm::Step;
use offhook_fsm::session::{Event, allowed, step};
use offhook_media::shell::mailbox::mailbox;
use offhook_media::shell::{AudioSink, AudioSource};
use offhook_media::statistics::Statistics;

use super::engine::{EngineShared, LaunchError};
use super::locate;
use super::notification_center::lock;
use super::recording;
use super::registry::{Mail, Shared, Unsent, Wish};
use super::transports::{AudioTransport, MsrpChat};
use super::way;
use crate::chat::{Ask, ChatMessage, Say};
use crate::error::{SessionError, SessionStateError};
use crate::id::SessionId;
use crate::notification::{SessionState, StreamKind};
use crate::session::Order;
use crate::sip::SipUri;
use crate::snapshot::Snapshot;
use crate::streams::Streams;
use crate::timestamp::Timestamp;

/// Routes of one `connect` at most.
pub const ROUTES_MAX: usize = 16;

/// A call. Clones are handles on one session; dropping the last one is `end()`, except while the
/// session is INCOMING: then it goes on ringing and the [`SessionManager`](super::SessionManager)
/// gives out a new handle.
///
/// Every method may be called from any thread, also inside an observer. Methods that order
/// something return when the session has taken the order or refused it; no network is waited for.
#[derive(Clone)]
pub struct Session {
    guard: Arc<Guard>,
}

/// What all handles of a session share; its end is the session's.
pub(crate) struct Guard {
    shared: Arc<Shared>,
    engine: Arc<EngineShared>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let state = self.shared.latest().state;
        let over =
            matches!(state, SessionState::Null | SessionState::Incoming | SessionState::Terminated);
        if !over {
            self.shared.wish(Wish::End);
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.guard.shared.latest().state;
        f.debug_struct("Session").field("id", &self.id()).field("state", &state).finish()
    }
}

impl Session {
    /// The handle that all others of this session share, or a new one.
    pub(crate) fn of(shared: &Arc<Shared>, engine: &Arc<EngineShared>) -> Self {
        let mut weak = lock(&shared.guard);
        if let Some(guard) = weak.upgrade() {
            return Self { guard };
        }
        let guard = Arc::new(Guard { shared: Arc::clone(shared), engine: Arc::clone(engine) });
        *weak = Arc::downgrade(&guard);
        Self { guard }
    }

    /// Which session.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.guard.shared.id
    }

    /// The address of the account that it belongs to: the one that it was made for, or that was
    /// called. `None` where the engine has no account and any user is accepted.
    #[must_use]
    pub fn account(&self) -> Option<SipUri> {
        let Guard { shared, engine } = &*self.guard;
        engine.account(shared.account).cloned()
    }

    /// All attributes as they stand; no lock, no wait.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.guard.shared.latest()
    }

    /// What the audio stream has counted so far, or had when it ended; `None` before there is one.
    /// No lock, no wait.
    #[must_use]
    pub fn statistics(&self) -> Option<Statistics> {
        self.guard.shared.latest().statistics()
    }

    /// The audio stream, from when its sockets are there; `None` while there is none.
    #[must_use]
    pub fn audio_transport(&self) -> Option<AudioTransport> {
        AudioTransport::of(&self.guard.shared)
    }

    /// The chat stream, from when its path is made; `None` while there is none.
    #[must_use]
    pub fn chat_transport(&self) -> Option<MsrpChat> {
        MsrpChat::of(&self.guard.shared)
    }

    /// Calls `uri` over `routes`, tried in order; none: the URI's own address. Route and URI are
    /// `sip:HOST:PORT;transport=…`, transport `udp` and port 5060 when not given. Names are looked
    /// up while the session is CALLING (RFC 3263: NAPTR, SRV, A, AAAA; for a name without port and
    /// transport these say both); that there is no such name is told by `SIPSessionDidFail`.
    /// `headers` are added to the INVITE.
    ///
    /// # Errors
    /// [`SessionError::State`] unless the session is NULL, [`SessionError::InvalidArgument`] when
    /// URI, routes or headers cannot be used, [`SessionError::Local`] when there is no way to the
    /// peer, [`SessionError::Busy`] when the engine has as many sessions as it may, or another
    /// thread connects this one. The session is then NULL as before.
    pub fn connect(
        &self,
        uri: &str,
        routes: &[String],
        streams: Streams,
        headers: &[(String, String)],
    ) -> Result<(), SessionError> {
        let Guard { shared, engine } = &*self.guard;
        if shared.latest().state != SessionState::Null {
            return self.refused("connect()", Event::Connect);
        }
        let order = self.order_to_connect(uri, routes, streams, headers)?;
        let local = match &order {
            Order::Connect { routes, .. } => routes.first().map(|route| route.destination.local),
            _ => engine.endpoint.listeners().first().map(|own| way::reachable(own.address)),
        };
        let local = local.unwrap_or_else(|| ([127, 0, 0, 1], 5060).into());
        let (reply, mut result) = mailbox(1);
        match engine.launch(shared, local, Mail::Order(Box::new(order), reply)) {
            Ok(()) => {}
            Err(LaunchError::Ended) => return Err(SessionError::EngineEnded),
            Err(LaunchError::Limit) => return Err(SessionError::Busy),
            // Another connect() is at it, and may yet be refused.
            Err(LaunchError::Twice) => {
                self.refused("connect()", Event::Connect)?;
                return Err(SessionError::Busy);
            }
        }
        // The session answers unless it breaks.
        let broken = || Err(SessionError::Local("internal error".into()));
        result.recv().unwrap_or_else(broken)
    }

    fn order_to_connect(
        &self,
        uri: &str,
        routes: &[String],
        streams: Streams,
        headers: &[(String, String)],
    ) -> Result<Order, SessionError> {
        let parse = |what: &str, text: &str| {
            text.parse::<SipUri>().map_err(|error| {
                SessionError::InvalidArgument(format!("connect(): {what} {text:?}: {error}"))
            })
        };
        let uri = parse("the URI", uri)?;
        if routes.len() > ROUTES_MAX {
            let text = format!("connect(): {} routes, {ROUTES_MAX} may be", routes.len());
            return Err(SessionError::InvalidArgument(text));
        }
        let routes = routes.iter().map(|route| parse("the route", route));
        let mut routes = routes.collect::<Result<Vec<_>, _>>()?;
        if routes.is_empty() {
            routes.push(uri.clone());
        }
        let headers = headers.into();
        if routes.iter().any(locate::has_name) {
            let wanted = routes.iter().map(locate::wanted).collect::<Result<_, _>>()?;
            return Ok(Order::ConnectByName { uri, wanted, streams, headers });
        }
        let listeners = self.guard.engine.endpoint.listeners();
        let routes = routes.iter().map(|route| way::route(route, &listeners));
        let routes = routes.collect::<Result<_, _>>()?;
        Ok(Order::Connect { uri, routes, streams, headers })
    }

    /// Takes an incoming call with those of its streams. `headers` are added to the 200.
    ///
    /// # Errors
    /// [`SessionError::State`] unless the session is INCOMING, [`SessionError::InvalidArgument`]
    /// for streams that the peer does not propose.
    pub fn accept(
        &self,
        streams: Streams,
        headers: &[(String, String)],
    ) -> Result<(), SessionError> {
        self.order("accept()", Event::Accept, Order::Accept { streams, headers: headers.into() })
    }

    /// Sends early media: these of the peer's streams start before the call is taken, and a 183
    /// tells the peer (reliably, RFC 3262, where it can).
    ///
    /// # Errors
    /// [`SessionError::State`] unless the session is INCOMING, [`SessionError::InvalidArgument`]
    /// for streams that the peer does not propose.
    pub fn send_progress(&self, streams: Streams) -> Result<(), SessionError> {
        self.order("send_progress()", Event::Progress, Order::Progress(streams))
    }

    /// Refuses an incoming call; 300–699, 486 by default. Nothing happens when it is over already.
    ///
    /// # Errors
    /// [`SessionError::State`] unless the session is INCOMING or TERMINATED.
    pub fn reject(&self, code: Option<u16>) -> Result<(), SessionError> {
        self.reject_with(code.unwrap_or(486), None, &[])
    }

    /// Refuses an incoming call with a code of 300–699, a reason phrase (the code's own by
    /// default), and more headers.
    ///
    /// # Errors
    /// [`SessionError::State`] unless the session is INCOMING or TERMINATED,
    /// [`SessionError::InvalidArgument`] for a code, reason or header that cannot be sent.
    pub fn reject_with(
        &self,
        code: u16,
        reason: Option<&str>,
        headers: &[(String, String)],
    ) -> Result<(), SessionError> {
        let reason = reason.map(str::to_owned);
        let order = Order::Reject { code, reason, headers: headers.into() };
        self.order("reject()", Event::Reject, order)
    }

    /// Ends the session, whatever it does; nothing happens when it has not begun or is over.
    ///
    /// # Errors
    /// [`SessionError::Busy`] only.
    pub fn end(&self) -> Result<(), SessionError> {
        self.order("end()", Event::End, Order::End)
    }

    /// Holds the call: the microphone and the speaker leave it at once, and the peer is told. A call
    /// that we hold already stays as it is. Waits its turn when other changes are under way.
    ///
    /// # Errors
    /// [`SessionError::State`] unless the session is ESTABLISHED, [`SessionError::Busy`] when too
    /// much waits.
    pub fn hold(&self) -> Result<(), SessionError> {
        self.order("hold()", Event::Hold, Order::Hold)
    }

    /// Ends our hold. As long as the peer holds too, the call stays on hold.
    ///
    /// # Errors
    /// As [`hold`](Self::hold).
    pub fn unhold(&self) -> Result<(), SessionError> {
        self.order("unhold()", Event::Hold, Order::Unhold)
    }

    /// Proposes to add audio. `SIPSessionAcceptedStreamProposal` or
    /// `SIPSessionRejectedStreamProposal` tells what becomes of it.
    ///
    /// # Errors
    /// [`SessionError::State`] unless the session is ESTABLISHED and has no audio,
    /// [`SessionError::Busy`] when too much waits.
    pub fn add_audio(&self) -> Result<(), SessionError> {
        self.order("add_audio()", Event::Propose, Order::Add(StreamKind::Audio))
    }

    /// Proposes to add a chat.
    ///
    /// # Errors
    /// As [`add_audio`](Self::add_audio).
    pub fn add_chat(&self) -> Result<(), SessionError> {
        self.order("add_chat()", Event::Propose, Order::Add(StreamKind::Chat))
    }

    /// Removes audio, at once; a recording ends first. A session may live without streams.
    ///
    /// # Errors
    /// [`SessionError::State`] unless the session is ESTABLISHED and has audio,
    /// [`SessionError::Busy`] when too much waits.
    pub fn remove_audio(&self) -> Result<(), SessionError> {
        self.order("remove_audio()", Event::Remove, Order::Remove(StreamKind::Audio))
    }

    /// Removes the chat. What was not delivered is told.
    ///
    /// # Errors
    /// As [`remove_audio`](Self::remove_audio).
    pub fn remove_chat(&self) -> Result<(), SessionError> {
        self.order("remove_chat()", Event::Remove, Order::Remove(StreamKind::Chat))
    }

    /// Takes these of the streams that the peer proposes to add.
    ///
    /// # Errors
    /// [`SessionError::State`] unless the session is PROPOSED and no other `accept_proposal` works,
    /// [`SessionError::InvalidArgument`] for streams that the peer does not propose.
    pub fn accept_proposal(&self, streams: Streams) -> Result<(), SessionError> {
        let order = Order::AcceptProposal(streams);
        self.order("accept_proposal()", Event::AcceptProposal, order)
    }

    /// Takes none of them; the call goes on as it was.
    ///
    /// # Errors
    /// [`SessionError::State`] unless the session is PROPOSED.
    pub fn reject_proposal(&self) -> Result<(), SessionError> {
        self.order("reject_proposal()", Event::RejectProposal, Order::RejectProposal)
    }

    /// Sends a chat message, in order, and returns its id: `SIPSessionDidDeliverMessage` or
    /// `SIPSessionDidNotDeliverMessage` tells what becomes of it. Before the chat stands messages
    /// are kept. `to` is for chats whose messages go to somebody else than the peer; it needs CPIM.
    ///
    /// # Errors
    /// [`SessionError::State`] without a chat, active or to come, [`SessionError::Busy`] when
    /// [`MESSAGES_MAX`](crate::session::MESSAGES_MAX) wait, [`SessionError::InvalidArgument`] for a
    /// content type that is none.
    pub fn send_message(
        &self,
        content: &[u8],
        content_type: &str,
        to: Option<&str>,
    ) -> Result<String, SessionError> {
        self.send(content, content_type, to, None)
    }

    /// Like [`send_message`](Self::send_message) with a message that was written at another time,
    /// as its DateTime tells those who take CPIM (RFC 3862 §4.4). `to`: `None` is the peer.
    ///
    /// # Errors
    /// As `send_message`.
    pub fn send_message_dated(
        &self,
        content: &[u8],
        content_type: &str,
        to: Option<&str>,
        date: Timestamp,
    ) -> Result<String, SessionError> {
        self.send(content, content_type, to, Some(date))
    }

    fn send(
        &self,
        content: &[u8],
        content_type: &str,
        to: Option<&str>,
        date: Option<Timestamp>,
    ) -> Result<String, SessionError> {
        let id = self.guard.engine.message_id();
        let order = Order::SendMessage(ChatMessage {
            id: id.clone(),
            content: content.into(),
            content_type: content_type.into(),
            to: to.map(str::to_owned),
            date,
        });
        self.order("send_message()", Event::SendMessage, order)?;
        self.guard.engine.sound_of_sending();
        Ok(id)
    }

    /// Tells the peer that a chat message is being written (RFC 3994): `true` at every key that the
    /// user presses, `false` when what was written is given up. The rest goes by itself: the peer is
    /// told only as often as it must be, a message that is sent ends it, and so does a pause of 15 s.
    /// Nothing is sent before the chat stands, or to a peer that does not name the documents' type.
    ///
    /// # Errors
    /// [`SessionError::State`] without a chat, active or to come.
    pub fn send_composing_indication(&self, active: bool) -> Result<(), SessionError> {
        let order = Order::Say(Say::Composing(active));
        self.order("send_composing_indication()", Event::SendMessage, order)
    }

    /// Has the chat's messages ask to be told what becomes of them (RFC 5438), from now on, where
    /// the peer takes such notifications: `ChatStreamGotDispositionNotification` tells. Nothing is
    /// asked at first; MSRP's own report, `SIPSessionDidDeliverMessage`, comes in any case.
    ///
    /// # Errors
    /// [`SessionError::State`] without a chat, active or to come.
    pub fn request_dispositions(&self, ask: Ask) -> Result<(), SessionError> {
        self.order("request_dispositions()", Event::SendMessage, Order::Say(Say::Ask(ask)))
    }

    /// A chat message, by the `message_id` of its `SIPSessionGotMessage`, was shown to the user: its
    /// sender is told, once, if it asked to be (RFC 5438). That it was delivered is told without
    /// this.
    ///
    /// # Errors
    /// [`SessionError::State`] without a chat.
    pub fn report_displayed(&self, message_id: &str) -> Result<(), SessionError> {
        let order = Order::Say(Say::Displayed(message_id.into()));
        self.order("report_displayed()", Event::SendMessage, order)
    }

    /// Asks the chat room that the peer is for a nickname; an empty one gives it back (RFC 7701 §7).
    /// `ChatStreamDidSetNickname` or `ChatStreamDidNotSetNickname` tells what becomes of it. A message
    /// to one participant alone is [`send_message`](Self::send_message) with `to`.
    ///
    /// # Errors
    /// [`SessionError::State`] before the chat stands, [`SessionError::InvalidArgument`] when the
    /// peer is no room that gives nicknames ([`Snapshot::chatroom`]), or the nickname is over 1023
    /// bytes or has control characters.
    pub fn set_nickname(&self, nickname: &str) -> Result<(), SessionError> {
        let order = Order::Say(Say::Nickname(nickname.into()));
        self.order("set_nickname()", Event::SendMessage, order)
    }

    /// Sends one DTMF digit, `0-9*#A-D` (RFC 4733).
    ///
    /// # Errors
    /// When audio is not active, the digit is none, the peer takes no telephone-events or holds us.
    pub fn send_dtmf(&self, digit: char) -> Result<(), SessionError> {
        self.order("send_dtmf()", Event::SendDtmf, Order::SendDtmf(digit))
    }

    /// Records both directions to a WAV file: mono, 16 bit, at the codec's rate. `None`: a name
    /// from time (UTC) and parties. A relative name is put into the recordings directory.
    ///
    /// # Errors
    /// [`SessionError::State`] without an audio stream, before the call stands, or when a recording
    /// runs. That the file cannot be written is told by notifications.
    pub fn start_recording_audio(&self, file: Option<PathBuf>) -> Result<(), SessionError> {
        let engine = &self.guard.engine;
        let file = file
            .unwrap_or_else(|| recording::default_name(engine.clock.timestamp(), &self.snapshot()));
        let file = engine.config.recordings_directory.join(file);
        self.order("start_recording_audio()", Event::StartRecording, Order::StartRecording(file))
    }

    /// Stops recording.
    ///
    /// # Errors
    /// [`SessionError::State`] when no recording runs.
    pub fn stop_recording_audio(&self) -> Result<(), SessionError> {
        self.order("stop_recording_audio()", Event::StopRecording, Order::StopRecording)
    }

    /// Plays a WAV file to the peer in place of the microphone. Before audio is active the file is
    /// kept and starts with it. `WaveFileDidFinishPlaying` tells the end.
    ///
    /// # Errors
    /// [`SessionError::State`] when the session has no audio and will have none.
    pub fn play(&self, file: PathBuf) -> Result<(), SessionError> {
        self.order("play()", Event::SteerAudio, Order::Play(file))
    }

    /// Ends the playing of a file.
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub fn stop_playing(&self) -> Result<(), SessionError> {
        self.order("stop_playing()", Event::SteerAudio, Order::StopPlaying)
    }

    /// Sends back what comes in, in place of the microphone.
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub fn echo(&self, on: bool) -> Result<(), SessionError> {
        self.order("echo()", Event::SteerAudio, Order::Echo(on))
    }

    /// Sends silence in place of the microphone.
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub fn mute(&self, on: bool) -> Result<(), SessionError> {
        self.order("mute()", Event::SteerAudio, Order::Mute(on))
    }

    /// Takes the place of the sound device on this session's audio: what is written to the source
    /// is sent, what comes in is read from the sink. 16 bit mono at 8000 Hz. May be called from
    /// `connect` or the incoming call on; it then starts with the audio.
    ///
    /// # Errors
    /// [`SessionError::State`] when the session has not begun or is over, [`SessionError::Local`]
    /// when the media layer cannot do it.
    pub fn raw_audio(&self) -> Result<(AudioSource, AudioSink), SessionError> {
        self.refused("raw_audio()", Event::SteerAudio)?;
        let Guard { shared, engine } = &*self.guard;
        shared.has_raw_audio.store(true, Ordering::Release);
        let attached = engine.media.attach(self.id().0);
        if shared.latest().state == SessionState::Terminated {
            // Its thread may have looked before. A full mailbox took nothing in, either.
            let _full = engine.media.detach(self.id().0);
        }
        attached.map_err(|error| SessionError::Local(error.to_string()))
    }

    /// Waits until the session is ESTABLISHED (`true`) or over without having been so (`false`);
    /// `None` after `timeout`.
    #[must_use]
    pub fn wait_established(&self, timeout: Duration) -> Option<bool> {
        let over = |state| state == SessionState::Terminated;
        let progress =
            self.guard.shared.wait(timeout, |now| now.was_established || over(now.state));
        let known = progress.was_established || over(progress.state);
        known.then_some(progress.was_established)
    }

    /// Waits until the session is TERMINATED and `SIPSessionDidEnd` is posted; `false` after
    /// `timeout`.
    #[must_use]
    pub fn wait_ended(&self, timeout: Duration) -> bool {
        self.guard.shared.wait(timeout, |now| now.ended).ended
    }

    /// Makes the session's core panic. For tests of what then happens; of no other use.
    #[doc(hidden)]
    pub fn inject_panic(&self) {
        // A full mailbox: the test will see that nothing happened.
        let _full = self.guard.shared.send_order(Mail::Panic);
    }

    /// Hands an order to the session's thread and waits for its result.
    pub(super) fn order(
        &self,
        method: &'static str,
        event: Event,
        order: Order,
    ) -> Result<(), SessionError> {
        let (reply, mut result) = mailbox(1);
        match self.guard.shared.send_order(Mail::Order(Box::new(order), reply)) {
            Ok(()) => {}
            Err(Unsent::Full(_)) => return Err(SessionError::Busy),
            Err(Unsent::Closed(_)) => return self.refused(method, event),
        }
        // The session answers every order it reads; one that ends drops the rest.
        result.recv().unwrap_or_else(|| self.refused(method, event))
    }

    /// An id that no other message or transfer has.
    pub(super) fn new_id(&self) -> String {
        self.guard.engine.message_id()
    }

    /// What the table says to a session without a thread: an error, or nothing at all.
    pub(super) fn refused(&self, method: &'static str, event: Event) -> Result<(), SessionError> {
        let state = self.snapshot().state;
        match step(state, event) {
            Step::Refused => Err(SessionError::State(SessionStateError {
                method,
                state,
                allowed: allowed(event).collect(),
            })),
            _ => Ok(()),
        }
    }
}
