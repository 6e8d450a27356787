//! Whole calls between two user agents, as text ladders.

use offhook_tests::flow::play;

#[test]
fn a_call_is_placed_answered_held_and_ended() {
    play(
        "
        alice connect bob audio
        alice: CS(NULL>CALLING)
        alice: NewOutgoing[audio]
        alice: RTPTransportDidInitialize
        alice -> bob INVITE
        bob -> alice 100 INVITE
        bob -> alice 180 INVITE
        bob: CS(NULL>INCOMING)
        bob: NewIncoming[audio]
        alice: GotRingIndication
        bob accept audio
        bob: CS(INCOMING>ACCEPTING)
        bob: RTPTransportDidInitialize
        bob -> alice 200 INVITE
        bob: SU[audio]
        bob: WillStart
        alice: WillStart
        alice -> bob ACK
        alice: SU[audio]
        alice: CS(CALLING>ESTABLISHED)
        alice: DidStart
        bob: CS(ACCEPTING>ESTABLISHED)
        bob: DidStart
        alice hold
        alice: GotHoldRequest{local}
        alice -> bob INVITE
        bob -> alice 200 INVITE
        bob: GotHoldRequest{remote}
        alice -> bob ACK
        alice unhold
        alice: GotUnholdRequest{local}
        alice -> bob INVITE
        bob -> alice 200 INVITE
        bob: GotUnholdRequest{remote}
        alice -> bob ACK
        alice dtmf 5
        bob: GotDtmf{5}
        wait 1 s
        bob hold
        bob: GotHoldRequest{local}
        bob -> alice INVITE
        alice -> bob 200 INVITE
        alice: GotHoldRequest{remote}
        bob -> alice ACK
        alice dtmf 5 !
        bob end
        bob: CS(ESTABLISHED>TERMINATING)
        bob: WillEnd
        bob -> alice BYE
        alice -> bob 200 BYE
        alice: SU[]
        alice: CS(ESTABLISHED>TERMINATED)
        alice: DidEnd{remote}
        bob: SU[]
        bob: CS(TERMINATING>TERMINATED)
        bob: DidEnd{local}
        ",
    );
}

#[test]
fn a_lost_200_is_sent_again_and_acknowledged_again() {
    play(
        "
        alice connect bob audio
        alice: CS(NULL>CALLING)
        alice: NewOutgoing[audio]
        alice: RTPTransportDidInitialize
        alice -> bob INVITE
        bob -> alice 100 INVITE
        bob -> alice 180 INVITE
        bob: CS(NULL>INCOMING)
        bob: NewIncoming[audio]
        alice: GotRingIndication
        lose alice 200 INVITE
        bob accept audio
        bob: CS(INCOMING>ACCEPTING)
        bob: RTPTransportDidInitialize
        bob -x alice 200 INVITE
        bob: SU[audio]
        bob: WillStart
        wait 1 s
        bob -> alice 200 INVITE
        alice: WillStart
        alice -> bob ACK
        alice: SU[audio]
        alice: CS(CALLING>ESTABLISHED)
        alice: DidStart
        bob: CS(ACCEPTING>ESTABLISHED)
        bob: DidStart
        alice end
        alice: CS(ESTABLISHED>TERMINATING)
        alice: WillEnd
        alice -> bob BYE
        bob -> alice 200 BYE
        bob: SU[]
        bob: CS(ESTABLISHED>TERMINATED)
        bob: DidEnd{remote}
        alice: SU[]
        alice: CS(TERMINATING>TERMINATED)
        alice: DidEnd{local}
        ",
    );
}

