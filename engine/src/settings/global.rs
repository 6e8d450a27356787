//! The settings of the whole user agent, as one table.
//!
//! Names are the reference's, as are defaults, unless the documentation of a row says more.

use std::net::IpAddr;

use super::account_address::AccountAddress;
use super::lists::{CodecList, ContentTypes, ServerList, TransportList};
use super::numbers::{Milliseconds, Number, Percent, Port, PortRange, SampleRate, Seconds};
use super::table::{group, object};
use super::texts::{FilePath, KeyNegotiation, MsrpTransport, SoundDevice, Text};

group! {
    /// What has no group.
    GeneralSettings in "" {
        /// The account that calls are made with where nobody says otherwise. When it does not
        /// exist or is not enabled, the first enabled one is.
        default_account: AccountAddress = AccountAddress::bonjour();
        /// User-Agent and Server of every message (RFC 3261 §20.41).
        user_agent: Text = Text::known(concat!("offhook/", env!("CARGO_PKG_VERSION")));
        /// Calls at once; none: as many as the machine allows.
        sessions_max: Option<Number<1, 1_000_000>> = None;
    }
}

group! {
    /// SIP: sockets and times.
    SipSettings in "sip." {
        /// The address to listen on; none: all of this machine.
        local_address: Option<IpAddr> = None;
        /// The UDP port to listen on; 0 is any free one.
        udp_port: Port = Port::clamped(0);
        /// The TCP port to listen on; 0 is any free one.
        tcp_port: Port = Port::clamped(0);
        /// The TLS port to listen on; 0 is any free one. TLS is listened on when there is a
        /// certificate.
        /// No effect yet.
        tls_port: Port = Port::clamped(0);
        /// The transports to listen on and to send over, the preferred one first.
        transport_list: TransportList = TransportList::default();
        /// T1, the round trip that is assumed (RFC 3261 §17.1.1.1).
        t1: Milliseconds<10, 10_000> = Milliseconds::clamped(500);
        /// T2, the longest pause between repetitions of a request.
        t2: Milliseconds<10, 60_000> = Milliseconds::clamped(4000);
        /// T4, how long a message may stay in the network.
        t4: Milliseconds<10, 60_000> = Milliseconds::clamped(5000);
        /// How long a call or a proposal of ours may go without a final answer; none: for ever.
        invite_timeout: Option<Seconds<1, 3600>> = Some(Seconds::clamped(90));
        /// How long an incoming call rings before it is refused with 480; none: until the caller
        /// gives up.
        ring_timeout: Option<Seconds<1, 3600>> = None;
        /// How long a call may last once it stands; none: for ever.
        duration_max: Option<Seconds<1, 31_622_400>> = None;
        /// The session timer that our calls ask for (RFC 4028); none: no timer.
        session_expires: Option<Seconds<90, 604_800>> = Some(Seconds::clamped(1800));
        /// How long a transfer may take.
        /// No effect yet.
        transfer_timeout: Seconds<1, 3600> = Seconds::clamped(90);
        /// How long stopping may take before calls that do not end are left.
        stop_timeout: Seconds<1, 60> = Seconds::clamped(5);
        /// Take a call by itself when its INVITE asks for it (Alert-Info, Call-Info).
        auto_answer: bool = false;
    }
}

group! {
    /// RTP.
    RtpSettings in "rtp." {
        /// The ports of audio.
        port_range: PortRange = PortRange::DEFAULT;
        /// Audio codecs to offer and to accept, best first.
        audio_codec_list: CodecList = CodecList::default();
        /// Silence after which a stream counts as dead; none: never.
        timeout: Option<Seconds<1, 3600>> = Some(Seconds::clamped(30));
        /// Silence from a stream's start after which it is told that no audio came.
        no_audio_timeout: Seconds<1, 300> = Seconds::clamped(5);
    }
}

group! {
    /// Encryption of RTP (SRTP).
    EncryptionSettings in "rtp.encryption." {
        /// Whether audio may be encrypted.
        enabled: bool = true;
        /// How keys are agreed on, and whether there is a call without.
        key_negotiation: KeyNegotiation = KeyNegotiation::SdesOptional;
        /// Offer keys in SDP that travels in the clear, too, when encryption is optional.
        use_srtp_without_tls: bool = false;
    }
}

group! {
    /// Sound devices and recordings.
    AudioSettings in "audio." {
        /// The microphone; none: silence is sent.
        input_device: Option<SoundDevice> = Some(SoundDevice::SystemDefault);
        /// The speaker; none: what comes is dropped.
        output_device: Option<SoundDevice> = Some(SoundDevice::SystemDefault);
        /// The speaker that rings; none: it does not ring.
        /// No effect yet.
        alert_device: Option<SoundDevice> = Some(SoundDevice::SystemDefault);
        /// How often a second devices are sampled; none: as often as the codec.
        /// No effect yet.
        sample_rate: Option<SampleRate> = None;
        /// Send silence in place of the microphone.
        muted: bool = false;
        /// Play no sounds: no ring tones, no tones for messages.
        silent: bool = false;
        /// Let the user hear the digits that are sent.
        playback_dtmf: bool = true;
        /// Where recordings without an absolute name go; none: the working directory.
        recordings_directory: Option<FilePath> = None;
    }
}

