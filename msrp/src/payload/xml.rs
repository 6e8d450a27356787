//! As much XML as the payloads of messaging need, and no more: elements, attributes, text. No
//! document type, no entity but the five of XML itself, limits on everything; one pass, no
//! recursion.

use std::fmt;

/// Bytes of a document at most.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
/// Elements inside each other at most.
pub const DEPTH_MAX: usize = 64;
/// Elements in a document at most.
pub const ELEMENTS_MAX: usize = 1024;
/// Attributes of an element at most, namespaces counted in.
pub const ATTRIBUTES_MAX: usize = 32;

/// Why bytes are no document that is read here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum XmlError {
    /// A character or an entity that cannot be.
    Character,
    /// It has a document type: entities could be hidden in it.
    DocumentType,
    /// No element, more than one, or text outside.
    Root,
    /// A tag is not closed, closed by another name, or malformed.
    Tag,
    /// It passes a limit.
    TooLarge,
    /// A prefix is not declared, or an attribute stands twice.
    Name,
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Character => "the XML has a character or an entity that cannot be",
            Self::DocumentType => "the XML has a document type",
            Self::Root => "the XML is not one element",
            Self::Tag => "the XML has a tag that is malformed or not closed",
            Self::TooLarge => "the XML is too large",
            Self::Name => "the XML has an unknown prefix or an attribute twice",
        })
    }
}

impl std::error::Error for XmlError {}

/// An element with what is in it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Element {
    /// The namespace its name is of; empty when none is declared.
    pub namespace: String,
    /// Its name without prefix.
    pub name: String,
    /// Its attributes with the names they are written with, `xmlns` counted in.
    pub attributes: Vec<(String, String)>,
    /// The text in it, that of its children not counted in.
    pub text: String,
    /// The elements in it.
    pub children: Vec<Self>,
}

impl Element {
    /// Reads a document.
    ///
    /// # Errors
    /// What is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, XmlError> {
        if bytes.len() > DOCUMENT_BYTES_MAX {
            return Err(XmlError::TooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| XmlError::Character)?;
        let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        if !rest.chars().all(is_character) {
            return Err(XmlError::Character);
        }
        let mut reader = Reader { rest, open: Vec::new(), elements: 0, root: None };
        while !reader.rest.is_empty() {
            reader.next()?;
        }
        match reader.root {
            Some(root) if reader.open.is_empty() => Ok(root),
            Some(_) => Err(XmlError::Tag),
            None if reader.open.is_empty() => Err(XmlError::Root),
            None => Err(XmlError::Tag),
        }
    }

    /// The first child of that name in the element's own namespace.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        let same = |child: &&Self| child.name == name && child.namespace == self.namespace;
        self.children.iter().find(same)
    }

    /// The text of the first child of that name, without blanks at either end.
    #[must_use]
    pub fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }
}

/// `Char` of XML 1.0 §2.2.
const fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}'
        | '\u{10000}'..)
}

fn is_name(name: &str) -> bool {
    let first = |c: char| c.is_alphabetic() || c == '_';
    let other = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    name.chars().next().is_some_and(first) && name.chars().all(other)
}

/// Splits `prefix:name`; the prefix is empty when there is none.
fn split_name(name: &str) -> Option<(&str, &str)> {
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    let fine = is_name(local) && (prefix.is_empty() != name.contains(':'));
    (fine && (prefix.is_empty() || is_name(prefix))).then_some((prefix, local))
}

