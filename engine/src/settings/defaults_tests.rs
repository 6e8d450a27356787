//! Every default, so that none changes unseen. They are the reference's of 2026 where it has one,
//! unless a comment says which decision is followed instead.

use super::*;
use crate::negotiate::{ACCEPT_TYPES, ACCEPT_WRAPPED_TYPES};

const GLOBAL: &str = "\
default_account bonjour@local
sessions_max none
sip.local_address none
sip.udp_port 0
sip.tcp_port 0
sip.tls_port 0
sip.transport_list tls,tcp,udp
sip.t1 500
sip.t2 4000
sip.t4 5000
sip.invite_timeout 90
sip.ring_timeout none
sip.duration_max none
sip.session_expires 1800
sip.transfer_timeout 90
sip.stop_timeout 5
sip.auto_answer false
rtp.port_range 16384-65534
rtp.audio_codec_list PCMU,PCMA
rtp.timeout 30
rtp.no_audio_timeout 5
rtp.encryption.enabled true
rtp.encryption.key_negotiation sdes_optional
rtp.encryption.use_srtp_without_tls false
audio.input_device system_default
audio.output_device system_default
audio.alert_device system_default
audio.sample_rate none
audio.muted false
audio.silent false
audio.playback_dtmf true
audio.recordings_directory none
audio.echo_canceller.enabled true
audio.echo_canceller.tail_length 2
sounds.audio_inbound none
sounds.audio_outbound none
sounds.message_received none
sounds.message_sent none
sounds.volume 100
msrp.transport tcp
msrp.port 0
msrp.timeout 30
chat.accept_types message/cpim,text/*,image/*,application/im-iscomposing+xml
chat.accept_wrapped_types *
file_transfer.directory none
tls.ca_list none
tls.certificate none
tls.verify_server true
tls.timeout 3000
dns.nameservers 
dns.query_timeout 10
dns.timeout 30
dns.service_query_timeout 3
dns.service_timeout 15
logs.trace_sip false
logs.trace_msrp false
logs.trace_notifications false
logs.directory none
";

const ACCOUNT: &str = "\
enabled false
display_name none
auth.username none
auth.password none
auth.password_file none
sip.register true
sip.register_interval 600
sip.subscribe_interval 600
sip.publish_interval 600
sip.outbound_proxy none
sip.always_use_my_proxy false
sip.tls_name none
rtp.audio_codec_list none
rtp.inband_dtmf false
rtp.hangup_on_timeout true
rtp.encryption.enabled none
rtp.encryption.key_negotiation none
nat_traversal.use_ice false
nat_traversal.stun_server_list \n\
nat_traversal.msrp_relay none
nat_traversal.use_msrp_relay_for_inbound true
nat_traversal.use_msrp_relay_for_outbound false
message_summary.enabled false
message_summary.voicemail_uri none
msrp.transport none
msrp.connection_model relay
presence.enabled false
xcap.enabled false
xcap.xcap_root none
xcap.xcap_diff true
sounds.audio_inbound none
sms.use_cpim true
sms.enable_composing true
sms.enable_imdn true
conference.server_address none
conference.nickname none
";

const BONJOUR: &str = "\
enabled true
display_name none
sip.transport udp
sip.tls_name none
rtp.audio_codec_list none
rtp.inband_dtmf false
rtp.hangup_on_timeout true
rtp.encryption.enabled none
rtp.encryption.key_negotiation none
msrp.transport none
presence.enabled false
sounds.audio_inbound none
";

/// All settings of an object with their defaults, a line each; the user agent has the version in it.
fn listed(object: &dyn SettingsObject) -> String {
    let line = |row: &&Setting| format!("{} {}\n", row.name, row.default());
    object.list().iter().filter(|row| row.name != "user_agent").map(line).collect()
}

#[test]
fn the_global_settings_have_the_defaults_of_the_reference() {
    // Decisions: verification on, MSRP over TCP, ports from 16384, SRTP optional, devices at the
    // codec's rate, codecs that are built, no audio after 5 s. Any type
    // comes wrapped, as in 2009: notifications of RFC 5438 do.
    assert_eq!(listed(&Settings::default()), GLOBAL);
}

#[test]
fn the_settings_of_an_account_have_the_defaults_of_the_reference() {
    assert_eq!(listed(&AccountSettings::default()), ACCOUNT);
}

#[test]
fn the_settings_of_bonjour_have_the_defaults_of_the_reference() {
    assert_eq!(listed(&BonjourSettings::default()), BONJOUR);
}

#[test]
fn what_a_chat_offers_is_what_the_default_says() {
    let words = |types: &ContentTypes| types.to_value().to_string().replace(',', " ");
    let chat = Settings::default().chat;
    assert_eq!(words(&chat.accept_types), ACCEPT_TYPES);
    assert_eq!(words(&chat.accept_wrapped_types), ACCEPT_WRAPPED_TYPES);
}

#[test]
fn settings_that_nothing_follows_yet_say_so() {
    let has_effect = |object: &dyn SettingsObject, name: &str| {
        object.list().iter().find(|row| row.name == name).unwrap().has_effect()
    };
    for name in ["rtp.timeout", "audio.muted", "audio.playback_dtmf", "sounds.volume"] {
        assert!(has_effect(&Settings::default(), name), "{name}");
    }
    for name in ["audio.sample_rate", "audio.alert_device", "logs.directory"] {
        assert!(!has_effect(&Settings::default(), name), "{name}");
    }
    for (name, expected) in
        [("display_name", true), ("sip.register", true), ("sip.tls_name", false)]
    {
        assert_eq!(has_effect(&AccountSettings::default(), name), expected, "{name}");
    }
}
