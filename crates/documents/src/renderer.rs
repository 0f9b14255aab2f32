//! Typesets templates into PDF.
//!
//! Owns the one set of template, standard library and fonts that all documents share. What a document says is
//! handed over as a JSON file that the template reads: text of users is never part of the markup, so it cannot be
//! read as commands. The world has no clock, no packages and no other files.

use crate::display;
use crate::error::DocumentError;
use crate::fonts::Fonts;
use kernel::Instant;
use serde_json::Value;
use std::sync::Arc;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Duration, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

const TEMPLATE: &str = include_str!("../templates/statement.typ");
/// Nothing cached outlives its document: keeping it made the next one no faster and took memory.
const CACHE_MAX_AGE: usize = 0;

/// Typesets documents. Cheap to clone and to send to other threads; one for all documents of a run.
#[derive(Clone)]
pub struct Renderer {
    shared: Arc<Shared>,
}

struct Shared {
    fonts: Fonts,
    standard: LazyHash<Library>,
    template: Source,
    document: FileId,
    standards: PdfStandards,
}

/// A typeset document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdf {
    /// The file.
    pub bytes: Vec<u8>,
    /// How many pages it has.
    pub pages: usize,
}

impl Renderer {
    /// With these fonts.
    ///
    /// Errors: the template uses a character that no font has.
    pub fn new(fonts: Fonts) -> Result<Self, DocumentError> {
        let missing = fonts.missing_glyphs(TEMPLATE);
        if !missing.is_empty() {
            return Err(DocumentError::MissingGlyphs(missing));
        }
        let standards =
            PdfStandards::new(&[PdfStandard::A_2b]).map_err(|e| DocumentError::Typeset(format!("{e:?}")))?;
        let shared = Shared {
            standard: LazyHash::new(Library::default()),
            template: Source::new(file_id("statement.typ")?, TEMPLATE.to_owned()),
            document: file_id("document.json")?,
            fonts,
            standards,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Typesets the statement template with a document.
    ///
    /// The bytes depend on nothing but `document`, `ident`, `made_at` and the fonts. Errors: a character without a
    /// shape in any font; a fault of the template.
    pub(crate) fn typeset(&self, document: &Value, ident: &str, made_at: Instant) -> Result<Pdf, DocumentError> {
        self.check_glyphs(document)?;
        let world = DocumentWorld {
            shared: &self.shared,
            json: Bytes::new(serde_json::to_vec(document)?),
        };
        let options = PdfOptions {
            ident: Smart::Custom(ident.to_owned()),
            creator: Smart::Custom(Some("yunheng".to_owned())),
            timestamp: timestamp(made_at),
            standards: self.shared.standards.clone(),
            tagged: false,
            ..PdfOptions::default()
        };
        let result = typst::compile(&world).output.and_then(|document| {
            let bytes = typst_pdf::pdf(&document, &options)?;
            Ok(Pdf {
                bytes,
                pages: document.pages().len(),
            })
        });
        typst::comemo::evict(CACHE_MAX_AGE);
        result.map_err(|faults| DocumentError::Typeset(describe(&faults)))
    }

    /// The fonts it sets in.
    pub fn fonts(&self) -> &Fonts {
        &self.shared.fonts
    }

    fn check_glyphs(&self, document: &Value) -> Result<(), DocumentError> {
        let mut text = String::new();
        gather_text(document, &mut text);
        let missing = self.shared.fonts.missing_glyphs(&text.replace('\u{200b}', ""));
        if missing.is_empty() {
            Ok(())
        } else {
            Err(DocumentError::MissingGlyphs(missing))
        }
    }
}

fn file_id(name: &str) -> Result<FileId, DocumentError> {
    let path = VirtualPath::new(name).map_err(|e| DocumentError::Typeset(format!("{e:?}")))?;
    Ok(RootedPath::new(VirtualRoot::Project, path).intern())
}

fn timestamp(at: Instant) -> Option<Timestamp> {
    let parts = display::civil(at)?;
    let (year, month, day) = (i32::from(parts.year), parts.month, parts.day);
    let datetime = Datetime::from_ymd_hms(year, month, day, parts.hour, parts.minute, parts.second)?;
    Timestamp::new_local(datetime, 480)
}

fn gather_text(value: &Value, text: &mut String) {
    match value {
        Value::String(s) => text.push_str(s),
        Value::Array(values) => values.iter().for_each(|v| gather_text(v, text)),
        Value::Object(fields) => fields.values().for_each(|v| gather_text(v, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn describe(faults: &[SourceDiagnostic]) -> String {
    faults
        .iter()
        .map(|fault| fault.message.to_string())
        .collect::<Vec<_>>()
        .join("; ")
}

/// What the typesetter sees of one document.
struct DocumentWorld<'a> {
    shared: &'a Shared,
    json: Bytes,
}

impl World for DocumentWorld<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.shared.standard
    }

    fn book(&self) -> &LazyHash<FontBook> {
        self.shared.fonts.book()
    }

    fn main(&self) -> FileId {
        self.shared.template.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.shared.template.id() {
            Ok(self.shared.template.clone())
        } else {
            Err(FileError::AccessDenied)
        }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == self.shared.document {
            Ok(self.json.clone())
        } else {
            Err(FileError::AccessDenied)
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.shared.fonts.face(index)
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use typst::layout::{Frame, FrameItem, Point, Transform};

    /// A piece of text on a page: left, right and base line in points, size, and what it says.
    type Piece = (f64, f64, f64, f64, String);

    fn pieces(frame: &Frame, origin: Point, found: &mut Vec<Piece>) {
        for (at, item) in frame.items() {
            let at = origin + *at;
            match item {
                FrameItem::Group(group) if group.transform == Transform::identity() => {
                    pieces(&group.frame, at, found);
                }
                FrameItem::Text(text) if !text.text.trim().is_empty() => {
                    let (left, size) = (at.x.to_pt(), text.size.to_pt());
                    found.push((
                        left,
                        left + text.width().to_pt(),
                        at.y.to_pt(),
                        size,
                        text.text.to_string(),
                    ));
                }
                _ => {}
            }
        }
    }

    fn collisions(page: usize, frame: &Frame) -> Vec<String> {
        let mut found = Vec::new();
        pieces(frame, Point::zero(), &mut found);
        assert!(!found.is_empty(), "page {page} is empty");
        let width = frame.width().to_pt();
        let mut faults: Vec<String> = found
            .iter()
            .filter(|(left, right, ..)| *left < 40.0 || *right > width - 40.0)
            .map(|piece| format!("page {page}: out of the margins: {piece:?}"))
            .collect();
        for (place, a) in found.iter().enumerate() {
            for b in &found[place + 1..] {
                let same_line = (a.2 - b.2).abs() < 0.7 * a.3.min(b.3);
                if same_line && a.1.min(b.1) - a.0.max(b.0) > 0.5 {
                    faults.push(format!("page {page}: {a:?} over {b:?}"));
                }
            }
        }
        faults
    }

    impl Renderer {
        /// Places where text lies over other text or beyond the margins; the watermark does not count.
        pub(crate) fn collisions(&self, document: &Value) -> Vec<String> {
            let world = DocumentWorld {
                shared: &self.shared,
                json: Bytes::new(serde_json::to_vec(document).unwrap()),
            };
            let document = typst::compile(&world).output.unwrap();
            typst_pdf::pdf(&document, &PdfOptions::default()).unwrap();
            document
                .pages()
                .iter()
                .enumerate()
                .flat_map(|(n, page)| collisions(n + 1, &page.frame))
                .collect()
        }
    }
}