struct Reader<'a> {
    rest: &'a str,
    /// The names as written, for the closing tags, and the elements.
    open: Vec<(&'a str, Element)>,
    elements: usize,
    root: Option<Element>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(), XmlError> {
        let (text, tag) = self.rest.split_at(self.rest.find('<').unwrap_or(self.rest.len()));
        self.text(text)?;
        self.rest = tag;
        if tag.is_empty() {
            return Ok(());
        }
        if let Some(inside) = tag.strip_prefix("<?") {
            self.rest = after(inside, "?>")?.1;
        } else if let Some(inside) = tag.strip_prefix("<!--") {
            self.rest = after(inside, "-->")?.1;
        } else if let Some(inside) = tag.strip_prefix("<![CDATA[") {
            let (text, rest) = after(inside, "]]>")?;
            self.open.last_mut().ok_or(XmlError::Root)?.1.text.push_str(text);
            self.rest = rest;
        } else if tag.starts_with("<!") {
            return Err(XmlError::DocumentType);
        } else if let Some(inside) = tag.strip_prefix("</") {
            let (name, rest) = after(inside, ">")?;
            self.rest = rest;
            self.close(name.trim_end())?;
        } else {
            self.open(tag.strip_prefix('<').unwrap_or_default())?;
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some((_, element)) => unescape(text, &mut element.text),
            None if text.trim().is_empty() => Ok(()),
            None => Err(XmlError::Root),
        }
    }

    fn open(&mut self, tag: &'a str) -> Result<(), XmlError> {
        self.elements += 1;
        if self.elements > ELEMENTS_MAX || self.open.len() >= DEPTH_MAX {
            return Err(XmlError::TooLarge);
        }
        if self.root.is_some() {
            return Err(XmlError::Root);
        }
        let end = tag.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>'));
        let (name, mut rest) = tag.split_at(end.ok_or(XmlError::Tag)?);
        let mut element = Element::default();
        let alone = loop {
            let trimmed = rest.trim_start();
            if let Some(after) = trimmed.strip_prefix("/>") {
                rest = after;
                break true;
            }
            if let Some(after) = trimmed.strip_prefix('>') {
                rest = after;
                break false;
            }
            if trimmed.len() == rest.len() || element.attributes.len() >= ATTRIBUTES_MAX {
                return Err(if trimmed.len() == rest.len() {
                    XmlError::Tag
                } else {
                    XmlError::TooLarge
                });
            }
            let (attribute, after) = attribute(trimmed)?;
            if element.attributes.iter().any(|(other, _)| *other == attribute.0) {
                return Err(XmlError::Name);
            }
            element.attributes.push(attribute);
            rest = after;
        };
        let (prefix, local) = split_name(name).ok_or(XmlError::Tag)?;
        element.name = local.into();
        element.namespace = self.namespace(prefix, &element)?;
        self.rest = rest;
        self.open.push((name, element));
        if alone { self.close(name) } else { Ok(()) }
    }

    /// What a prefix stands for in an element that is about to be opened.
    fn namespace(&self, prefix: &str, element: &Element) -> Result<String, XmlError> {
        let declared = |element: &Element| {
            let is = |name: &str| match name.strip_prefix("xmlns") {
                Some("") => prefix.is_empty(),
                Some(name) => !prefix.is_empty() && name.strip_prefix(':') == Some(prefix),
                None => false,
            };
            element.attributes.iter().find(|(name, _)| is(name)).map(|(_, uri)| uri.clone())
        };
        let outer = || self.open.iter().rev().find_map(|(_, element)| declared(element));
        match declared(element).or_else(outer) {
            Some(uri) => Ok(uri),
            None if prefix.is_empty() => Ok(String::new()),
            None => Err(XmlError::Name),
        }
    }

    fn close(&mut self, name: &str) -> Result<(), XmlError> {
        let (opened, element) = self.open.pop().ok_or(XmlError::Tag)?;
        if opened != name {
            return Err(XmlError::Tag);
        }
        match self.open.last_mut() {
            Some((_, parent)) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }
}

/// `name="value"` at the front, and what follows it.
fn attribute(text: &str) -> Result<((String, String), &str), XmlError> {
    let (name, rest) = text.split_once('=').ok_or(XmlError::Tag)?;
    let name = name.trim_end();
    split_name(name).ok_or(XmlError::Tag)?;
    let rest = rest.trim_start();
    let quote = if rest.starts_with('"') { "\"" } else { "'" };
    let inside = rest.strip_prefix(quote).ok_or(XmlError::Tag)?;
    let (raw, rest) = after(inside, quote)?;
    if raw.contains('<') {
        return Err(XmlError::Tag);
    }
    let mut value = String::new();
    unescape(raw, &mut value)?;
    Ok(((name.into(), value), rest))
}

fn after<'a>(text: &'a str, end: &str) -> Result<(&'a str, &'a str), XmlError> {
    text.split_once(end).ok_or(XmlError::Tag)
}

fn unescape(text: &str, out: &mut String) -> Result<(), XmlError> {
    let mut rest = text;
    while let Some((before, entity)) = rest.split_once('&') {
        out.push_str(before);
        let (name, after) = entity.split_once(';').ok_or(XmlError::Character)?;
        out.push(match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            number => referenced(number).ok_or(XmlError::Character)?,
        });
        rest = after;
    }
    out.push_str(rest);
    Ok(())
}

/// `#65` or `#x41`.
fn referenced(name: &str) -> Option<char> {
    let number = name.strip_prefix('#')?;
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    let fits = !digits.is_empty() && digits.len() <= 8 && digits.chars().all(|c| c.is_digit(radix));
    let code = u32::from_str_radix(digits, radix).ok().filter(|_| fits)?;
    char::from_u32(code).filter(|character| is_character(*character))
}

