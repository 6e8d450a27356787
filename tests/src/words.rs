//! What a message, an order and a notification are called in a line of text: in ladders, flows and
//! the rigs of single cores.

use offhook::notification::{NotificationData, StreamKind};
use offhook::session::Order;
use offhook::streams::Streams;

/// `INVITE`, or `200 INVITE` for an answer to it.
#[must_use]
pub fn title(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let first = text.split(' ').next().unwrap_or_default();
    let Some(rest) = text.strip_prefix("SIP/2.0 ") else { return first.to_owned() };
    let status = rest.split(' ').next().unwrap_or_default();
    let cseq = text.lines().find_map(|line| line.strip_prefix("CSeq: "));
    let method = cseq.and_then(|value| value.split(' ').nth(1)).unwrap_or_default();
    format!("{status} {method}")
}

/// `audio chat`.
fn streams(streams: Streams) -> String {
    streams.kinds().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// What `offhook agent` calls an order.
#[must_use]
pub fn order(order: &Order) -> String {
    match order {
        Order::Connect { uri, streams: asked, routes, .. } => {
            let whom = uri.to_string();
            let whom = whom.trim_start_matches("sip:").split('@').next().unwrap_or_default();
            let ways = routes.len();
            let over = if ways > 1 { format!(" over {ways} routes") } else { String::new() };
            format!("connect {whom} {}{over}", streams(*asked))
        }
        Order::ConnectByName { uri, streams: asked, .. } => {
            format!("connect {uri} {} by name", streams(*asked))
        }
        Order::Accept { streams: asked, .. } => format!("accept {}", streams(*asked)),
        Order::Reject { code, .. } => format!("reject {code}"),
        Order::Progress(asked) => format!("progress {}", streams(*asked)),
        Order::End => "end".into(),
        Order::Hold => "hold".into(),
        Order::Unhold => "unhold".into(),
        Order::Add(kind) => format!("add {kind}"),
        Order::Remove(kind) => format!("remove {kind}"),
        Order::AcceptProposal(asked) => format!("accept_proposal {}", streams(*asked)),
        Order::RejectProposal => "reject_proposal".into(),
        Order::SendMessage(message) => format!("message {}", message.id),
        Order::Say(say) => format!("say {say:?}"),
        Order::SendFile(work) => format!("send_file {}", work.place.display()),
        Order::AcceptFile(directory) => format!("accept_file {}", directory.display()),
        Order::CancelFile => "cancel_file".into(),
        Order::SendDtmf(digit) => format!("dtmf {digit}"),
        Order::StartRecording(file) => format!("record {}", file.display()),
        Order::StopRecording => "stop_recording".into(),
        Order::Play(file) => format!("play {}", file.display()),
        Order::StopPlaying => "stop_playing".into(),
        Order::Echo(on) => format!("echo {on}"),
        Order::Mute(on) => {
            if *on {
                "mute".into()
            } else {
                "unmute".into()
            }
        }
    }
}

/// A notification in short: `CS(NULL>CALLING)`, `SU[audio]`, `DidEnd{local}`.
#[must_use]
pub fn short(data: &NotificationData) -> String {
    let list = |streams: &[StreamKind]| {
        streams.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    };
    match data {
        NotificationData::SessionChangedState { prev_state, state } => {
            format!("CS({prev_state}>{state})")
        }
        NotificationData::SessionNewIncoming { streams } => {
            format!("NewIncoming[{}]", list(streams))
        }
        NotificationData::SessionNewOutgoing { streams } => {
            format!("NewOutgoing[{}]", list(streams))
        }
        NotificationData::SessionGotStreamUpdate { streams } => format!("SU[{}]", list(streams)),
        NotificationData::SessionDidFail { originator, code, reason, .. } => {
            format!("DidFail{{{originator}, {code}, {reason}}}")
        }
        NotificationData::SessionDidEnd { originator } => format!("DidEnd{{{originator}}}"),
        NotificationData::SessionGotStreamProposal { proposer, streams } => {
            format!("GotStreamProposal{{{proposer}, {}}}", list(streams))
        }
        NotificationData::SessionAcceptedStreamProposal { proposer } => {
            format!("AcceptedStreamProposal{{{proposer}}}")
        }
        NotificationData::SessionRejectedStreamProposal { proposer, reason } => {
            format!("RejectedStreamProposal{{{proposer}, {reason}}}")
        }
        NotificationData::SessionDidNotDeliverMessage { message_id, code, .. } => {
            format!("DidNotDeliverMessage{{{message_id}, {code}}}")
        }
        NotificationData::SessionDidDeliverMessage { message_id, code, .. } => {
            format!("DidDeliverMessage{{{message_id}, {code}}}")
        }
        NotificationData::SessionGotMessage { content, content_type, .. } => {
            let shown: String = String::from_utf8_lossy(content).chars().take(40).collect();
            format!("GotMessage{{{content_type}, {}}}", shown.escape_debug())
        }
        NotificationData::SessionGotDtmf { digit } => format!("GotDtmf{{{digit}}}"),
        NotificationData::SessionGotHoldRequest { originator } => {
            format!("GotHoldRequest{{{originator}}}")
        }
        NotificationData::SessionGotUnholdRequest { originator } => {
            format!("GotUnholdRequest{{{originator}}}")
        }
        other => other.name().trim_start_matches("SIPSession").to_owned(),
    }
}