#[test]
fn a_chat_is_proposed_taken_used_and_removed() {
    play(
        "
        alice connect bob audio
        alice: CS(NULL>CALLING)
        alice: NewOutgoing[audio]
        alice: RTPTransportDidInitialize
        alice -> bob INVITE
        bob -> alice 100 INVITE
        bob -> alice 180 INVITE
        bob: CS(NULL>INCOMING)
        bob: NewIncoming[audio]
        alice: GotRingIndication
        bob accept audio
        bob: CS(INCOMING>ACCEPTING)
        bob: RTPTransportDidInitialize
        bob -> alice 200 INVITE
        bob: SU[audio]
        bob: WillStart
        alice: WillStart
        alice -> bob ACK
        alice: SU[audio]
        alice: CS(CALLING>ESTABLISHED)
        alice: DidStart
        bob: CS(ACCEPTING>ESTABLISHED)
        bob: DidStart
        alice add chat
        alice: CS(ESTABLISHED>PROPOSING)
        alice: GotStreamProposal{local, chat}
        alice: MSRPChatDidInitialize
        alice -> bob INVITE
        bob -> alice 180 INVITE
        bob: CS(ESTABLISHED>PROPOSED)
        bob: GotStreamProposal{remote, chat}
        bob accept_proposal chat
        bob: MSRPChatDidInitialize
        bob -> alice 200 INVITE
        bob: CS(PROPOSED>ESTABLISHED)
        bob: AcceptedStreamProposal{remote}
        alice -> bob ACK
        alice: CS(PROPOSING>ESTABLISHED)
        alice: AcceptedStreamProposal{local}
        bob: MSRPChatDidStart
        bob: SU[audio,chat]
        alice: MSRPChatDidStart
        alice: SU[audio,chat]
        alice message hello
        bob: GotMessage{text/plain, hello}
        alice: DidDeliverMessage{hello, 200}
        bob remove chat
        bob: MSRPChatWillEnd
        bob: MSRPChatDidEnd
        bob: SU[audio]
        bob -> alice INVITE
        alice -> bob 200 INVITE
        alice: MSRPChatWillEnd
        alice: MSRPChatDidEnd
        alice: SU[audio]
        bob -> alice ACK
        alice end
        alice: CS(ESTABLISHED>TERMINATING)
        alice: WillEnd
        alice -> bob BYE
        bob -> alice 200 BYE
        bob: SU[]
        bob: CS(ESTABLISHED>TERMINATED)
        bob: DidEnd{remote}
        alice: SU[]
        alice: CS(TERMINATING>TERMINATED)
        alice: DidEnd{local}
        ",
    );
}

#[test]
fn a_hold_that_waits_for_another_try_survives_the_peers_proposal() {
    play(
        "
        alice connect bob audio
        alice: CS(NULL>CALLING)
        alice: NewOutgoing[audio]
        alice: RTPTransportDidInitialize
        alice -> bob INVITE
        bob -> alice 100 INVITE
        bob -> alice 180 INVITE
        bob: CS(NULL>INCOMING)
        bob: NewIncoming[audio]
        alice: GotRingIndication
        bob accept audio
        bob: CS(INCOMING>ACCEPTING)
        bob: RTPTransportDidInitialize
        bob -> alice 200 INVITE
        bob: SU[audio]
        bob: WillStart
        alice: WillStart
        alice -> bob ACK
        alice: SU[audio]
        alice: CS(CALLING>ESTABLISHED)
        alice: DidStart
        bob: CS(ACCEPTING>ESTABLISHED)
        bob: DidStart
        lose bob INVITE
        alice hold
        alice: GotHoldRequest{local}
        alice -x bob INVITE
        bob hold
        bob: GotHoldRequest{local}
        bob -> alice INVITE
        alice -> bob 491 INVITE
        bob -> alice ACK
        alice -> bob INVITE
        bob -> alice 200 INVITE
        bob: GotHoldRequest{remote}
        alice -> bob ACK
        wait 0.5 s
        alice add chat
        alice: CS(ESTABLISHED>PROPOSING)
        alice: GotStreamProposal{local, chat}
        alice: MSRPChatDidInitialize
        alice -> bob INVITE
        bob -> alice 180 INVITE
        bob: CS(ESTABLISHED>PROPOSED)
        bob: GotStreamProposal{remote, chat}
        wait 3 s
        bob reject_proposal
        bob: CS(PROPOSED>ESTABLISHED)
        bob: RejectedStreamProposal{remote, rejected by the user}
        bob -> alice 488 INVITE
        alice -> bob ACK
        alice: CS(PROPOSING>ESTABLISHED)
        alice: RejectedStreamProposal{local, 488 Not Acceptable Here (rejected by the user)}
        wait 3 s
        bob -> alice INVITE
        alice -> bob 200 INVITE
        alice: GotHoldRequest{remote}
        bob -> alice ACK
        ",
    );
}

#[test]
fn a_chat_that_has_gone_is_not_offered_anew_by_a_hold() {
    play(
        "
        alice connect bob audio chat
        alice: CS(NULL>CALLING)
        alice: NewOutgoing[audio,chat]
        alice: RTPTransportDidInitialize
        alice: MSRPChatDidInitialize
        alice -> bob INVITE
        bob -> alice 100 INVITE
        bob -> alice 180 INVITE
        bob: CS(NULL>INCOMING)
        bob: NewIncoming[audio,chat]
        alice: GotRingIndication
        bob accept audio chat
        bob: CS(INCOMING>ACCEPTING)
        bob: RTPTransportDidInitialize
        bob: MSRPChatDidInitialize
        bob -> alice 200 INVITE
        bob: SU[audio]
        bob: WillStart
        alice: WillStart
        alice -> bob ACK
        alice: SU[audio]
        alice: CS(CALLING>ESTABLISHED)
        alice: DidStart
        bob: CS(ACCEPTING>ESTABLISHED)
        bob: DidStart
        bob: MSRPChatDidStart
        bob: SU[audio,chat]
        alice: MSRPChatDidStart
        alice: SU[audio,chat]
        lose bob INVITE
        lose alice INVITE
        alice hold
        alice: GotHoldRequest{local}
        alice -x bob INVITE
        bob remove chat
        bob: MSRPChatWillEnd
        bob: MSRPChatDidEnd
        bob: SU[audio]
        bob -x alice INVITE
        alice: MSRPChatDidEnd
        alice: SU[audio]
        alice -> bob INVITE
        bob -> alice 491 INVITE
        alice -> bob ACK
        wait 5 s
        bob -> alice INVITE
        alice -> bob 200 INVITE
        bob -> alice ACK
        bob: GotHoldRequest{remote}
        alice -> bob INVITE
        bob -> alice 200 INVITE
        alice -> bob ACK
        ",
    );
}

