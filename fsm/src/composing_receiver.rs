//! Who reads is told so: the receiver of is-composing (RFC 3994 §3.2).

crate::machine! {
    name "composing_receiver";
    start Idle;
    states {
        /// The peer writes nothing.
        Idle = "IDLE",
        /// The peer writes.
        Active = "ACTIVE",
    }
    events {
        /// The peer says that it writes.
        RxActive,
        /// The peer says that it does not.
        RxIdle,
        /// A message of the peer's came.
        RxMessage,
        /// The peer did not say again that it writes.
        TimeOut,
    }
    actions {
        /// Show that the peer writes.
        ShowActive,
        /// Show that it does not.
        ShowIdle,
        /// Wait for the peer to say it again.
        ArmRefresh,
        /// Wait for nothing.
        Disarm,
    }
    Idle {
        RxActive => Active [ShowActive, ArmRefresh];
        ignore { RxIdle, RxMessage, TimeOut }
    }
    Active {
        RxActive => Active [ArmRefresh],
        RxIdle => Idle [Disarm, ShowIdle],
        RxMessage => Idle [Disarm, ShowIdle],
        TimeOut => Idle [Disarm, ShowIdle]
    }
}
