//! The non-INVITE client transaction (RFC 3261 §17.1.2).

crate::machine! {
    name "non_invite_client";
    start Trying;
    states {
        /// The request is out, nothing came back.
        Trying = "TRYING",
        /// A provisional response came.
        Proceeding = "PROCEEDING",
        /// The final response came; further ones are absorbed.
        Completed = "COMPLETED",
        /// Over.
        Terminated = "TERMINATED",
    }
    events {
        /// A 1xx response.
        Rx1xx,
        /// A 200–699 response.
        RxFinal,
        /// Time to send the request again (unreliable transports only).
        TimerE,
        /// No final response within 64·T1.
        TimerF,
        /// The wait for retransmitted responses is over.
        TimerK,
        /// The transport failed.
        TransportError,
    }
    actions {
        /// Send the request again.
        Retransmit,
        /// No more retransmission, no timeout.
        DisarmTimersEF,
        /// Start the wait of Timer K.
        ArmTimerK,
        /// Hand the response to the user.
        Deliver,
        /// Tell the user that nobody answered.
        TellTimeout,
        /// Tell the user that the transport failed.
        TellTransportError,
    }
    Trying {
        Rx1xx => Proceeding [Deliver],
        RxFinal => Completed [DisarmTimersEF, ArmTimerK, Deliver],
        TimerE => Trying [Retransmit],
        TimerF => Terminated [TellTimeout],
        TransportError => Terminated [TellTransportError];
        ignore { TimerK }
    }
    Proceeding {
        Rx1xx => Proceeding [Deliver],
        RxFinal => Completed [DisarmTimersEF, ArmTimerK, Deliver],
        TimerE => Proceeding [Retransmit],
        TimerF => Terminated [TellTimeout],
        TransportError => Terminated [TellTransportError];
        ignore { TimerK }
    }
    Completed {
        TimerK => Terminated [];
        ignore { Rx1xx, RxFinal, TimerE, TimerF, TransportError }
    }
    Terminated {
        ;
        ignore { Rx1xx, RxFinal, TimerE, TimerF, TimerK, TransportError }
    }
}
