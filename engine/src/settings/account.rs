//! The settings of an account, and of `bonjour@local`, as tables.
//!
//! What an account does not say itself (`none`) is as the global setting of the same name.

use super::lists::{CodecList, ServerList};
use super::numbers::Seconds;
use super::secret::Secret;
use super::table::{group, object};
use super::texts::{ConnectionModel, FilePath, KeyNegotiation, MsrpTransport, Text, WebAddress};
use crate::route::Route;
use crate::sip::SipUri;
use crate::transport::Transport;

group! {
    /// What has no group.
    AccountGeneral in "" {
        /// Whether the account is used.
        enabled: bool = false;
        /// The name that others see.
        display_name: Option<Text> = None;
    }
}

group! {
    /// How the account proves who it is.
    AuthSettings in "auth." {
        /// The user name; none: the account's user.
        username: Option<Text> = None;
        /// The password.
        password: Option<Secret> = None;
        /// A file whose first line is the password, used when `auth.password` is none. A relative
        /// name is meant from the folder of the settings.
        password_file: Option<FilePath> = None;
    }
}

group! {
    /// SIP.
    AccountSipSettings in "sip." {
        /// Register with the account's server as soon as an engine runs; the command's verbs do so
        /// only when told.
        register: bool = true;
        /// How long a registration is asked for.
        register_interval: Seconds<60, 604_800> = Seconds::clamped(600);
        /// How long a subscription is asked for.
        /// No effect yet.
        subscribe_interval: Seconds<60, 604_800> = Seconds::clamped(600);
        /// How long a publication is asked for.
        /// No effect yet.
        publish_interval: Seconds<60, 604_800> = Seconds::clamped(600);
        /// Where requests go; none: to the server of the account's domain.
        outbound_proxy: Option<Route> = None;
        /// Send requests to other domains over the proxy, too.
        always_use_my_proxy: bool = false;
        /// The name that the server's certificate must have; none: the domain.
        /// No effect yet.
        tls_name: Option<Text> = None;
    }
}

group! {
    /// RTP.
    AccountRtpSettings in "rtp." {
        /// Audio codecs, best first; none: as the global setting says.
        audio_codec_list: Option<CodecList> = None;
        /// Send digits as tones in the audio, too.
        /// No effect yet.
        inband_dtmf: bool = false;
        /// End a call whose audio is dead.
        hangup_on_timeout: bool = true;
    }
}

group! {
    /// Encryption of RTP (SRTP).
    AccountEncryption in "rtp.encryption." {
        /// Whether audio may be encrypted; none: as the global setting says.
        enabled: Option<bool> = None;
        /// How keys are agreed on; none: as the global setting says.
        key_negotiation: Option<KeyNegotiation> = None;
    }
}

group! {
    /// Ways through address translation.
    NatTraversalSettings in "nat_traversal." {
        /// Use ICE (RFC 8445).
        /// No effect yet.
        use_ice: bool = false;
        /// STUN servers; empty: those that DNS names for the domain.
        /// No effect yet.
        stun_server_list: ServerList = ServerList::empty();
        /// The MSRP relay (RFC 4976), over TCP if its transport says so,
        /// else over TLS; none: no relay.
        msrp_relay: Option<Route> = None;
        /// Use the relay for chats that others begin.
        use_msrp_relay_for_inbound: bool = true;
        /// Use the relay for chats that we begin.
        use_msrp_relay_for_outbound: bool = false;
    }
}

group! {
    /// Waiting messages (RFC 3842).
    MessageSummarySettings in "message_summary." {
        /// Ask the server for waiting messages.
        /// No effect yet.
        enabled: bool = false;
        /// Where to call for them.
        /// No effect yet.
        voicemail_uri: Option<SipUri> = None;
    }
}

