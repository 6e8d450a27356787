//! Who writes tells so: the sender of is-composing (RFC 3994 §3.1).

crate::machine! {
    name "composing_sender";
    start Idle;
    states {
        /// Nothing is being written.
        Idle = "IDLE",
        /// A message is being written, and the peer knows.
        Active = "ACTIVE",
    }
    events {
        /// The user writes.
        Compose,
        /// The message that was written goes out.
        Send,
        /// The user gave up what was being written.
        Stop,
        /// The user wrote nothing for a while.
        IdleTimeOut,
        /// The peer is to be told again.
        RefreshTimeOut,
    }
    actions {
        /// Tell the peer that a message is being written.
        TellActive,
        /// Tell the peer that nothing is being written.
        TellIdle,
        /// Wait for the user to write on.
        ArmIdle,
        /// Wait to tell the peer again.
        ArmRefresh,
        /// Wait for nothing.
        Disarm,
    }
    Idle {
        Compose => Active [TellActive, ArmIdle, ArmRefresh];
        ignore { Send, Stop, IdleTimeOut, RefreshTimeOut }
    }
    Active {
        Compose => Active [ArmIdle],
        Send => Idle [Disarm],
        Stop => Idle [Disarm, TellIdle],
        IdleTimeOut => Idle [Disarm, TellIdle],
        RefreshTimeOut => Active [TellActive, ArmRefresh]
    }
}
