//! What the peer sends: one request at a time, from its head to its end.

use super::dispositions::Wants;
use super::{Event, Incoming, Local, SKIP_BYTES_MAX, accepts};
use crate::assembler::{Assembled, Assembler, Ended};
use crate::byte_range::ByteRange;
use crate::cpim::{self, Cpim};
use crate::encode::Builder;
use crate::error::Unprintable;
use crate::imdn;
use crate::message::{ContinuationFlag, FailureReport, Head};
use crate::scan::media_type;
use crate::uri::Path;

/// Progress of a message that comes is told no more often than after so many bytes.
const PROGRESS_BYTES: u64 = 2048;

/// The request that is being read.
#[derive(Clone, Debug)]
struct Request {
    /// How to answer it; empty paths when that cannot be.
    transaction_id: String,
    to: String,
    from: String,
    /// All of its From-Path.
    report_to: String,
    failure_report: FailureReport,
    is_report: bool,
    /// SEND without content.
    is_empty: bool,
    /// What it is answered with, once that is known.
    verdict: Option<u16>,
    skipped: u64,
}

/// What the end of a request leaves to be done.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Done {
    /// The answer, and a REPORT behind it.
    pub(super) bytes: Vec<u8>,
    pub(super) event: Option<Event>,
    /// What the sender of the message in `event` wants to be told.
    pub(super) wants: Option<Wants>,
}

/// The receiving half.
#[derive(Clone, Debug)]
pub(super) struct Receiver {
    assembler: Assembler,
    request: Option<Request>,
}

impl Receiver {
    pub(super) fn new(local: &Local) -> Self {
        let assembler = if local.pass_on {
            Assembler::passing_on(local.limits)
        } else {
            Assembler::new(local.limits)
        };
        Self { assembler, request: None }
    }

    /// A request begins; `refused` is what it is answered with whatever it says.
    pub(super) fn begin(&mut self, head: &Head<'_>, refused: Option<u16>, local: &Local) {
        let method = head.method().unwrap_or_default();
        let first = |path: Path<'_>| path.first_text().to_owned();
        let whole = head.from_path.as_str();
        let mut request = Request {
            transaction_id: head.transaction_id.into(),
            to: if method == "SEND" { first(head.from_path) } else { whole.into() },
            from: first(head.to_path),
            report_to: whole.into(),
            failure_report: match method {
                "SEND" => head.failure_report.unwrap_or_default(),
                _ => FailureReport::Yes,
            },
            is_report: method == "REPORT",
            is_empty: head.content_type.is_none(),
            verdict: refused,
            skipped: 0,
        };
        if method == "SEND" && !request.is_empty && request.verdict.is_none() {
            request.verdict = self.content(head, local).err();
        }
        self.request = Some(request);
    }

    fn content(&mut self, head: &Head<'_>, local: &Local) -> Result<(), u16> {
        let content_type = head.content_type.unwrap_or_default();
        if !local.receives {
            return Err(403);
        }
        if !accepts(&local.accept_types, content_type) {
            return Err(415);
        }
        self.assembler.begin(head)
    }

    /// Bytes of the request's body; false when too many of them had to be skipped.
    pub(super) fn body(&mut self, bytes: &[u8], pass_on: bool, tell: &mut Vec<Event>) -> bool {
        let Some(request) = &mut self.request else { return true };
        if request.is_empty && request.verdict.is_none() {
            // RFC 4975 §9: content has a type.
            request.verdict = Some(400);
        }
        if request.verdict.is_some() || request.is_report {
            request.skipped = request.skipped.saturating_add(bytes.len() as u64);
            return request.skipped <= SKIP_BYTES_MAX;
        }
        let id = self.assembler.current().unwrap_or_default().to_owned();
        let verdict = self.assembler.body(bytes, |offset, bytes| {
            if pass_on {
                tell.push(Event::Piece { id: id.clone(), offset, bytes: bytes.to_vec() });
            }
        });
        request.verdict = verdict.err();
        true
    }

