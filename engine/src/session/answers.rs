//! Which description is the answer to our INVITE's offer: the first in a reliable response, one for
//! each branch of a fork (RFC 3261 §13.2.1, RFC 3262 §5). What an unreliable 18x says is a preview of
//! it (RFC 6337 §3.1.1): media follows it, and a later answer replaces it.

use super::{Core, FORKS_MAX};
use crate::negotiate::{OwnLine, Settled};
use crate::sip::{HeaderName, Message};

/// Our lines as they were offered, and what came of them.
type Answer = (Vec<OwnLine>, Settled);

/// What a branch of our INVITE has said before its final response.
#[derive(Clone, Debug)]
pub(super) struct EarlyAnswer {
    tag: Box<[u8]>,
    /// It is the answer, and there is no other.
    reliable: bool,
    answer: Answer,
}

fn tag_of(response: &Message) -> &[u8] {
    response.to().ok().and_then(|to| to.tag()).unwrap_or_default()
}

impl Core {
    fn early_answer_of(&self, tag: &[u8]) -> Option<&EarlyAnswer> {
        let outgoing = self.outgoing.as_ref()?;
        // A peer of RFC 2543 may give its tag in the final response alone.
        outgoing.answers.iter().find(|early| *early.tag == *tag || early.tag.is_empty())
    }

    /// Whether that branch has answered our offer, so that it may make one of its own.
    pub(super) fn has_answered(&self, tag: &[u8]) -> bool {
        self.early_answer_of(tag).is_some_and(|early| early.reliable)
    }

    /// The answer in a provisional response, if it has one that can be used and its branch has not
    /// answered before.
    pub(super) fn early_answer(&mut self, response: &Message) -> Option<Answer> {
        let tag = tag_of(response);
        if self.has_answered(tag) {
            return None;
        }
        let lines = self.outgoing.as_ref()?.lines.clone();
        let settled = self.read_answer(response, &lines)?.ok()?;
        if settled.is_empty() {
            return None;
        }
        let reliable = response.header(HeaderName::RSeq).is_some()
            && response.lists(HeaderName::Require, "100rel");
        let answer = (lines, settled);
        let answers = &mut self.outgoing.as_mut()?.answers;
        answers.retain(|early| *early.tag != *tag);
        if answers.len() >= FORKS_MAX {
            answers.remove(0);
        }
        answers.push(EarlyAnswer { tag: tag.into(), reliable, answer: answer.clone() });
        Some(answer)
    }

    /// The answer that a 2xx confirms: its branch's earlier one, else its own.
    pub(super) fn final_answer(&self, response: &Message) -> Result<Answer, String> {
        let early = self.early_answer_of(tag_of(response));
        if let Some(early) = early.filter(|early| early.reliable) {
            return Ok(early.answer.clone());
        }
        let lines = self.outgoing.as_ref().map(|out| out.lines.clone()).unwrap_or_default();
        match self.read_answer(response, &lines) {
            Some(read) => Ok((lines, read?)),
            None => {
                let missing = || "the answer has no session description".to_owned();
                early.map(|early| early.answer.clone()).ok_or_else(missing)
            }
        }
    }

    /// A branch has changed what it answered by an UPDATE of its own.
    pub(super) fn update_early_answer(&mut self, tag: &[u8]) {
        let Some(settled) = self.settled.clone() else { return };
        let answer = (self.description.lines.clone(), settled);
        let Some(outgoing) = &mut self.outgoing else { return };
        if let Some(early) = outgoing.answers.iter_mut().find(|early| *early.tag == *tag) {
            early.answer = answer;
        }
    }
}