group! {
    /// MSRP.
    AccountMsrpSettings in "msrp." {
        /// The transport of chats; none: as the global setting says.
        transport: Option<MsrpTransport> = None;
        /// How two chats find each other.
        /// No effect yet.
        connection_model: ConnectionModel = ConnectionModel::Relay;
    }
}

group! {
    /// Presence.
    PresenceSettings in "presence." {
        /// Publish one's own presence and ask for that of others.
        /// No effect yet.
        enabled: bool = false;
    }
}

group! {
    /// Contacts and rules that a server keeps (RFC 4825).
    XcapSettings in "xcap." {
        /// Use them.
        /// No effect yet.
        enabled: bool = false;
        /// The server's root; none: what DNS says.
        /// No effect yet.
        xcap_root: Option<WebAddress> = None;
        /// Be told of changes (RFC 5875).
        /// No effect yet.
        xcap_diff: bool = true;
    }
}

group! {
    /// Sounds.
    AccountSounds in "sounds." {
        /// The WAV file that plays while a call to this account rings; none: the global one.
        /// No effect yet.
        audio_inbound: Option<FilePath> = None;
    }
}

group! {
    /// Page-mode messages.
    SmsSettings in "sms." {
        /// Wrap them in message/cpim.
        /// No effect yet.
        use_cpim: bool = true;
        /// Tell that one is typing (RFC 3994).
        /// No effect yet.
        enable_composing: bool = true;
        /// Tell that a message came and was shown (RFC 5438).
        /// No effect yet.
        enable_imdn: bool = true;
    }
}

group! {
    /// Conferences.
    ConferenceSettings in "conference." {
        /// The server for new conferences.
        /// No effect yet.
        server_address: Option<Route> = None;
        /// The name in conferences; none: the display name.
        /// No effect yet.
        nickname: Option<Text> = None;
    }
}

object! {
    /// The settings of one account.
    AccountSettings {
        /// What has no group.
        general: AccountGeneral,
        /// `auth.…`
        auth: AuthSettings,
        /// `sip.…`
        sip: AccountSipSettings,
        /// `rtp.…`
        rtp: AccountRtpSettings,
        /// `rtp.encryption.…`
        encryption: AccountEncryption,
        /// `nat_traversal.…`
        nat_traversal: NatTraversalSettings,
        /// `message_summary.…`
        message_summary: MessageSummarySettings,
        /// `msrp.…`
        msrp: AccountMsrpSettings,
        /// `presence.…`
        presence: PresenceSettings,
        /// `xcap.…`
        xcap: XcapSettings,
        /// `sounds.…`
        sounds: AccountSounds,
        /// `sms.…`
        sms: SmsSettings,
        /// `conference.…`
        conference: ConferenceSettings,
    }
}

group! {
    /// What has no group.
    BonjourGeneral in "" {
        /// Whether the account is used.
        enabled: bool = true;
        /// The name that others see.
        display_name: Option<Text> = None;
    }
}

group! {
    /// SIP.
    BonjourSip in "sip." {
        /// The transport that neighbours are told to use.
        /// No effect yet.
        transport: Transport = Transport::Udp;
        /// The name that a neighbour's certificate must have.
        /// No effect yet.
        tls_name: Option<Text> = None;
    }
}

group! {
    /// MSRP.
    BonjourMsrp in "msrp." {
        /// The transport of chats; none: as the global setting says.
        transport: Option<MsrpTransport> = None;
    }
}

object! {
    /// The settings of `bonjour@local`, the account that needs no server: it has no password, no
    /// registration, no relay.
    BonjourSettings {
        /// What has no group.
        general: BonjourGeneral,
        /// `sip.…`
        sip: BonjourSip,
        /// `rtp.…`
        rtp: AccountRtpSettings,
        /// `rtp.encryption.…`
        encryption: AccountEncryption,
        /// `msrp.…`
        msrp: BonjourMsrp,
        /// `presence.…`
        presence: PresenceSettings,
        /// `sounds.…`
        sounds: AccountSounds,
    }
}