    /// The request ends.
    pub(super) fn end(&mut self, flag: ContinuationFlag, report_id: &str, local: &Local) -> Done {
        let Some(request) = self.request.take() else { return Done::default() };
        let mut done = Done::default();
        let mut report = None;
        let mut status = request.verdict.unwrap_or(200);
        if request.verdict.is_none() && !request.is_empty && !request.is_report {
            let id = self.assembler.current().unwrap_or_default().to_owned();
            match self.assembler.end(flag) {
                Ok(Ended::Complete(message)) => {
                    let told = (message.id.clone(), message.total, message.success_report);
                    match event(message, local) {
                        Ok((event, wants)) => {
                            (done.event, done.wants) = (Some(event), wants);
                            report = Some(told).filter(|told| told.2);
                        }
                        Err(refused) => status = self.assembler.refuse(&told.0, refused),
                    }
                }
                Ok(Ended::Aborted { id }) => done.event = Some(Event::Withdrawn { id }),
                Ok(Ended::Incomplete) if local.features.progress && !local.pass_on => {
                    let progress = self.assembler.progress(&id, PROGRESS_BYTES);
                    done.event =
                        progress.map(|(received, total)| Event::Receiving { id, received, total });
                }
                Ok(Ended::Incomplete | Ended::Again) => {}
                Err(refused) => status = refused,
            }
        }
        let asked = match request.failure_report {
            FailureReport::Yes => true,
            FailureReport::Partial => status != 200,
            FailureReport::No => false,
        };
        // What cannot be printed came from paths that could not be read.
        if asked && !request.is_report {
            done.bytes = request.answer(status).unwrap_or_default();
        }
        if let Some((message_id, total, _)) = report {
            let report = request.report(report_id, &message_id, total, &local.uri);
            done.bytes.append(&mut report.unwrap_or_default());
        }
        done
    }

    pub(super) fn refuse(&mut self, id: &str, status: u16) {
        if self.assembler.current() == Some(id)
            && let Some(request) = &mut self.request
        {
            request.verdict = Some(status);
        }
        self.assembler.refuse(id, status);
    }
}

impl Request {
    fn answer(&self, status: u16) -> Result<Vec<u8>, Unprintable> {
        let (to, from) = (path(&self.to)?, path(&self.from)?);
        let comment = crate::status::comment(status);
        let answer = Builder::response(&self.transaction_id, status, comment, to, from)?;
        Ok(answer.finish(ContinuationFlag::Complete))
    }

    fn report(
        &self,
        id: &str,
        message: &str,
        total: u64,
        own: &str,
    ) -> Result<Vec<u8>, Unprintable> {
        let report = Builder::request(id, "REPORT", path(&self.report_to)?, path(own)?)?
            .header("Message-ID", message)?
            .header("Byte-Range", ByteRange::whole(total))?
            .header("Status", "000 200 OK")?;
        Ok(report.finish(ContinuationFlag::Complete))
    }
}

/// A path out of a head, which read it; empty when that had none.
fn path(text: &str) -> Result<Path<'_>, Unprintable> {
    if text.is_empty() { Err(Unprintable::new("the path")) } else { Ok(Path::known(text)) }
}

/// A message as the application hears of it, or the status it is refused with.
fn event(message: Assembled, local: &Local) -> Result<(Event, Option<Wants>), u16> {
    let Assembled { id, content_type, content, total, .. } = message;
    if local.pass_on {
        return Ok((Event::Complete { id, content_type, total }, None));
    }
    if !media_type(&content_type).eq_ignore_ascii_case(cpim::CONTENT_TYPE) {
        let message = Incoming { id, content, content_type, cpim_headers: Vec::new() };
        return Ok((Event::Message(message), None));
    }
    let wrapped = Cpim::parse(&content).map_err(|_| 400_u16)?;
    if wrapped.unknown_requirement(&[imdn::CPIM_NAMESPACE]).is_some() {
        return Err(400);
    }
    let inner = wrapped.content_type.unwrap_or("text/plain");
    if !accepts(&local.accept_types, inner) && !accepts(&local.accept_wrapped_types, inner) {
        return Err(415);
    }
    let wants = if local.features.dispositions { Wants::of(&wrapped) } else { None };
    let headers = wrapped.headers.iter();
    let message = Incoming {
        id,
        content_type: inner.into(),
        cpim_headers: headers.map(|h| (h.name.to_owned(), h.text().into_owned())).collect(),
        content: wrapped.content.to_vec(),
    };
    Ok((Event::Message(message), wants))
}
