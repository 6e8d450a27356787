//! The life of one MSRP session and its connection (RFC 4975 §5.4, §7.3; REFERENCE 1.9).

crate::machine! {
    name "msrp_link";
    start Idle;
    states {
        /// Our path is made, the peer's is not known.
        Idle = "IDLE",
        /// The peer connected before its path was known.
        Early = "EARLY",
        /// The peer's path is known, there is no connection yet.
        Waiting = "WAITING",
        /// The connection stands, the session is not bound to it yet.
        Binding = "BINDING",
        /// Messages flow.
        Started = "STARTED",
        /// What is queued still goes out.
        Ending = "ENDING",
        /// It is over.
        Terminated = "TERMINATED",
    }
    events {
        /// The peer's path is known.
        Start,
        /// Our connection to the peer stands.
        ConnectedOut,
        /// The peer's connection to us stands.
        ConnectedIn,
        /// Our first SEND was answered, or the peer's first SEND came.
        Bind,
        /// The peer does not know the session.
        Refuse,
        /// What was waited for did not come in time.
        TimeOut,
        /// The peer closed the connection.
        Close,
        /// The connection could not be made, broke, or cannot be read.
        Break,
        /// The application ends it.
        Stop,
        /// All that was queued went out and was answered.
        Flushed,
    }
    actions {
        /// Wait for the connection so long and no longer.
        ArmConnect,
        /// Wait for the binding so long and no longer.
        ArmBind,
        /// Wait for the rest to go out so long and no longer.
        ArmFlush,
        /// Wait for nothing.
        Disarm,
        /// Send an empty SEND.
        SendFirst,
        /// Close the connection.
        CloseConnection,
        /// Tell that messages flow.
        TellStarted,
        /// Tell that it failed.
        TellFailed,
        /// Tell that it ended.
        TellEnded,
        /// Tell each message in queue or flight as not delivered, in order.
        FailMessages,
    }
    Idle {
        Start => Waiting [ArmConnect],
        ConnectedIn => Early [],
        Stop => Terminated [FailMessages, TellEnded];
        ignore { Bind, Refuse, TimeOut, Close, Break, Flushed };
        refuse { ConnectedOut }
    }
    Early {
        Start => Binding [ArmBind],
        Close => Idle [],
        Break => Idle [],
        Stop => Terminated [CloseConnection, FailMessages, TellEnded];
        ignore { Bind, Refuse, TimeOut, Flushed };
        refuse { ConnectedOut, ConnectedIn }
    }
    Waiting {
        ConnectedOut => Binding [ArmBind, SendFirst],
        ConnectedIn => Binding [ArmBind],
        TimeOut => Terminated [Disarm, TellFailed, FailMessages],
        Break => Terminated [Disarm, TellFailed, FailMessages],
        Stop => Terminated [Disarm, FailMessages, TellEnded];
        ignore { Bind, Refuse, Close, Flushed };
        refuse { Start }
    }
    Binding {
        Bind => Started [Disarm, TellStarted],
        Refuse => Terminated [Disarm, CloseConnection, TellFailed, FailMessages],
        TimeOut => Terminated [Disarm, CloseConnection, TellFailed, FailMessages],
        Close => Terminated [Disarm, TellFailed, FailMessages],
        Break => Terminated [Disarm, CloseConnection, TellFailed, FailMessages],
        Stop => Terminated [Disarm, CloseConnection, FailMessages, TellEnded];
        ignore { Flushed };
        refuse { Start, ConnectedOut, ConnectedIn }
    }
    Started {
        Refuse => Terminated [CloseConnection, TellFailed, FailMessages],
        Close => Terminated [FailMessages, TellEnded],
        Break => Terminated [CloseConnection, TellFailed, FailMessages],
        Stop => Ending [ArmFlush];
        ignore { Bind, TimeOut, Flushed };
        refuse { Start, ConnectedOut, ConnectedIn }
    }
    Ending {
        Flushed => Terminated [Disarm, CloseConnection, FailMessages, TellEnded],
        TimeOut => Terminated [Disarm, CloseConnection, FailMessages, TellEnded],
        Refuse => Terminated [Disarm, CloseConnection, FailMessages, TellEnded],
        Close => Terminated [Disarm, FailMessages, TellEnded],
        Break => Terminated [Disarm, CloseConnection, FailMessages, TellEnded];
        ignore { Bind, Stop };
        refuse { Start, ConnectedOut, ConnectedIn }
    }
    Terminated {;
        ignore { Bind, Refuse, TimeOut, Close, Break, Stop, Flushed };
        refuse { Start, ConnectedOut, ConnectedIn }
    }
}
