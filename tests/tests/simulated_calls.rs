//! Random calls of random users over a bad network, judged by every checker.

use std::collections::BTreeMap;

use offhook::notification::NotificationData as Data;
use offhook_tests::sim::{Run, plan::Plan, run};
use offhook_tests::world::trace::{Chatted, What};

fn judged(seed: u64, loss: Option<u64>) -> Run {
    let run = run(&Plan::new(seed, loss));
    let texts: Vec<String> = run.violations.iter().map(ToString::to_string).collect();
    assert!(texts.is_empty(), "seed {seed}, loss {loss:?}:\n{}", texts.join("\n"));
    run
}

#[test]
fn whatever_users_do_at_any_loss_no_checker_finds_anything() {
    let (mut calls, mut stood) = (0, 0);
    for loss in [Some(0), Some(10), Some(30), None] {
        for seed in 0..10 {
            let run = judged(seed, loss);
            calls += run.calls;
            stood += run.stood;
        }
    }
    assert!(stood * 3 > calls && calls > 1900, "{stood} of {calls} calls stood");
}

/// How often that is found in what was sent, told or ordered in some runs.
fn count(runs: &[Run], found: impl Fn(&What) -> bool) -> usize {
    runs.iter().flat_map(|run| &run.trace.entries).filter(|entry| found(&entry.what)).count()
}

/// How many messages have that text.
fn sent(runs: &[Run], words: &[&str]) -> usize {
    count(runs, |what| match what {
        What::Sent { bytes, .. } => {
            let text = String::from_utf8_lossy(bytes);
            words.iter().all(|word| text.contains(word))
        }
        _ => false,
    })
}

#[test]
fn everything_that_users_meet_takes_part() {
    let runs: Vec<Run> = (100..130).map(|seed| judged(seed, None)).collect();
    for words in [
        // Early media, reliable and not.
        &["SIP/2.0 183", "m=audio", "RSeq"][..],
        &["PRACK sip:", "RAck"],
        // Session timers and their refresh.
        &["Session-Expires: ", "INVITE sip:"],
        &["UPDATE sip:", "Session-Expires: "],
        // SRTP and chat.
        &["a=crypto:1 AES_CM_128_HMAC_SHA1_80"],
        &["RTP/SAVP"],
        &["TCP/MSRP", "a=path:msrp"],
        // Redirections, and calls that answer themselves.
        &["SIP/2.0 302"],
        &["INVITE sip:", "answer-after="],
        // Offers that meet.
        &["SIP/2.0 491"],
    ] {
        assert!(sent(&runs, words) > 10, "{words:?}: {}", sent(&runs, words));
    }
    assert!(sent(&runs, &["SIP/2.0 500", "Retry-After"]) > 0);
    let told = |found: fn(&Data) -> bool| {
        count(&runs, |what| matches!(what, What::Told(data) if found(data)))
    };
    assert!(told(|data| matches!(data, Data::SessionGotMessage { .. })) > 10);
    assert!(told(|data| matches!(data, Data::SessionDidDeliverMessage { .. })) > 10);
    // Chats of small and large messages, with broken connections among them.
    let chatted = |found: fn(&Chatted) -> bool| {
        count(&runs, |what| matches!(what, What::Chat { chatted, .. } if found(chatted)))
    };
    let comes = |at_least: usize| {
        count(&runs, |what| {
            matches!(what, What::Chat { chatted: Chatted::Got { content, .. }, .. }
                if content.len() >= at_least)
        })
    };
    assert!(comes(1) > 1000 && comes(4096) > 50, "{} messages, {}", comes(1), comes(4096));
    assert!(chatted(|chatted| matches!(chatted, Chatted::Delivered { .. })) > 1000);
    assert!(chatted(|chatted| matches!(chatted, Chatted::NotDelivered { .. })) > 10);
    assert!(told(|data| matches!(data, Data::MsrpChatDidFail { .. })) > 3);
    assert!(told(|data| matches!(data, Data::SessionGotDtmf { .. })) > 10);
    assert!(told(|data| matches!(data, Data::SessionDidStartRecordingAudio { .. })) > 10);
    assert!(told(|data| matches!(data, Data::SessionAcceptedStreamProposal { .. })) > 10);
    let redirected = |data: &Data| matches!(data, Data::SessionDidFail { redirect_identities, .. } if !redirect_identities.is_empty());
    assert!(told(redirected) > 10);
    // Calls that reached two, and calls that go on to whom a redirection names.
    let (mut forked, mut followed) = (0, 0);
    for run in &runs {
        let mut sides: BTreeMap<u32, usize> = BTreeMap::new();
        run.trace.calls.values().for_each(|call| *sides.entry(*call).or_default() += 1);
        forked += sides.values().filter(|sides| **sides > 2).count();
        followed += sides.keys().filter(|call| (1 << 16..1 << 17).contains(*call)).count();
    }
    assert!(forked > 20 && followed > 20, "{forked} forked, {followed} followed");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let hash = |seed| judged(seed, None).trace.hash();
    assert_eq!(hash(1), hash(1));
    assert_ne!(hash(1), hash(2));
}