/// Text as it stands in an element or an attribute. Characters that XML cannot have become U+FFFD.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            fine if is_character(fine) => out.push(fine),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_text_and_namespaces_are_found() {
        let root = Element::parse(
            "\u{feff}<?xml version='1.0'?><!-- a < b --><a:r xmlns:a='u:a' xmlns=\"u:d\" x='1&#x41;'>\n\
             <b>one<c/>&lt;two&gt; <![CDATA[<&]]></b><a:d xmlns:a='u:b' /></a:r >\n<!---->"
                .as_bytes(),
        )
        .unwrap();
        assert_eq!((&*root.namespace, &*root.name), ("u:a", "r"));
        assert_eq!(root.attributes[2], ("x".into(), "1A".into()));
        let b = &root.children[0];
        assert_eq!((&*b.namespace, &*b.text), ("u:d", "one<two> <&"));
        assert_eq!(b.child("c").unwrap().namespace, "u:d");
        assert_eq!(root.children[1].namespace, "u:b");
        assert_eq!(root.child("d"), None, "it is of another namespace");
    }

    #[test]
    fn r21_bombs_and_what_is_not_well_formed_are_refused() {
        for (bad, error) in [
            ("", XmlError::Root),
            ("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", XmlError::DocumentType),
            ("<a><!ENTITY x 'y'></a>", XmlError::DocumentType),
            ("<a>&x;</a>", XmlError::Character),
            ("<a>&#0;</a>", XmlError::Character),
            ("<a>&#xd800;</a>", XmlError::Character),
            ("<a>&#+65;</a>", XmlError::Character),
            ("<a>& b</a>", XmlError::Character),
            ("<a>\u{1}</a>", XmlError::Character),
            ("<a>\u{ffff}</a>", XmlError::Character),
            ("<a><b></a></b>", XmlError::Tag),
            ("<a>", XmlError::Tag),
            ("<a", XmlError::Tag),
            ("</a>", XmlError::Tag),
            ("<a b></a>", XmlError::Tag),
            ("<a b=c></a>", XmlError::Tag),
            ("<a b='<'/>", XmlError::Tag),
            ("<a b='1'c='2'/>", XmlError::Tag),
            ("<a:/>", XmlError::Tag),
            ("<:a/>", XmlError::Tag),
            ("<1a/>", XmlError::Tag),
            ("<a b='1' b='2'/>", XmlError::Name),
            ("<x:a/>", XmlError::Name),
            ("<a/><b/>", XmlError::Root),
            ("<a/>text", XmlError::Root),
            ("text<a/>", XmlError::Root),
            ("<![CDATA[x]]>", XmlError::Root),
        ] {
            assert_eq!(Element::parse(bad.as_bytes()), Err(error), "{bad}");
        }
        assert_eq!(Element::parse(b"<a>\xff</a>"), Err(XmlError::Character));
    }

    #[test]
    fn every_limit_holds_and_one_more_is_refused() {
        let deep = |n: usize| "<a>".repeat(n) + &"</a>".repeat(n);
        let wide = |n: usize| format!("<a>{}</a>", "<b/>".repeat(n - 1));
        let attributes = |n: usize| {
            let all: Vec<_> = (0..n).map(|n| format!(" a{n}=''")).collect();
            format!("<a{}/>", all.concat())
        };
        let long = |n: usize| format!("<a>{}</a>", "x".repeat(n - 7));
        for (fine, over) in [
            (deep(DEPTH_MAX), deep(DEPTH_MAX + 1)),
            (wide(ELEMENTS_MAX), wide(ELEMENTS_MAX + 1)),
            (attributes(ATTRIBUTES_MAX), attributes(ATTRIBUTES_MAX + 1)),
            (long(DOCUMENT_BYTES_MAX), long(DOCUMENT_BYTES_MAX + 1)),
        ] {
            assert!(Element::parse(fine.as_bytes()).is_ok());
            assert_eq!(Element::parse(over.as_bytes()), Err(XmlError::TooLarge));
        }
    }

    #[test]
    fn text_comes_back_as_it_was() {
        let text = "<a b=\"c\">&amp; \r\n\t]]> é 🎈";
        let document = format!("<a x=\"{0}\">{0}</a>", escape(text));
        let element = Element::parse(document.as_bytes()).unwrap();
        assert_eq!((&*element.text, &*element.attributes[0].1), (text, text));
        assert_eq!(escape("\0\u{ffff}"), "\u{fffd}\u{fffd}");
    }
}
