//! The INVITE client transaction (RFC 3261 §17.1.1 with RFC 6026 §7.2).
//!
//! A transport error ends it in PROCEEDING, too. RFC 3261 tells of it in CALLING and COMPLETED alone,
//! where something is sent; here it says that the flow is lost that the INVITE left over (RFC 5626),
//! so that no answer can come back on it. A PROCEEDING transaction has no timer of its own and
//! would wait for ever. In ACCEPTED it changes nothing: the 2xx is the user's, whose ACK goes its
//! own way.
//!
//! A proxy forwards a 2xx even after a refusal (RFC 3261 §16.7 step 5): it goes to the user, who ends
//! what nobody wants.

crate::machine! {
    name "invite_client";
    start Calling;
    states {
        /// The INVITE is out, nothing came back.
        Calling = "CALLING",
        /// A provisional response came.
        Proceeding = "PROCEEDING",
        /// A 300–699 came and was acknowledged; more of them may come.
        Completed = "COMPLETED",
        /// A 2xx came; more of them may come (RFC 6026).
        Accepted = "ACCEPTED",
        /// Over.
        Terminated = "TERMINATED",
    }
    events {
        /// A 1xx response.
        Rx1xx,
        /// A 2xx response.
        Rx2xx,
        /// A 3xx–6xx response.
        Rx3xx6xx,
        /// Time to send the INVITE again (unreliable transports only).
        TimerA,
        /// No answer within 64·T1.
        TimerB,
        /// The wait for retransmitted 300–699 is over.
        TimerD,
        /// The wait for further 2xx is over.
        TimerM,
        /// The transport failed.
        TransportError,
    }
    actions {
        /// Send the INVITE again.
        Retransmit,
        /// Hand the response to the user.
        Deliver,
        /// Send the ACK that belongs to the transaction.
        SendAck,
        /// Start the wait of Timer D.
        ArmTimerD,
        /// Start the wait of Timer M.
        ArmTimerM,
        /// No more retransmission, no timeout.
        DisarmTimersAB,
        /// Tell the user that nobody answered.
        TellTimeout,
        /// Tell the user that the transport failed.
        TellTransportError,
    }
    Calling {
        Rx1xx => Proceeding [DisarmTimersAB, Deliver],
        Rx2xx => Accepted [DisarmTimersAB, ArmTimerM, Deliver],
        Rx3xx6xx => Completed [DisarmTimersAB, ArmTimerD, SendAck, Deliver],
        TimerA => Calling [Retransmit],
        TimerB => Terminated [TellTimeout],
        TransportError => Terminated [TellTransportError];
        ignore { TimerD, TimerM }
    }
    Proceeding {
        Rx1xx => Proceeding [Deliver],
        Rx2xx => Accepted [ArmTimerM, Deliver],
        Rx3xx6xx => Completed [ArmTimerD, SendAck, Deliver],
        TransportError => Terminated [TellTransportError];
        ignore { TimerA, TimerB, TimerD, TimerM }
    }
    Completed {
        Rx2xx => Completed [Deliver],
        Rx3xx6xx => Completed [SendAck],
        TimerD => Terminated [],
        TransportError => Terminated [TellTransportError];
        ignore { Rx1xx, TimerA, TimerB, TimerM }
    }
    Accepted {
        Rx2xx => Accepted [Deliver],
        TimerM => Terminated [];
        ignore { Rx1xx, Rx3xx6xx, TimerA, TimerB, TimerD, TransportError }
    }
    Terminated {
        ;
        ignore { Rx1xx, Rx2xx, Rx3xx6xx, TimerA, TimerB, TimerD, TimerM, TransportError }
    }
}
