//! Who may offer when (RFC 3264 §4, RFC 6337 §2).

crate::machine! {
    name "offer_answer";
    start Stable;
    states {
        /// Nothing is pending.
        Stable = "STABLE",
        /// Our offer awaits its answer.
        LocalOffer = "LOCAL_OFFER",
        /// The peer's offer awaits our answer.
        RemoteOffer = "REMOTE_OFFER",
    }
    events {
        /// We offer.
        SendOffer,
        /// We answer.
        SendAnswer,
        /// The peer offers.
        ReceiveOffer,
        /// The peer answers.
        ReceiveAnswer,
        /// The pending offer was refused or abandoned.
        Withdraw,
    }
    actions {
        /// Both sides now follow the new description.
        Settle,
        /// Nothing changes, the old description stays.
        Restore,
        /// The peer offers while our offer is pending: 491.
        RefusePending,
        /// The peer offers again before our answer: 500 with Retry-After.
        RefuseOverlap,
    }
    Stable {
        SendOffer => LocalOffer [],
        ReceiveOffer => RemoteOffer [];
        ignore { ReceiveAnswer, Withdraw };
        refuse { SendAnswer }
    }
    LocalOffer {
        ReceiveOffer => LocalOffer [RefusePending],
        ReceiveAnswer => Stable [Settle],
        Withdraw => Stable [Restore];
        refuse { SendOffer, SendAnswer }
    }
    RemoteOffer {
        SendAnswer => Stable [Settle],
        ReceiveOffer => RemoteOffer [RefuseOverlap],
        Withdraw => Stable [Restore];
        ignore { ReceiveAnswer };
        refuse { SendOffer }
    }
}
