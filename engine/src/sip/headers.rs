//! Typed headers, read on demand.

use std::borrow::Cow;

use super::error::HeaderError;
use super::header::HeaderName;
use super::message::{Header, Message};
use super::name_addr::NameAddr;
use super::scan::{is_lws, list, number, trim};
use super::via::Via;

/// Bytes as text for people: what is no UTF-8 is replaced.
#[must_use]
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The CSeq header (RFC 3261 §20.16).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CSeq<'a> {
    /// The number, below 2³¹ (§8.1.1.5).
    pub number: u32,
    /// The method.
    pub method: &'a [u8],
}

impl<B: AsRef<[u8]>> Message<B> {
    fn one(&self, name: HeaderName) -> Result<Header<'_>, HeaderError> {
        let missing = HeaderError { header: name.as_str(), what: "it is missing", offset: 0 };
        self.all(name).next().ok_or(missing)
    }

    fn name_addr(&self, name: HeaderName) -> Result<NameAddr<'_>, HeaderError> {
        let header = self.one(name)?;
        NameAddr::parse(header.value).map_err(|error| fault(&header, error.0))
    }

    /// From.
    ///
    /// # Errors
    /// When it is missing or broken.
    pub fn from(&self) -> Result<NameAddr<'_>, HeaderError> {
        self.name_addr(HeaderName::From)
    }

    /// To.
    ///
    /// # Errors
    /// When it is missing or broken.
    pub fn to(&self) -> Result<NameAddr<'_>, HeaderError> {
        self.name_addr(HeaderName::To)
    }

    /// Call-ID.
    ///
    /// # Errors
    /// When it is missing, empty, or has blanks or control characters in it.
    pub fn call_id(&self) -> Result<&[u8], HeaderError> {
        let header = self.one(HeaderName::CallId)?;
        let word = !header.value.is_empty() && !header.value.iter().any(u8::is_ascii_control);
        let word = word && !header.value.contains(&b' ');
        if word { Ok(header.value) } else { Err(fault(&header, "it is not one word")) }
    }

    /// CSeq.
    ///
    /// # Errors
    /// When it is missing, broken, or 2³¹ or more.
    pub fn cseq(&self) -> Result<CSeq<'_>, HeaderError> {
        let header = self.one(HeaderName::CSeq)?;
        let bad = fault(&header, "it is no number below 2147483648 and a method");
        let blank = header.value.iter().position(|byte| is_lws(*byte)).ok_or(bad)?;
        let (digits, method) = header.value.split_at(blank);
        let method = trim(method);
        let sequence = number(digits).and_then(|n| u32::try_from(n).ok()).filter(|n| *n < 1 << 31);
        if !super::scan::all_token(method) {
            return Err(bad);
        }
        Ok(CSeq { number: sequence.ok_or(bad)?, method })
    }

    /// The topmost Via.
    ///
    /// # Errors
    /// When there is none or it is broken.
    pub fn via(&self) -> Result<Via<'_>, HeaderError> {
        let header = self.one(HeaderName::Via)?;
        let first = list(header.value).next().unwrap_or_default();
        Via::parse(first).map_err(|error| fault(&header, error.0))
    }

    /// Every hop, the last one first.
    pub fn vias(&self) -> impl Iterator<Item = Result<Via<'_>, HeaderError>> {
        self.all(HeaderName::Via).flat_map(|header| {
            list(header.value).map(move |via| Via::parse(via).map_err(|e| fault(&header, e.0)))
        })
    }

    /// The addresses of every header of that name: Contact, Route, Record-Route, Path ….
    pub fn addresses(
        &self,
        name: HeaderName,
    ) -> impl Iterator<Item = Result<NameAddr<'_>, HeaderError>> {
        self.all(name).flat_map(|header| {
            list(header.value)
                .map(move |value| NameAddr::parse(value).map_err(|e| fault(&header, e.0)))
        })
    }

    /// The first Contact; `None` when there is none, it is `*`, or it is broken.
    #[must_use]
    pub fn contact(&self) -> Option<NameAddr<'_>> {
        self.addresses(HeaderName::Contact).next()?.ok()
    }

    /// A header that is one number up to `max`.
    ///
    /// # Errors
    /// When it is there and is no such number.
    pub fn number(&self, name: HeaderName, max: u64) -> Result<Option<u64>, HeaderError> {
        let Some(header) = self.all(name).next() else { return Ok(None) };
        let bad = fault(&header, "it is no number in range");
        number(header.value).filter(|value| *value <= max).map(Some).ok_or(bad)
    }

    /// Max-Forwards, 0–255.
    ///
    /// # Errors
    /// When it is there and is no such number.
    pub fn max_forwards(&self) -> Result<Option<u64>, HeaderError> {
        self.number(HeaderName::MaxForwards, 255)
    }

    /// The body's type without parameters, as `application/sdp`, in lower case.
    #[must_use]
    pub fn content_type(&self) -> Option<String> {
        let value = self.header(HeaderName::ContentType)?;
        let (value, _) = super::scan::split_outside(value, b';');
        Some(text(value).chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase())
    }

    /// What the peer calls itself: Server, else User-Agent.
    #[must_use]
    pub fn user_agent(&self) -> Option<String> {
        let value = self.header(HeaderName::Server).or(self.header(HeaderName::UserAgent))?;
        Some(text(value).chars().filter(|c| !c.is_control()).collect())
    }
}

pub(super) const fn fault(header: &Header<'_>, what: &'static str) -> HeaderError {
    HeaderError { header: header.id.as_str(), what, offset: header.offset }
}
