//! Answers every request on a connection with one status: 506 for a session that is bound to
//! another connection, 481 for one that is not known (RFC 4975 §7.3).

use crate::encode::Builder;
use crate::error::ParseError;
use crate::frame::{Frame, Framer};
use crate::message::ContinuationFlag;

/// The other side of a connection that nobody wants.
#[derive(Clone, Debug)]
pub struct Refuser {
    framer: Framer,
    status: u16,
    answer: Option<Vec<u8>>,
}

impl Refuser {
    /// Refuses with that status.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { framer: Framer::new(), status, answer: None }
    }

    /// Takes bytes and gives the answers to the requests that end in them.
    ///
    /// # Errors
    /// When the stream is lost: close the connection.
    pub fn answer(&mut self, bytes: &[u8]) -> Result<Vec<u8>, ParseError> {
        self.framer.push(bytes);
        let mut answers = Vec::new();
        while let Some(frame) = self.framer.next_frame()? {
            match frame {
                Frame::Head { head, .. } => {
                    let asked = head.method().is_some_and(|method| method != "REPORT");
                    let answer = Builder::answer(&head, self.status).ok().filter(|_| asked);
                    self.answer = answer.map(|answer| answer.finish(ContinuationFlag::Complete));
                }
                Frame::Body(_) => {}
                Frame::End(_) => answers.append(&mut self.answer.take().unwrap_or_default()),
            }
        }
        Ok(answers)
    }
}
