//! The INVITE server transaction (RFC 3261 §17.2.1 with RFC 6026 §7.1).
//!
//! A failed transport does not end it (RFC 6026 §7.1): else the next retransmission of the INVITE
//! would be taken for a new call. A timer ends it in the end.

crate::machine! {
    name "invite_server";
    start Proceeding;
    states {
        /// The INVITE came, no final response was sent.
        Proceeding = "PROCEEDING",
        /// A 300–699 was sent, its ACK is awaited.
        Completed = "COMPLETED",
        /// The ACK came; further ones are absorbed.
        Confirmed = "CONFIRMED",
        /// A 2xx was sent; the user retransmits it (RFC 6026).
        Accepted = "ACCEPTED",
        /// Over.
        Terminated = "TERMINATED",
    }
    events {
        /// The INVITE came again.
        RxInvite,
        /// An ACK came.
        RxAck,
        /// The user sends a 1xx.
        Tx1xx,
        /// The user sends a 2xx.
        Tx2xx,
        /// The user sends a 300–699.
        Tx3xx6xx,
        /// Time to send the 300–699 again (unreliable transports only).
        TimerG,
        /// No ACK within 64·T1.
        TimerH,
        /// The wait for further ACKs is over.
        TimerI,
        /// The wait for retransmitted INVITEs after a 2xx is over.
        TimerL,
        /// The transport failed.
        TransportError,
    }
    actions {
        /// Send the user's response.
        Send,
        /// Send the last response again.
        Retransmit,
        /// Start retransmission and the wait for the ACK.
        ArmTimersGH,
        /// Stop retransmission and the wait for the ACK.
        DisarmTimersGH,
        /// Start the wait of Timer I.
        ArmTimerI,
        /// Start the wait of Timer L.
        ArmTimerL,
        /// Hand the ACK to the user.
        DeliverAck,
        /// Tell the user that no ACK came.
        TellNoAck,
        /// Tell the user that the transport failed.
        TellTransportError,
    }
    Proceeding {
        RxInvite => Proceeding [Retransmit],
        Tx1xx => Proceeding [Send],
        Tx2xx => Accepted [Send, ArmTimerL],
        Tx3xx6xx => Completed [Send, ArmTimersGH],
        TransportError => Proceeding [TellTransportError];
        ignore { RxAck, TimerG, TimerH, TimerI, TimerL }
    }
    Completed {
        RxInvite => Completed [Retransmit],
        RxAck => Confirmed [DisarmTimersGH, ArmTimerI],
        TimerG => Completed [Retransmit],
        TimerH => Terminated [TellNoAck],
        TransportError => Completed [TellTransportError];
        ignore { Tx1xx, Tx2xx, Tx3xx6xx, TimerI, TimerL }
    }
    Confirmed {
        TimerI => Terminated [];
        ignore { RxInvite, RxAck, Tx1xx, Tx2xx, Tx3xx6xx, TimerG, TimerH, TimerL, TransportError }
    }
    Accepted {
        RxAck => Accepted [DeliverAck],
        Tx2xx => Accepted [Send],
        TimerL => Terminated [],
        TransportError => Accepted [TellTransportError];
        ignore { RxInvite, Tx1xx, Tx3xx6xx, TimerG, TimerH, TimerI }
    }
    Terminated {
        ;
        ignore {
            RxInvite, RxAck, Tx1xx, Tx2xx, Tx3xx6xx, TimerG, TimerH, TimerI, TimerL, TransportError,
        }
    }
}
