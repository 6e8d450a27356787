//! The session: nine states, from the fresh object to the end of the call.
//!
//! Guards are not here: the session core splits what happens into these events first (an answer
//! that can be used or not, an end before or after the INVITE left), so the table stays finite.
//! What is asked of a call that stands (hold, add, remove) waits in a queue: the method is one
//! event, its turn another.

crate::machine! {
    name "session";
    start Null;
    states {
        /// A fresh object; nothing happened.
        Null = "NULL",
        /// `connect` was called: preparation, INVITE, ringing, early media.
        Calling = "CALLING",
        /// An INVITE came and rings; the application decides.
        Incoming = "INCOMING",
        /// `accept` was called: preparation, 200, until the ACK.
        Accepting = "ACCEPTING",
        /// The dialog is confirmed, no proposal is pending.
        Established = "ESTABLISHED",
        /// We propose to add a stream.
        Proposing = "PROPOSING",
        /// The peer proposes to add streams; the application decides.
        Proposed = "PROPOSED",
        /// The application ends the session.
        Terminating = "TERMINATING",
        /// Over.
        Terminated = "TERMINATED",
    }
    events {
        /// `connect`.
        Connect,
        /// A new INVITE came and passed every filter.
        RxInvite,
        /// `accept`.
        Accept,
        /// `send_progress`: early media before the answer.
        Progress,
        /// `reject`.
        Reject,
        /// `end`, and nothing of ours that matters has left yet.
        EndUnsent,
        /// `end`; our INVITE is out and nothing came back.
        EndUnanswered,
        /// `end` after a provisional response, after our 200, or in a confirmed dialog.
        End,
        /// All transports are prepared.
        Prepared,
        /// A transport could not be prepared.
        PrepareFailed,
        /// A 180.
        RxRinging,
        /// A 180 with an answer.
        RxRingingMedia,
        /// Another 1xx without an answer.
        RxProgress,
        /// Another 1xx with an answer.
        RxProgressMedia,
        /// A 2xx with an answer that can be used.
        Rx2xx,
        /// A 2xx whose answer is missing or cannot be used.
        Rx2xxUnusable,
        /// A final response 300–699 to the INVITE, and no route is left to try.
        RxFailure,
        /// A try failed in a way that lets the next route have its turn (REFERENCE 0.2).
        TryNextRoute,
        /// Nobody answered, or the transport failed, on the last route.
        NoAnswer,
        /// Our INVITE rang for as long as the settings allow.
        InviteExpired,
        /// The offer and our abilities have nothing in common.
        NegotiationFailed,
        /// The ACK to our 200.
        RxAck,
        /// The ACK to our 200, with an answer to the offer in it that can be used.
        RxAckAnswer,
        /// The ACK to our 200 whose answer to the offer in it is missing or cannot be used.
        RxAckUnusable,
        /// No ACK within 64·T1.
        NoAck,
        /// A CANCEL before our final response, to the INVITE or to a re-INVITE that proposes.
        RxCancel,
        /// A BYE.
        RxBye,
        /// What `end` sent is answered or given up.
        Farewell,
        /// A stream broke beyond repair.
        MediaFailed,
        /// Audio that was added to the call broke before anything was heard on it.
        AddedAudioFailed,
        /// The core itself failed.
        InternalError,
        /// `hold` or `unhold`.
        Hold,
        /// `add_audio` or `add_chat` of a stream that is not there.
        Propose,
        /// `add_audio` or `add_chat` of a stream that is there.
        ProposePresent,
        /// `remove_audio` or `remove_chat` of a stream that is there.
        Remove,
        /// `remove_audio` or `remove_chat` of a stream that is not there.
        RemoveAbsent,
        /// `accept_proposal`.
        AcceptProposal,
        /// `accept_proposal` while the first one works.
        AcceptProposalAgain,
        /// `reject_proposal`.
        RejectProposal,
        /// A hold or unhold has its turn.
        BeginHold,
        /// An added stream has its turn.
        BeginProposal,
        /// A removal has its turn, or the line of a stream that broke is closed.
        BeginRemove,
        /// An offer that met the peer's own is made again (RFC 3261 §14.1), or the session is
        /// refreshed.
        RepeatOffer,
        /// A 2xx to our offer, with an answer that can be used.
        RxOfferAnswer,
        /// Our offer was refused; the call goes on as it was.
        RxOfferRefused,
        /// A 2xx to our offer whose answer is missing or cannot be used.
        RxOfferUnusable,
        /// Our offer was not answered, or with 408.
        OfferLost,
        /// Our offer was answered with 481: the peer does not know the call.
        OfferLostDialog,
        /// The peer takes the stream that we propose.
        ProposalAccepted,
        /// A 2xx to our proposal that refuses the new stream.
        ProposalRefused,
        /// Our proposal was refused as a whole, or gave way to the peer's.
        ProposalFailed,
        /// Our proposal, or another offer of ours, rang for too long.
        CancelProposal,
        /// A re-INVITE that adds streams.
        RxProposal,
        /// An offer that adds nothing: a refresh, a hold, a removal, another address or codec.
        RxReinvite,
        /// An offer that is refused.
        RxReinviteUnusable,
        /// The chat's connection stands.
        ChatStarted,
        /// The chat is gone: it could not start, it broke, or the peer closed it.
        ChatEnded,
        /// `start_recording_audio` with active audio, and nobody holds the call.
        StartRecording,
        /// `start_recording_audio` with active audio while the call is held.
        ArmRecording,
        /// `start_recording_audio` while a recording runs or is armed.
        StartSecondRecording,
        /// `stop_recording_audio` while a recording runs or is armed.
        StopRecording,
        /// `stop_recording_audio` without a recording.
        StopNoRecording,
        /// `send_dtmf` with active audio.
        SendDtmf,
        /// `play`, `stop_playing`, `echo` or `mute` with an audio stream, active or to come.
        SteerAudio,
        /// One of the calls that need audio, without it.
        MissAudio,
        /// `send_message` with a chat, active or to come.
        SendMessage,
        /// `send_message` without a chat.
        MissChat,
    }
    actions {
        /// `SIPSessionChangedState`.
        TellState,
        /// `SIPSessionNewOutgoing`.
        TellOutgoing,
        /// `SIPSessionNewIncoming`.
        TellIncoming,
        /// `SIPSessionGotRingIndication`.
        TellRinging,
        /// `SIPSessionWillStart`; the start time is set.
        TellWillStart,
        /// `SIPSessionDidStart`.
        TellDidStart,
        /// `SIPSessionWillEnd`.
        TellWillEnd,
        /// `SIPSessionDidFail`.
        TellDidFail,
        /// `SIPSessionDidEnd`; the stop time is set.
        TellDidEnd,
        /// `SIPSessionGotStreamUpdate`, if the set of active streams changed.
        TellStreams,
        /// `SIPSessionGotHoldRequest` or `SIPSessionGotUnholdRequest` by us.
        TellHold,
        /// `SIPSessionGotStreamProposal`.
        TellProposal,
        /// `SIPSessionAcceptedStreamProposal`.
        TellAccepted,
        /// `SIPSessionRejectedStreamProposal`.
        TellRejected,
        /// Acquire sockets and devices.
        PrepareStreams,
        /// Send the INVITE over the route whose turn it is.
        SendInvite,
        /// Send 180.
        SendRinging,
        /// Send 183 with the answer.
        SendProgress,
        /// Send 200 with the answer, again until the ACK.
        SendAnswer,
        /// Send the ACK to the 2xx.
        SendAck,
        /// Send CANCEL, or hold it back until a provisional response came.
        SendCancel,
        /// Send BYE (after the ACK when we answered and it is still out).
        SendBye,
        /// Refuse the INVITE with the code at hand.
        SendRefusal,
        /// Answer the CANCEL with 200 and the INVITE with 487.
        AnswerCancel,
        /// Answer the BYE with 200.
        AnswerBye,
        /// Start the streams that were negotiated, or bring running ones in line.
        StartStreams,
        /// Stop all streams; recordings first.
        StopStreams,
        /// Microphone and RTP fall silent at once.
        Silence,
        /// Put the order into the queue.
        Enqueue,
        /// Send the re-INVITE (or UPDATE) whose turn it is.
        SendOffer,
        /// Send the ACK to the 2xx of our re-INVITE.
        SendOfferAck,
        /// Cancel our re-INVITE.
        CancelOffer,
        /// What our offer wanted to change stays as it was: a proposed stream goes, a hold is taken
        /// back and told.
        DropOffer,
        /// Stop the stream that is removed; its recording first.
        DropRemoved,
        /// Send 180 to the re-INVITE.
        RingProposal,
        /// Answer the offer with 200 and our description, a re-INVITE again until the ACK.
        AnswerReinvite,
        /// Refuse the offer with the code at hand; the call goes on as it was.
        RefuseReinvite,
        /// Connect the chat that was negotiated.
        StartChat,
        /// Take out the audio that was added; its line is closed in its turn.
        StopAudio,
        /// Forget the chat; its line is closed when the queue has room.
        StopChat,
        /// `SIPSessionWillStartRecordingAudio`.
        TellWillStartRecording,
        /// Open the recording's file; `SIPSessionDidStartRecordingAudio` when it is open.
        OpenRecording,
        /// `SIPSessionWillStopRecordingAudio`.
        TellWillStopRecording,
        /// Close the recording's file; `SIPSessionDidStopRecordingAudio` when it is closed.
        CloseRecording,
        /// Hand the order to the media layer.
        OrderMedia,
        /// Send the message, or keep it until the chat stands.
        QueueMessage,
    }
    Null {
        Connect => Calling [PrepareStreams, TellState, TellOutgoing],
        RxInvite => Incoming [SendRinging, TellState, TellIncoming];
        ignore {
            EndUnsent, EndUnanswered, End, Prepared, PrepareFailed, RxRinging, RxRingingMedia,
            RxProgress, RxProgressMedia, Rx2xx, Rx2xxUnusable, RxFailure, TryNextRoute, NoAnswer,
            InviteExpired, NegotiationFailed, RxAck, RxAckAnswer, RxAckUnusable, NoAck, RxCancel,
            RxBye, Farewell, MediaFailed, InternalError, BeginHold, BeginProposal, BeginRemove,
            RepeatOffer, RxOfferAnswer, RxOfferRefused, RxOfferUnusable, OfferLost, OfferLostDialog,
            ProposalAccepted, ProposalRefused, ProposalFailed, CancelProposal, RxProposal,
            RxReinvite, RxReinviteUnusable, ChatStarted, ChatEnded, AddedAudioFailed,
        };
        refuse {
            Accept, Progress, Reject, Hold, Propose, ProposePresent, Remove, RemoveAbsent,
            AcceptProposal, AcceptProposalAgain, RejectProposal, StartRecording, ArmRecording,
            StartSecondRecording, StopRecording, StopNoRecording, SendDtmf, SteerAudio, MissAudio,
            SendMessage, MissChat,
        }
    }
    Calling {
        Prepared => Calling [SendInvite],
        PrepareFailed => Terminated [StopStreams, TellState, TellDidFail, TellDidEnd],
        RxRinging => Calling [TellRinging],
        RxRingingMedia => Calling [TellRinging, StartStreams],
        RxProgressMedia => Calling [StartStreams],
        Rx2xx => Established [
            TellWillStart, SendAck, StartStreams, TellState, TellDidStart, StartChat, TellStreams,
        ],
        Rx2xxUnusable => Terminated [
            TellWillStart, SendAck, SendBye, StopStreams, TellState, TellDidFail, TellDidEnd,
        ],
        RxFailure => Terminated [StopStreams, TellState, TellDidFail, TellDidEnd],
        TryNextRoute => Calling [SendInvite],
        NoAnswer => Terminated [StopStreams, TellState, TellDidFail, TellDidEnd],
        InviteExpired => Terminated [SendCancel, StopStreams, TellState, TellDidFail, TellDidEnd],
        EndUnsent => Terminating [TellState, TellWillEnd, Silence, StopStreams],
        EndUnanswered => Terminating [TellState, TellWillEnd, Silence, SendCancel],
        End => Terminating [TellState, TellWillEnd, Silence, SendCancel],
        RxBye => Terminated [AnswerBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        MediaFailed => Terminated [SendCancel, StopStreams, TellState, TellDidFail, TellDidEnd],
        InternalError => Terminated [SendCancel, StopStreams, TellState, TellDidFail, TellDidEnd],
        SendDtmf => Calling [OrderMedia],
        SteerAudio => Calling [OrderMedia],
        SendMessage => Calling [QueueMessage],
        ChatEnded => Calling [StopChat],
        RxReinvite => Calling [AnswerReinvite, StartStreams],
        RxReinviteUnusable => Calling [RefuseReinvite];
        ignore {
            RxInvite, RxProgress, NegotiationFailed, RxAck, RxAckAnswer, RxAckUnusable, NoAck,
            RxCancel, Farewell, BeginHold, BeginProposal, BeginRemove, RepeatOffer, RxOfferAnswer,
            RxOfferRefused, RxOfferUnusable, OfferLost, OfferLostDialog, ProposalAccepted,
            ProposalRefused, ProposalFailed, CancelProposal, RxProposal, ChatStarted,
            AddedAudioFailed,
        };
        refuse {
            Connect, Accept, Progress, Reject, Hold, Propose, ProposePresent, Remove, RemoveAbsent,
            AcceptProposal, AcceptProposalAgain, RejectProposal, StartRecording, ArmRecording,
            StartSecondRecording, StopRecording, StopNoRecording, MissAudio, MissChat,
        }
    }
    Incoming {
        Accept => Accepting [PrepareStreams, TellState],
        Progress => Incoming [PrepareStreams],
        Prepared => Incoming [SendProgress, StartStreams],
        PrepareFailed => Terminated [SendRefusal, StopStreams, TellState, TellDidFail, TellDidEnd],
        NegotiationFailed => Terminated [
            SendRefusal, StopStreams, TellState, TellDidFail, TellDidEnd,
        ],
        Reject => Terminating [SendRefusal, TellState, TellWillEnd, StopStreams],
        EndUnsent => Terminating [SendRefusal, TellState, TellWillEnd, StopStreams],
        EndUnanswered => Terminating [SendRefusal, TellState, TellWillEnd, StopStreams],
        End => Terminating [SendRefusal, TellState, TellWillEnd, StopStreams],
        RxCancel => Terminated [AnswerCancel, StopStreams, TellState, TellDidFail, TellDidEnd],
        RxBye => Terminated [
            AnswerBye, SendRefusal, StopStreams, TellState, TellDidFail, TellDidEnd,
        ],
        MediaFailed => Terminated [SendRefusal, StopStreams, TellState, TellDidFail, TellDidEnd],
        InternalError => Terminated [SendRefusal, StopStreams, TellState, TellDidFail, TellDidEnd],
        SendDtmf => Incoming [OrderMedia],
        SteerAudio => Incoming [OrderMedia],
        RxReinvite => Incoming [RefuseReinvite],
        RxReinviteUnusable => Incoming [RefuseReinvite];
        ignore {
            RxInvite, RxRinging, RxRingingMedia, RxProgress, RxProgressMedia, Rx2xx, Rx2xxUnusable,
            RxFailure, TryNextRoute, NoAnswer, InviteExpired, RxAck, RxAckAnswer, RxAckUnusable,
            NoAck, Farewell, BeginHold, BeginProposal, BeginRemove, RepeatOffer, RxOfferAnswer,
            RxOfferRefused, RxOfferUnusable, OfferLost, OfferLostDialog, ProposalAccepted,
            ProposalRefused, ProposalFailed, CancelProposal, RxProposal, ChatStarted, ChatEnded,
            AddedAudioFailed,
        };
        refuse {
            Connect, Hold, Propose, ProposePresent, Remove, RemoveAbsent, AcceptProposal,
            AcceptProposalAgain, RejectProposal, StartRecording, ArmRecording, StartSecondRecording,
            StopRecording, StopNoRecording, MissAudio, SendMessage, MissChat,
        }
    }
    Accepting {
        Prepared => Accepting [SendAnswer, StartStreams, TellWillStart, StartChat],
        PrepareFailed => Terminated [SendRefusal, StopStreams, TellState, TellDidFail, TellDidEnd],
        NegotiationFailed => Terminated [
            SendRefusal, StopStreams, TellState, TellDidFail, TellDidEnd,
        ],
        RxAck => Established [TellState, TellDidStart, TellStreams],
        RxAckAnswer => Established [StartStreams, TellState, TellDidStart, StartChat, TellStreams],
        RxAckUnusable => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        NoAck => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        RxCancel => Terminated [AnswerCancel, StopStreams, TellState, TellDidFail, TellDidEnd],
        RxBye => Terminated [AnswerBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        EndUnsent => Terminating [SendRefusal, TellState, TellWillEnd, Silence, StopStreams],
        EndUnanswered => Terminating [TellState, TellWillEnd, Silence, SendBye],
        End => Terminating [TellState, TellWillEnd, Silence, SendBye],
        MediaFailed => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        InternalError => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        SendDtmf => Accepting [OrderMedia],
        SteerAudio => Accepting [OrderMedia],
        SendMessage => Accepting [QueueMessage],
        ChatEnded => Accepting [StopChat],
        RxReinvite => Accepting [RefuseReinvite],
        RxReinviteUnusable => Accepting [RefuseReinvite];
        ignore {
            RxInvite, RxRinging, RxRingingMedia, RxProgress, RxProgressMedia, Rx2xx, Rx2xxUnusable,
            RxFailure, TryNextRoute, NoAnswer, InviteExpired, Farewell, BeginHold, BeginProposal,
            BeginRemove, RepeatOffer, RxOfferAnswer, RxOfferRefused, RxOfferUnusable, OfferLost,
            OfferLostDialog, ProposalAccepted, ProposalRefused, ProposalFailed, CancelProposal,
            RxProposal, ChatStarted, AddedAudioFailed,
        };
        refuse {
            Connect, Accept, Progress, Reject, Hold, Propose, ProposePresent, Remove, RemoveAbsent,
            AcceptProposal, AcceptProposalAgain, RejectProposal, StartRecording, ArmRecording,
            StartSecondRecording, StopRecording, StopNoRecording, MissAudio, MissChat,
        }
    }
    Established {
        EndUnsent => Terminating [TellState, TellWillEnd, Silence, SendBye],
        EndUnanswered => Terminating [TellState, TellWillEnd, Silence, SendBye],
        End => Terminating [TellState, TellWillEnd, Silence, SendBye],
        RxBye => Terminated [AnswerBye, StopStreams, TellState, TellDidEnd],
        MediaFailed => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        InternalError => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        NoAck => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        StartRecording => Established [TellWillStartRecording, OpenRecording],
        ArmRecording => Established [],
        StopRecording => Established [TellWillStopRecording, CloseRecording],
        SendDtmf => Established [OrderMedia],
        SteerAudio => Established [OrderMedia],
        SendMessage => Established [QueueMessage],
        ChatStarted => Established [TellStreams],
        ChatEnded => Established [StopChat, TellStreams],
        AddedAudioFailed => Established [StopAudio, TellStreams],
        RxReinviteUnusable => Established [RefuseReinvite],
        OfferLost => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        OfferLostDialog => Terminated [StopStreams, TellState, TellDidFail, TellDidEnd],
        Rx2xx => Established [SendAck],
        RxOfferAnswer => Established [SendOfferAck, StartStreams],
        Hold => Established [Enqueue],
        Propose => Established [Enqueue],
        Remove => Established [Enqueue],
        BeginHold => Established [SendOffer, TellHold],
        BeginProposal => Proposing [TellState, TellProposal, PrepareStreams],
        BeginRemove => Established [DropRemoved, TellStreams, SendOffer],
        RepeatOffer => Established [SendOffer],
        RxOfferRefused => Established [DropOffer],
        RxOfferUnusable => Established [SendOfferAck, DropOffer],
        RxProposal => Proposed [RingProposal, TellState, TellProposal],
        RxReinvite => Established [AnswerReinvite, StartStreams, TellStreams],
        RxAckAnswer => Established [StartStreams, TellStreams],
        RxAckUnusable => Established [],
        CancelProposal => Established [CancelOffer];
        ignore {
            RxInvite, Prepared, PrepareFailed, RxRinging, RxRingingMedia, RxProgress,
            RxProgressMedia, Rx2xxUnusable, RxFailure, TryNextRoute, NoAnswer, InviteExpired,
            NegotiationFailed, RxAck, RxCancel, Farewell, ProposalAccepted, ProposalRefused,
            ProposalFailed,
        };
        refuse {
            Connect, Accept, Progress, Reject, ProposePresent, RemoveAbsent, AcceptProposal,
            AcceptProposalAgain, RejectProposal, StartSecondRecording, StopNoRecording, MissAudio,
            MissChat,
        }
    }
    Proposing {
        EndUnsent => Terminating [TellState, TellWillEnd, Silence, SendBye],
        EndUnanswered => Terminating [TellState, TellWillEnd, Silence, SendBye],
        End => Terminating [TellState, TellWillEnd, Silence, SendBye],
        RxBye => Terminated [AnswerBye, StopStreams, TellState, TellDidEnd],
        MediaFailed => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        InternalError => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        NoAck => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        StartRecording => Proposing [TellWillStartRecording, OpenRecording],
        ArmRecording => Proposing [],
        StopRecording => Proposing [TellWillStopRecording, CloseRecording],
        SendDtmf => Proposing [OrderMedia],
        SteerAudio => Proposing [OrderMedia],
        SendMessage => Proposing [QueueMessage],
        ChatStarted => Proposing [TellStreams],
        ChatEnded => Proposing [StopChat, TellStreams],
        AddedAudioFailed => Proposing [StopAudio, TellStreams],
        RxReinviteUnusable => Proposing [RefuseReinvite],
        OfferLost => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        OfferLostDialog => Terminated [StopStreams, TellState, TellDidFail, TellDidEnd],
        Rx2xx => Proposing [SendAck],
        RxOfferAnswer => Proposing [SendOfferAck, StartStreams],
        Prepared => Proposing [SendOffer],
        PrepareFailed => Established [DropOffer, TellState, TellRejected],
        ProposalAccepted => Established [
            SendOfferAck, StartStreams, TellState, TellAccepted, StartChat, TellStreams,
        ],
        ProposalRefused => Established [
            SendOfferAck, DropOffer, StartStreams, TellState, TellRejected,
        ],
        ProposalFailed => Established [DropOffer, TellState, TellRejected],
        CancelProposal => Proposing [CancelOffer],
        RxReinvite => Proposing [RefuseReinvite];
        ignore {
            RxInvite, RxRinging, RxRingingMedia, RxProgress, RxProgressMedia, Rx2xxUnusable,
            RxFailure, TryNextRoute, NoAnswer, InviteExpired, NegotiationFailed, RxAck, RxAckAnswer,
            RxAckUnusable, RxCancel, Farewell, BeginHold, BeginProposal, BeginRemove, RepeatOffer,
            RxOfferRefused, RxOfferUnusable, RxProposal,
        };
        refuse {
            Connect, Accept, Progress, Reject, Hold, Propose, ProposePresent, Remove, RemoveAbsent,
            AcceptProposal, AcceptProposalAgain, RejectProposal, StartSecondRecording,
            StopNoRecording, MissAudio, MissChat,
        }
    }
    Proposed {
        EndUnsent => Terminating [RefuseReinvite, TellState, TellWillEnd, Silence, SendBye],
        EndUnanswered => Terminating [RefuseReinvite, TellState, TellWillEnd, Silence, SendBye],
        End => Terminating [RefuseReinvite, TellState, TellWillEnd, Silence, SendBye],
        RxBye => Terminated [RefuseReinvite, AnswerBye, StopStreams, TellState, TellDidEnd],
        MediaFailed => Terminated [
            RefuseReinvite, SendBye, StopStreams, TellState, TellDidFail, TellDidEnd,
        ],
        InternalError => Terminated [
            RefuseReinvite, SendBye, StopStreams, TellState, TellDidFail, TellDidEnd,
        ],
        NoAck => Terminated [
            RefuseReinvite, SendBye, StopStreams, TellState, TellDidFail, TellDidEnd,
        ],
        StartRecording => Proposed [TellWillStartRecording, OpenRecording],
        ArmRecording => Proposed [],
        StopRecording => Proposed [TellWillStopRecording, CloseRecording],
        SendDtmf => Proposed [OrderMedia],
        SteerAudio => Proposed [OrderMedia],
        SendMessage => Proposed [QueueMessage],
        ChatStarted => Proposed [TellStreams],
        ChatEnded => Proposed [StopChat, TellStreams],
        AddedAudioFailed => Proposed [StopAudio, TellStreams],
        RxReinviteUnusable => Proposed [RefuseReinvite],
        OfferLost => Terminated [
            RefuseReinvite, SendBye, StopStreams, TellState, TellDidFail, TellDidEnd,
        ],
        OfferLostDialog => Terminated [
            RefuseReinvite, StopStreams, TellState, TellDidFail, TellDidEnd,
        ],
        Rx2xx => Proposed [SendAck],
        RxOfferAnswer => Proposed [SendOfferAck, StartStreams],
        AcceptProposal => Proposed [PrepareStreams],
        Prepared => Established [
            AnswerReinvite, TellState, TellAccepted, StartStreams, StartChat, TellStreams,
        ],
        PrepareFailed => Established [RefuseReinvite, TellState, TellRejected],
        NegotiationFailed => Established [RefuseReinvite, TellState, TellRejected],
        RejectProposal => Established [TellState, TellRejected, RefuseReinvite],
        RxCancel => Established [RefuseReinvite, TellState, TellRejected],
        RxReinvite => Proposed [RefuseReinvite];
        ignore {
            RxInvite, RxRinging, RxRingingMedia, RxProgress, RxProgressMedia, Rx2xxUnusable,
            RxFailure, TryNextRoute, NoAnswer, InviteExpired, RxAck, RxAckAnswer, RxAckUnusable,
            Farewell, BeginHold, BeginProposal, BeginRemove, RepeatOffer, RxOfferRefused,
            RxOfferUnusable, ProposalAccepted, ProposalRefused, ProposalFailed, CancelProposal,
            RxProposal,
        };
        refuse {
            Connect, Accept, Progress, Reject, Hold, Propose, ProposePresent, Remove, RemoveAbsent,
            AcceptProposalAgain, StartSecondRecording, StopNoRecording, MissAudio, MissChat,
        }
    }
    Terminating {
        Rx2xx => Terminating [SendAck, SendBye],
        Rx2xxUnusable => Terminating [SendAck, SendBye],
        RxAck => Terminating [SendBye],
        RxAckAnswer => Terminating [SendBye],
        RxAckUnusable => Terminating [SendBye],
        NoAck => Terminating [SendBye],
        RxBye => Terminated [AnswerBye, StopStreams, TellState, TellDidEnd],
        RxFailure => Terminated [StopStreams, TellState, TellDidEnd],
        NoAnswer => Terminated [StopStreams, TellState, TellDidEnd],
        Farewell => Terminated [StopStreams, TellState, TellDidEnd],
        InternalError => Terminated [SendBye, StopStreams, TellState, TellDidEnd],
        RxProgress => Terminating [SendCancel],
        RxRinging => Terminating [SendCancel],
        RxRingingMedia => Terminating [SendCancel],
        RxProgressMedia => Terminating [SendCancel],
        RxOfferAnswer => Terminating [SendOfferAck],
        ProposalAccepted => Terminating [SendOfferAck],
        ProposalRefused => Terminating [SendOfferAck],
        RxOfferUnusable => Terminating [SendOfferAck],
        ChatEnded => Terminating [StopChat, TellStreams];
        ignore {
            RxInvite, EndUnsent, EndUnanswered, End, Prepared, PrepareFailed, TryNextRoute,
            InviteExpired, NegotiationFailed, RxCancel, MediaFailed, BeginHold, BeginProposal,
            BeginRemove, RepeatOffer, RxOfferRefused, OfferLost, OfferLostDialog, ProposalFailed,
            CancelProposal, RxProposal, RxReinvite, RxReinviteUnusable, ChatStarted,
            AddedAudioFailed,
        };
        refuse {
            Connect, Accept, Progress, Reject, Hold, Propose, ProposePresent, Remove, RemoveAbsent,
            AcceptProposal, AcceptProposalAgain, RejectProposal, StartRecording, ArmRecording,
            StartSecondRecording, StopRecording, StopNoRecording, SendDtmf, SteerAudio, MissAudio,
            SendMessage, MissChat,
        }
    }
    Terminated {
        ;
        ignore {
            RxInvite, Reject, EndUnsent, EndUnanswered, End, Prepared, PrepareFailed, RxRinging,
            RxRingingMedia, RxProgress, RxProgressMedia, Rx2xx, Rx2xxUnusable, RxFailure,
            TryNextRoute, NoAnswer, InviteExpired, NegotiationFailed, RxAck, RxAckAnswer,
            RxAckUnusable, NoAck, RxCancel, RxBye, Farewell, MediaFailed, InternalError, BeginHold,
            BeginProposal, BeginRemove, RepeatOffer, RxOfferAnswer, RxOfferRefused, RxOfferUnusable,
            OfferLost, OfferLostDialog, ProposalAccepted, ProposalRefused, ProposalFailed,
            CancelProposal, RxProposal, RxReinvite, RxReinviteUnusable, ChatStarted, ChatEnded,
            AddedAudioFailed,
        };
        refuse {
            Connect, Accept, Progress, Hold, Propose, ProposePresent, Remove, RemoveAbsent,
            AcceptProposal, AcceptProposalAgain, RejectProposal, StartRecording, ArmRecording,
            StartSecondRecording, StopRecording, StopNoRecording, SendDtmf, SteerAudio, MissAudio,
            SendMessage, MissChat,
        }
    }
}
