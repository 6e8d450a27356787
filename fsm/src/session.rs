//! The session: nine states, from the fresh object to the end of the call.
//!
//! Guards are not here: the session core splits what happens into these events first (an answer
//! that can be used or not, an end before or after the INVITE left), so the table stays finite.
//! Proposals of streams in mid-call (PROPOSING, PROPOSED) are part of the table; a core that does
//! not propose yet never raises their events.

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
        /// A CANCEL before our final response.
        RxCancel,
        /// A BYE.
        RxBye,
        /// What `end` sent is answered or given up.
        Farewell,
        /// A stream broke beyond repair.
        MediaFailed,
        /// The core itself failed.
        InternalError,
        /// `add_audio` or `add_chat`.
        Propose,
        /// The peer answered our proposal, either way.
        ProposalSettled,
        /// A re-INVITE that adds streams.
        RxProposal,
        /// `accept_proposal`, `reject_proposal`, or the peer's CANCEL.
        ProposalDecided,
        /// A re-INVITE that adds nothing: a refresh, a hold, another address or codec.
        RxReinvite,
        /// A re-INVITE that cannot be answered.
        RxReinviteUnusable,
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
        /// `SIPSessionGotStreamProposal`.
        TellProposal,
        /// `SIPSessionAcceptedStreamProposal` or `SIPSessionRejectedStreamProposal`.
        TellProposalSettled,
        /// Acquire sockets and devices.
        PrepareStreams,
        /// Send the INVITE over the route whose turn it is.
        SendInvite,
        /// Send 180.
        SendRinging,
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
        /// Send the re-INVITE that proposes.
        SendProposal,
        /// Answer the re-INVITE.
        AnswerProposal,
        /// Answer the re-INVITE with 200 and our description, again until the ACK.
        AnswerReinvite,
        /// Refuse the re-INVITE with the code at hand; the call goes on as it was.
        RefuseReinvite,
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
    }
    Null {
        Connect => Calling [PrepareStreams, TellState, TellOutgoing],
        RxInvite => Incoming [SendRinging, TellState, TellIncoming];
        ignore {
            EndUnsent, EndUnanswered, End, Prepared, PrepareFailed, RxRinging, RxRingingMedia,
            RxProgress, RxProgressMedia, Rx2xx, Rx2xxUnusable, RxFailure, TryNextRoute, NoAnswer,
            NegotiationFailed, RxAck, NoAck, RxCancel, RxBye, Farewell, MediaFailed, InternalError,
            ProposalSettled, RxProposal, RxReinvite, RxReinviteUnusable, RxAckAnswer, RxAckUnusable,
        };
        refuse {
            Accept, Reject, Propose, ProposalDecided, StartRecording, ArmRecording, StopRecording,
            SendDtmf, SteerAudio, StartSecondRecording, StopNoRecording, MissAudio,
        }
    }
    Calling {
        Prepared => Calling [SendInvite],
        PrepareFailed => Terminated [StopStreams, TellState, TellDidFail, TellDidEnd],
        RxRinging => Calling [TellRinging],
        RxRingingMedia => Calling [TellRinging, StartStreams],
        RxProgressMedia => Calling [StartStreams],
        Rx2xx => Established [TellWillStart, SendAck, StartStreams, TellState, TellDidStart],
        Rx2xxUnusable => Terminated [
            TellWillStart, SendAck, SendBye, StopStreams, TellState, TellDidFail, TellDidEnd,
        ],
        RxFailure => Terminated [StopStreams, TellState, TellDidFail, TellDidEnd],
        TryNextRoute => Calling [SendInvite],
        NoAnswer => Terminated [StopStreams, TellState, TellDidFail, TellDidEnd],
        EndUnsent => Terminating [TellState, TellWillEnd, Silence, StopStreams],
        EndUnanswered => Terminating [TellState, TellWillEnd, Silence, SendCancel],
        End => Terminating [TellState, TellWillEnd, Silence, SendCancel],
        RxBye => Terminated [AnswerBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        MediaFailed => Terminated [SendCancel, StopStreams, TellState, TellDidFail, TellDidEnd],
        InternalError => Terminated [SendCancel, StopStreams, TellState, TellDidFail, TellDidEnd],
        SendDtmf => Calling [OrderMedia],
        SteerAudio => Calling [OrderMedia];
        ignore {
            RxInvite, RxProgress, NegotiationFailed, RxAck, NoAck, RxCancel, Farewell,
            ProposalSettled, RxProposal, RxReinvite, RxReinviteUnusable, RxAckAnswer, RxAckUnusable,
        };
        refuse {
            Connect, Accept, Reject, Propose, ProposalDecided, StartRecording, ArmRecording,
            StopRecording, StartSecondRecording, StopNoRecording, MissAudio,
        }
    }
    Incoming {
        Accept => Accepting [PrepareStreams, TellState],
        Reject => Terminating [SendRefusal, TellState, TellWillEnd, StopStreams],
        EndUnsent => Terminating [SendRefusal, TellState, TellWillEnd, StopStreams],
        EndUnanswered => Terminating [SendRefusal, TellState, TellWillEnd, StopStreams],
        End => Terminating [SendRefusal, TellState, TellWillEnd, StopStreams],
        RxCancel => Terminated [AnswerCancel, TellState, TellDidFail, TellDidEnd],
        RxBye => Terminated [AnswerBye, SendRefusal, TellState, TellDidFail, TellDidEnd],
        InternalError => Terminated [SendRefusal, TellState, TellDidFail, TellDidEnd],
        SteerAudio => Incoming [OrderMedia],
        RxReinvite => Incoming [RefuseReinvite],
        RxReinviteUnusable => Incoming [RefuseReinvite];
        ignore {
            RxInvite, Prepared, PrepareFailed, RxRinging, RxRingingMedia, RxProgress,
            RxProgressMedia, Rx2xx, Rx2xxUnusable, RxFailure, TryNextRoute, NoAnswer,
            NegotiationFailed, RxAck, NoAck, Farewell, MediaFailed, ProposalSettled, RxProposal,
            RxAckAnswer, RxAckUnusable,
        };
        refuse {
            Connect, Propose, ProposalDecided, StartRecording, ArmRecording, StopRecording,
            SendDtmf, StartSecondRecording, StopNoRecording, MissAudio,
        }
    }
    Accepting {
        Prepared => Accepting [SendAnswer, StartStreams, TellWillStart],
        PrepareFailed => Terminated [SendRefusal, StopStreams, TellState, TellDidFail, TellDidEnd],
        NegotiationFailed => Terminated [
            SendRefusal, StopStreams, TellState, TellDidFail, TellDidEnd,
        ],
        RxAck => Established [TellState, TellDidStart],
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
        RxReinvite => Accepting [RefuseReinvite],
        RxReinviteUnusable => Accepting [RefuseReinvite],
        RxAckAnswer => Established [StartStreams, TellState, TellDidStart],
        RxAckUnusable => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd];
        ignore {
            RxInvite, RxRinging, RxRingingMedia, RxProgress, RxProgressMedia, Rx2xx, Rx2xxUnusable,
            RxFailure, TryNextRoute, NoAnswer, Farewell, ProposalSettled, RxProposal,
        };
        refuse {
            Connect, Accept, Reject, Propose, ProposalDecided, StartRecording, ArmRecording,
            StopRecording, StartSecondRecording, StopNoRecording, MissAudio,
        }
    }
    Established {
        Rx2xx => Established [SendAck],
        EndUnsent => Terminating [TellState, TellWillEnd, Silence, SendBye],
        EndUnanswered => Terminating [TellState, TellWillEnd, Silence, SendBye],
        End => Terminating [TellState, TellWillEnd, Silence, SendBye],
        RxBye => Terminated [AnswerBye, StopStreams, TellState, TellDidEnd],
        MediaFailed => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        InternalError => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        Propose => Proposing [PrepareStreams, TellState, TellProposal],
        RxProposal => Proposed [TellState, TellProposal],
        StartRecording => Established [TellWillStartRecording, OpenRecording],
        ArmRecording => Established [],
        StopRecording => Established [TellWillStopRecording, CloseRecording],
        SendDtmf => Established [OrderMedia],
        SteerAudio => Established [OrderMedia],
        NoAck => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        RxReinvite => Established [AnswerReinvite, StartStreams],
        RxReinviteUnusable => Established [RefuseReinvite];
        ignore {
            RxInvite, Prepared, PrepareFailed, RxRinging, RxRingingMedia, RxProgress,
            RxProgressMedia, Rx2xxUnusable, RxFailure, TryNextRoute, NoAnswer, NegotiationFailed,
            RxAck, RxCancel, Farewell, ProposalSettled, RxAckAnswer, RxAckUnusable,
        };
        refuse {
            Connect, Accept, Reject, ProposalDecided, StartSecondRecording, StopNoRecording,
            MissAudio,
        }
    }
    Proposing {
        Prepared => Proposing [SendProposal],
        PrepareFailed => Established [TellState, TellProposalSettled],
        ProposalSettled => Established [StartStreams, TellState, TellProposalSettled],
        NoAnswer => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        EndUnsent => Terminating [TellState, TellWillEnd, Silence, SendBye],
        EndUnanswered => Terminating [TellState, TellWillEnd, Silence, SendBye],
        End => Terminating [TellState, TellWillEnd, Silence, SendBye],
        RxBye => Terminated [AnswerBye, StopStreams, TellState, TellDidEnd],
        MediaFailed => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        InternalError => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        StartRecording => Proposing [TellWillStartRecording, OpenRecording],
        ArmRecording => Proposing [],
        StopRecording => Proposing [TellWillStopRecording, CloseRecording],
        SendDtmf => Proposing [OrderMedia],
        SteerAudio => Proposing [OrderMedia],
        RxReinvite => Proposing [RefuseReinvite],
        RxReinviteUnusable => Proposing [RefuseReinvite];
        ignore {
            RxInvite, RxRinging, RxRingingMedia, RxProgress, RxProgressMedia, Rx2xx, Rx2xxUnusable,
            RxFailure, TryNextRoute, NegotiationFailed, RxAck, NoAck, RxCancel, Farewell,
            RxProposal, RxAckAnswer, RxAckUnusable,
        };
        refuse {
            Connect, Accept, Reject, Propose, ProposalDecided, StartSecondRecording,
            StopNoRecording, MissAudio,
        }
    }
    Proposed {
        ProposalDecided => Established [AnswerProposal, TellState, TellProposalSettled, StartStreams],
        EndUnsent => Terminating [TellState, TellWillEnd, Silence, SendBye],
        EndUnanswered => Terminating [TellState, TellWillEnd, Silence, SendBye],
        End => Terminating [TellState, TellWillEnd, Silence, SendBye],
        RxBye => Terminated [AnswerBye, StopStreams, TellState, TellDidEnd],
        MediaFailed => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        InternalError => Terminated [SendBye, StopStreams, TellState, TellDidFail, TellDidEnd],
        StartRecording => Proposed [TellWillStartRecording, OpenRecording],
        ArmRecording => Proposed [],
        StopRecording => Proposed [TellWillStopRecording, CloseRecording],
        SendDtmf => Proposed [OrderMedia],
        SteerAudio => Proposed [OrderMedia],
        RxReinvite => Proposed [RefuseReinvite],
        RxReinviteUnusable => Proposed [RefuseReinvite];
        ignore {
            RxInvite, Prepared, PrepareFailed, RxRinging, RxRingingMedia, RxProgress,
            RxProgressMedia, Rx2xx, Rx2xxUnusable, RxFailure, TryNextRoute, NoAnswer,
            NegotiationFailed, RxAck, NoAck, RxCancel, Farewell, ProposalSettled, RxProposal,
            RxAckAnswer, RxAckUnusable,
        };
        refuse {
            Connect, Accept, Reject, Propose, StartSecondRecording, StopNoRecording, MissAudio,
        }
    }
    Terminating {
        Rx2xx => Terminating [SendAck, SendBye],
        Rx2xxUnusable => Terminating [SendAck, SendBye],
        RxAck => Terminating [SendBye],
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
        RxAckAnswer => Terminating [SendBye],
        RxAckUnusable => Terminating [SendBye];
        ignore {
            RxInvite, EndUnsent, EndUnanswered, End, Prepared, PrepareFailed, TryNextRoute,
            NegotiationFailed, RxCancel, MediaFailed, ProposalSettled, RxProposal, RxReinvite,
            RxReinviteUnusable,
        };
        refuse {
            Connect, Accept, Reject, Propose, ProposalDecided, StartRecording, ArmRecording,
            StopRecording, SendDtmf, SteerAudio, StartSecondRecording, StopNoRecording, MissAudio,
        }
    }
    Terminated {
        ;
        ignore {
            RxInvite, Reject, EndUnsent, EndUnanswered, End, Prepared, PrepareFailed, RxRinging,
            RxRingingMedia, RxProgress, RxProgressMedia, Rx2xx, Rx2xxUnusable, RxFailure,
            TryNextRoute, NoAnswer, NegotiationFailed, RxAck, NoAck, RxCancel, RxBye, Farewell,
            MediaFailed, InternalError, ProposalSettled, RxProposal, RxReinvite, RxReinviteUnusable,
            RxAckAnswer, RxAckUnusable,
        };
        refuse {
            Connect, Accept, Propose, ProposalDecided, StartRecording, ArmRecording, StopRecording,
            SendDtmf, SteerAudio, StartSecondRecording, StopNoRecording, MissAudio,
        }
    }
}