group! {
    /// The echo canceller.
    EchoCancellerSettings in "audio.echo_canceller." {
        /// Whether echoes are cancelled.
        /// No effect yet.
        enabled: bool = true;
        /// How late an echo may come.
        /// No effect yet.
        tail_length: Milliseconds<0, 500> = Milliseconds::clamped(2);
    }
}

group! {
    /// Ring tones and other sounds.
    SoundsSettings in "sounds." {
        /// The WAV file that plays while an incoming call rings.
        audio_inbound: Option<FilePath> = None;
        /// The WAV file that plays while the called party rings.
        audio_outbound: Option<FilePath> = None;
        /// The WAV file that plays when a message has come.
        message_received: Option<FilePath> = None;
        /// The WAV file that plays when a message was sent.
        message_sent: Option<FilePath> = None;
        /// How loud, in percent.
        volume: Percent = Percent::clamped(100);
    }
}

group! {
    /// MSRP.
    MsrpSettings in "msrp." {
        /// The transport of chats.
        transport: MsrpTransport = MsrpTransport::Tcp;
        /// The port to wait for chats on; 0 is any free one.
        /// No effect yet.
        port: Port = Port::clamped(0);
        /// How long a connection, a relay or a transaction may take.
        /// No effect yet.
        timeout: Seconds<1, 300> = Seconds::clamped(30);
    }
}

group! {
    /// Chats.
    ChatSettings in "chat." {
        /// The content types that we take (a=accept-types).
        accept_types: ContentTypes = ContentTypes::known(&[
            "message/cpim", "text/*", "image/*", "application/im-iscomposing+xml",
        ]);
        /// The content types that we take inside message/cpim (a=accept-wrapped-types). Any, so that
        /// what became of messages is told, too (RFC 5438 comes wrapped).
        accept_wrapped_types: ContentTypes = ContentTypes::known(&["*"]);
    }
}

group! {
    /// File transfer.
    FileTransferSettings in "file_transfer." {
        /// Where received files go; none: the working directory.
        /// No effect yet.
        directory: Option<FilePath> = None;
    }
}

group! {
    /// TLS.
    TlsSettings in "tls." {
        /// The PEM file of certificate authorities; none: the system's.
        ca_list: Option<FilePath> = None;
        /// The PEM file with our certificate and its key.
        certificate: Option<FilePath> = None;
        /// Whether a peer that tells no fingerprint must prove who it is.
        verify_server: bool = true;
        /// How long a handshake may take.
        /// No effect yet.
        timeout: Milliseconds<100, 60_000> = Milliseconds::clamped(3000);
    }
}

group! {
    /// Looking names up.
    DnsSettings in "dns." {
        /// The name servers to ask, as addresses; empty: those of the system.
        nameservers: ServerList = ServerList::empty();
        /// How long one query may take.
        query_timeout: Seconds<1, 60> = Seconds::clamped(10);
        /// How long finding a SIP server may take in all.
        timeout: Seconds<1, 300> = Seconds::clamped(30);
        /// How long one query for a STUN server or a relay may take.
        service_query_timeout: Seconds<1, 60> = Seconds::clamped(3);
        /// How long finding a STUN server or a relay may take in all.
        service_timeout: Seconds<1, 300> = Seconds::clamped(15);
    }
}

group! {
    /// Logs.
    LogsSettings in "logs." {
        /// Tell every SIP message.
        trace_sip: bool = false;
        /// Tell every MSRP message.
        trace_msrp: bool = false;
        /// Tell every notification.
        trace_notifications: bool = false;
        /// Where log files go; none: nowhere.
        /// No effect yet.
        directory: Option<FilePath> = None;
    }
}

object! {
    /// The settings of the whole user agent.
    ///
    /// Fields are typed, so that a value that is not allowed cannot be made; by name, as files and
    /// people have them, they are reached through [`SettingsObject`](super::SettingsObject).
    ///
    /// ```
    /// use offhook::settings::{Settings, SettingsObject};
    ///
    /// let mut settings = Settings::default();
    /// settings.set("audio.silent", "yes")?;
    /// assert!(settings.audio.silent);
    /// let error = settings.set("sip.t1", "soon").unwrap_err().to_string();
    /// let told = r#"sip.t1 cannot be "soon"; allowed: a whole number from 10 to 10000 milliseconds"#;
    /// assert_eq!(error, told);
    /// settings.reset("audio.silent")?;
    /// assert_eq!(settings, Settings::default());
    /// # Ok::<(), offhook::settings::SettingError>(())
    /// ```
    Settings {
        /// What has no group.
        general: GeneralSettings,
        /// `sip.…`
        sip: SipSettings,
        /// `rtp.…`
        rtp: RtpSettings,
        /// `rtp.encryption.…`
        encryption: EncryptionSettings,
        /// `audio.…`
        audio: AudioSettings,
        /// `audio.echo_canceller.…`
        echo_canceller: EchoCancellerSettings,
        /// `sounds.…`
        sounds: SoundsSettings,
        /// `msrp.…`
        msrp: MsrpSettings,
        /// `chat.…`
        chat: ChatSettings,
        /// `file_transfer.…`
        file_transfer: FileTransferSettings,
        /// `tls.…`
        tls: TlsSettings,
        /// `dns.…`
        dns: DnsSettings,
        /// `logs.…`
        logs: LogsSettings,
    }
}
