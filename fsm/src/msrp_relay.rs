//! How a client gets its place at MSRP relays (RFC 4976 §5.1): one AUTH for each, the nearest first,
//! and again before the time that was granted is over.

crate::machine! {
    name "msrp_relay";
    start Idle;
    states {
        /// There is no connection to the nearest relay yet.
        Idle = "IDLE",
        /// An AUTH is out.
        Asking = "ASKING",
        /// The owner computes credentials.
        Proving = "PROVING",
        /// Every relay serves us.
        Ready = "READY",
        /// It is over.
        Terminated = "TERMINATED",
    }
    events {
        /// The connection to the nearest relay stands.
        Connected,
        /// A relay serves us, and another one is to be asked through it.
        RxOkNext,
        /// A relay serves us, and it was the last one that had to be asked.
        RxOk,
        /// A relay wants credentials.
        RxChallenge,
        /// A relay grants another time than was asked for.
        RxInterval,
        /// A relay refuses for good, or what it says cannot be used.
        RxRefusal,
        /// The owner has the credentials.
        Proof,
        /// The owner has none.
        NoProof,
        /// Nothing came in time.
        TimeOut,
        /// A relay's time is nearly over; it never wanted credentials.
        RefreshDue,
        /// A relay's time is nearly over, and it wants credentials.
        ProvenRefreshDue,
        /// The connection is gone, or cannot be read.
        Disconnected,
        /// The owner ends it.
        Stop,
    }
    actions {
        /// Send the AUTH of the relay whose turn it is.
        SendAuth,
        /// Ask the owner for credentials.
        AskOwner,
        /// Wait for the answer so long and no longer.
        ArmAnswer,
        /// Wait until the first relay's time is nearly over.
        ArmRefresh,
        /// Wait for nothing.
        Disarm,
        /// Tell the path, where it is another one than before.
        TellReady,
        /// Tell that it failed.
        TellFailed,
    }
    Idle {
        Connected => Asking [SendAuth, ArmAnswer],
        Disconnected => Terminated [TellFailed],
        Stop => Terminated [];
        ignore {
            RxOkNext, RxOk, RxChallenge, RxInterval, RxRefusal, Proof, NoProof, TimeOut,
            RefreshDue, ProvenRefreshDue
        }
    }
    Asking {
        RxOkNext => Asking [SendAuth, ArmAnswer],
        RxOk => Ready [ArmRefresh, TellReady],
        RxChallenge => Proving [AskOwner],
        RxInterval => Asking [SendAuth, ArmAnswer],
        RxRefusal => Terminated [Disarm, TellFailed],
        TimeOut => Terminated [Disarm, TellFailed],
        Disconnected => Terminated [Disarm, TellFailed],
        Stop => Terminated [Disarm];
        ignore { RefreshDue, ProvenRefreshDue };
        refuse { Connected, Proof, NoProof }
    }
    Proving {
        Proof => Asking [SendAuth, ArmAnswer],
        NoProof => Terminated [Disarm, TellFailed],
        TimeOut => Terminated [Disarm, TellFailed],
        Disconnected => Terminated [Disarm, TellFailed],
        Stop => Terminated [Disarm];
        ignore {
            RxOkNext, RxOk, RxChallenge, RxInterval, RxRefusal, RefreshDue, ProvenRefreshDue
        };
        refuse { Connected }
    }
    Ready {
        RefreshDue => Asking [SendAuth, ArmAnswer],
        ProvenRefreshDue => Proving [AskOwner, ArmAnswer],
        Disconnected => Terminated [Disarm, TellFailed],
        Stop => Terminated [Disarm];
        ignore { RxOkNext, RxOk, RxChallenge, RxInterval, RxRefusal, TimeOut };
        refuse { Connected, Proof, NoProof }
    }
    Terminated {
        ;
        ignore {
            Connected, RxOkNext, RxOk, RxChallenge, RxInterval, RxRefusal, Proof, NoProof, TimeOut,
            RefreshDue, ProvenRefreshDue, Disconnected, Stop
        }
    }
}
