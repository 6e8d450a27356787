//! The non-INVITE server transaction (RFC 3261 §17.2.2).
//!
//! A failed transport does not end it, as RFC 6026 §7.1 has it for INVITE: else a retransmitted BYE
//! would find no transaction and be answered 481.

crate::machine! {
    name "non_invite_server";
    start Trying;
    states {
        /// The request came, nothing was sent.
        Trying = "TRYING",
        /// A provisional response was sent.
        Proceeding = "PROCEEDING",
        /// The final response was sent.
        Completed = "COMPLETED",
        /// Over.
        Terminated = "TERMINATED",
    }
    events {
        /// The request came again.
        RxRequest,
        /// The user sends a 1xx.
        Tx1xx,
        /// The user sends a 200–699.
        TxFinal,
        /// The wait for retransmitted requests is over.
        TimerJ,
        /// The transport failed.
        TransportError,
    }
    actions {
        /// Send the user's response.
        Send,
        /// Send the last response again.
        Retransmit,
        /// Start the wait of Timer J.
        ArmTimerJ,
        /// Tell the user that the transport failed.
        TellTransportError,
    }
    Trying {
        Tx1xx => Proceeding [Send],
        TxFinal => Completed [Send, ArmTimerJ],
        TransportError => Trying [TellTransportError];
        ignore { RxRequest, TimerJ }
    }
    Proceeding {
        RxRequest => Proceeding [Retransmit],
        Tx1xx => Proceeding [Send],
        TxFinal => Completed [Send, ArmTimerJ],
        TransportError => Proceeding [TellTransportError];
        ignore { TimerJ }
    }
    Completed {
        RxRequest => Completed [Retransmit],
        TimerJ => Terminated [],
        TransportError => Completed [TellTransportError];
        ignore { Tx1xx, TxFinal }
    }
    Terminated {
        ;
        ignore { RxRequest, Tx1xx, TxFinal, TimerJ, TransportError }
    }
}