#[test]
fn a_proposal_whose_cancel_is_in_vain_ends_the_call() {
    play(
        "
        alice connect bob audio
        alice: CS(NULL>CALLING)
        alice: NewOutgoing[audio]
        alice: RTPTransportDidInitialize
        alice -> bob INVITE
        bob -> alice 100 INVITE
        bob -> alice 180 INVITE
        bob: CS(NULL>INCOMING)
        bob: NewIncoming[audio]
        alice: GotRingIndication
        bob accept audio
        bob: CS(INCOMING>ACCEPTING)
        bob: RTPTransportDidInitialize
        bob -> alice 200 INVITE
        bob: SU[audio]
        bob: WillStart
        alice: WillStart
        alice -> bob ACK
        alice: SU[audio]
        alice: CS(CALLING>ESTABLISHED)
        alice: DidStart
        bob: CS(ACCEPTING>ESTABLISHED)
        bob: DidStart
        alice add chat
        alice: CS(ESTABLISHED>PROPOSING)
        alice: GotStreamProposal{local, chat}
        alice: MSRPChatDidInitialize
        alice -> bob INVITE
        bob -> alice 180 INVITE
        bob: CS(ESTABLISHED>PROPOSED)
        bob: GotStreamProposal{remote, chat}
        lose bob CANCEL
        lose bob CANCEL
        lose bob CANCEL
        lose bob CANCEL
        lose bob CANCEL
        lose bob CANCEL
        lose bob CANCEL
        lose bob CANCEL
        lose bob CANCEL
        lose bob CANCEL
        lose bob CANCEL
        wait 90 s
        alice -x bob CANCEL
        wait 33 s
        alice -x bob CANCEL
        alice -x bob CANCEL
        alice -x bob CANCEL
        alice -x bob CANCEL
        alice -x bob CANCEL
        alice -x bob CANCEL
        alice -x bob CANCEL
        alice -x bob CANCEL
        alice -x bob CANCEL
        alice -x bob CANCEL
        alice: SU[]
        alice: CS(PROPOSING>TERMINATED)
        alice: DidFail{local, 408, Request Timeout}
        alice: DidEnd{local}
        alice -> bob BYE
        bob -> alice 487 INVITE
        bob -> alice 200 BYE
        bob: SU[]
        bob: CS(PROPOSED>TERMINATED)
        bob: DidEnd{remote}
        alice -> bob ACK
        ",
    );
}

#[test]
fn a_caller_who_gives_up_cancels_and_the_callee_is_told() {
    play(
        "
        alice connect bob audio
        alice: CS(NULL>CALLING)
        alice: NewOutgoing[audio]
        alice: RTPTransportDidInitialize
        alice -> bob INVITE
        bob -> alice 100 INVITE
        bob -> alice 180 INVITE
        bob: CS(NULL>INCOMING)
        bob: NewIncoming[audio]
        alice: GotRingIndication
        alice end
        alice: CS(CALLING>TERMINATING)
        alice: WillEnd
        alice -> bob CANCEL
        bob -> alice 200 CANCEL
        bob -> alice 487 INVITE
        bob: CS(INCOMING>TERMINATED)
        bob: DidFail{remote, 487, the caller cancelled the call}
        bob: DidEnd{remote}
        alice: CS(TERMINATING>TERMINATED)
        alice: DidEnd{local}
        alice -> bob ACK
        ",
    );
}

#[test]
fn a_refusal_ends_both_sides() {
    play(
        "
        alice connect bob audio
        alice: CS(NULL>CALLING)
        alice: NewOutgoing[audio]
        alice: RTPTransportDidInitialize
        alice -> bob INVITE
        bob -> alice 100 INVITE
        bob -> alice 180 INVITE
        bob: CS(NULL>INCOMING)
        bob: NewIncoming[audio]
        alice: GotRingIndication
        bob reject 603
        bob -> alice 603 INVITE
        bob: CS(INCOMING>TERMINATING)
        bob: WillEnd
        bob: CS(TERMINATING>TERMINATED)
        bob: DidEnd{local}
        alice: CS(CALLING>TERMINATED)
        alice: DidFail{remote, 603, Decline}
        alice: DidEnd{remote}
        alice -> bob ACK
        ",
    );
}
