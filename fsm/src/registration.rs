//! One account's registration (RFC 3261 §10.2), from the first REGISTER to the one that ends it.

crate::machine! {
    name "registration";
    start Off;
    states {
        /// Not wanted.
        Off = "OFF",
        /// The ways to the registrar are looked up.
        Locating = "LOCATING",
        /// A REGISTER is on its way.
        Asking = "ASKING",
        /// The registrar has our address; the next REGISTER is due in time.
        Registered = "REGISTERED",
        /// It came to nothing; another try is due later.
        Waiting = "WAITING",
        /// It was refused in a way that another try does not change.
        Refused = "REFUSED",
        /// A REGISTER is on its way that is not wanted any more: nothing else may be sent before it
        /// is answered (§10.2).
        Retracting = "RETRACTING",
        /// The REGISTER that takes our address away is on its way.
        Leaving = "LEAVING",
        /// The same, and the registration is wanted again.
        Returning = "RETURNING",
    }
    events {
        /// The application wants it, or wants it to be refreshed now.
        Register,
        /// The application does not want it, and a registrar has our address.
        Unregister,
        /// The application does not want it, and no registrar has our address.
        Abandon,
        /// There is a way to the registrar.
        Located,
        /// There is none.
        NotLocated,
        /// 2xx.
        Accepted,
        /// The answer asks for the same in another form: credentials, a longer time.
        Again,
        /// The answer names another registrar.
        Redirected,
        /// This way failed, and there is another one.
        NextWay,
        /// No way led to an answer that helps.
        Failed,
        /// Refused for good.
        Rejected,
        /// The time for the next REGISTER has come.
        Due,
        /// The application waits for nobody any more.
        Cut,
    }
    actions {
        /// Look the ways up.
        Locate,
        /// Send a REGISTER that asks for the address to be kept.
        Ask,
        /// Send a REGISTER that takes it away.
        AskToLeave,
        /// Tell that it is registered.
        TellSuccess,
        /// Tell that a try failed, and what comes next.
        TellFailure,
        /// Tell that it is not registered any more.
        TellEnd,
        /// The next REGISTER is due before the registrar forgets.
        ArmRefresh,
        /// The next try is due after a pause.
        ArmRetry,
        /// Nothing is due.
        Disarm,
    }
    Off {
        Register => Locating [Locate];
        ignore {
            Unregister, Abandon, Located, NotLocated, Accepted, Again, Redirected, NextWay, Failed,
            Rejected, Due, Cut
        }
    }
    Locating {
        Located => Asking [Ask],
        NotLocated => Waiting [ArmRetry, TellFailure],
        Unregister => Leaving [AskToLeave],
        Abandon => Off [TellEnd],
        Cut => Off [Disarm, TellEnd];
        ignore { Register, Accepted, Again, Redirected, NextWay, Failed, Rejected, Due }
    }
    Asking {
        Accepted => Registered [ArmRefresh, TellSuccess],
        Again => Asking [Ask],
        Redirected => Locating [Locate],
        NextWay => Asking [TellFailure, Ask],
        Failed => Waiting [ArmRetry, TellFailure],
        Rejected => Refused [TellFailure],
        Unregister => Retracting [],
        Abandon => Retracting [],
        Cut => Off [Disarm, TellEnd];
        ignore { Register, Located, NotLocated, Due }
    }
    Registered {
        Register => Asking [Disarm, Ask],
        Due => Asking [Ask],
        Unregister => Leaving [Disarm, AskToLeave],
        Abandon => Off [Disarm, TellEnd],
        Cut => Off [Disarm, TellEnd];
        ignore {
            Located, NotLocated, Accepted, Again, Redirected, NextWay, Failed, Rejected
        }
    }
    Waiting {
        Register => Locating [Disarm, Locate],
        Due => Locating [Locate],
        Unregister => Leaving [Disarm, AskToLeave],
        Abandon => Off [Disarm, TellEnd],
        Cut => Off [Disarm, TellEnd];
        ignore {
            Located, NotLocated, Accepted, Again, Redirected, NextWay, Failed, Rejected
        }
    }
    Refused {
        Register => Locating [Locate],
        Unregister => Leaving [AskToLeave],
        Abandon => Off [TellEnd],
        Cut => Off [Disarm, TellEnd];
        ignore {
            Located, NotLocated, Accepted, Again, Redirected, NextWay, Failed, Rejected, Due
        }
    }
    Retracting {
        Register => Asking [],
        Accepted => Leaving [AskToLeave],
        Again => Leaving [AskToLeave],
        Redirected => Off [TellEnd],
        NextWay => Off [TellEnd],
        Failed => Off [TellEnd],
        Rejected => Off [TellEnd],
        Cut => Off [Disarm, TellEnd];
        ignore { Unregister, Abandon, Located, NotLocated, Due }
    }
    Leaving {
        Register => Returning [],
        Accepted => Off [TellEnd],
        Again => Leaving [AskToLeave],
        Redirected => Off [TellEnd],
        NextWay => Off [TellEnd],
        Failed => Off [TellEnd],
        Rejected => Off [TellEnd],
        Cut => Off [Disarm, TellEnd];
        ignore { Unregister, Abandon, Located, NotLocated, Due }
    }
    Returning {
        Unregister => Leaving [],
        Abandon => Leaving [],
        Accepted => Locating [TellEnd, Locate],
        Again => Returning [AskToLeave],
        Redirected => Locating [TellEnd, Locate],
        NextWay => Locating [TellEnd, Locate],
        Failed => Locating [TellEnd, Locate],
        Rejected => Locating [TellEnd, Locate],
        Cut => Off [Disarm, TellEnd];
        ignore { Register, Located, NotLocated, Due }
    }
}
