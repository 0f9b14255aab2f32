//! The fonts of printed documents: the shipped subset, more from a folder, and which characters none of them has.
//!
//! Invariant: a document is only printed if every character of it has a shape in some loaded font.

use crate::error::DocumentError;
use std::path::{Path, PathBuf};
use typst::foundations::Bytes;
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;

/// The family every document is set in; other families only stand in for characters it lacks.
pub const FAMILY: &str = "Noto Sans SC";

const REGULAR: &[u8] = include_bytes!("../fonts/NotoSansSC-Regular-GB2312.ttf");
const BOLD: &[u8] = include_bytes!("../fonts/NotoSansSC-Bold-GB2312.ttf");

/// The fonts that documents may use. Reading them costs some milliseconds: make one and keep it.
#[derive(Clone)]
pub struct Fonts {
    faces: Vec<Font>,
    book: LazyHash<FontBook>,
}

impl Fonts {
    /// The shipped fonts: GB 2312, ASCII, punctuation, full-width forms, boxes and arrows.
    pub fn shipped() -> Self {
        Self::of(
            [REGULAR, BOLD]
                .into_iter()
                .flat_map(|data| Font::iter(Bytes::new(data)))
                .collect(),
        )
    }

    /// The shipped fonts and every `.ttf`, `.otf`, `.ttc` and `.otc` file of a folder, in the order of their names.
    ///
    /// Errors: a folder that cannot be read or holds no font; a file with such an ending that is none.
    pub fn with_folder(folder: &Path) -> Result<Self, DocumentError> {
        let fault = |path: &Path, reason: String| DocumentError::Font {
            path: path.to_owned(),
            reason,
        };
        let entries = std::fs::read_dir(folder).map_err(|e| fault(folder, e.to_string()))?;
        let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|path| {
            let ending = path
                .extension()
                .and_then(|e| e.to_str())
                .unwrap_or_default()
                .to_ascii_lowercase();
            matches!(ending.as_str(), "ttf" | "otf" | "ttc" | "otc")
        });
        files.sort();
        let mut faces = Self::shipped().faces;
        for path in &files {
            let data = std::fs::read(path).map_err(|e| fault(path, e.to_string()))?;
            let before = faces.len();
            faces.extend(Font::iter(Bytes::new(data)));
            if faces.len() == before {
                return Err(fault(path, "不是可识别的字体文件".to_owned()));
            }
        }
        if files.is_empty() {
            return Err(fault(folder, "目录中没有字体文件".to_owned()));
        }
        Ok(Self::of(faces))
    }

    fn of(faces: Vec<Font>) -> Self {
        let book = LazyHash::new(FontBook::from_fonts(&faces));
        Self { faces, book }
    }

    /// The characters of a text that no loaded font can show, each once, in the order of their code points.
    ///
    /// Line breaks and tabs need no shape and are never reported.
    pub fn missing_glyphs(&self, text: &str) -> Vec<char> {
        let mut missing: Vec<char> = text.chars().filter(|c| !self.has(*c)).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    fn has(&self, c: char) -> bool {
        matches!(c, '\n' | '\r' | '\t')
            || self
                .faces
                .iter()
                .any(|face| face.info().coverage.contains(u32::from(c)))
    }

    pub(crate) fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    pub(crate) fn face(&self, index: usize) -> Option<Font> {
        self.faces.get(index).cloned()
    }

    /// The families in the order in which a character is looked for: ours first.
    pub(crate) fn families(&self) -> Vec<String> {
        let mut families = vec![FAMILY.to_owned()];
        for face in &self.faces {
            if !families.contains(&face.info().family) {
                families.push(face.info().family.clone());
            }
        }
        families
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_fonts_hold_what_forms_use() {
        let fonts = Fonts::shipped();
        assert_eq!(fonts.faces.len(), 2);
        let used = "政务云服务费用结算单 ¥1,234,567.80 壹贰叁肆伍陆柒捌玖拾佰仟万亿元角分整零负 GiB·月 《》「」【】——…→ ①②③ ≥≤± ％，。；：（）□☐";
        assert_eq!(fonts.missing_glyphs(used), ['☐']);
        assert_eq!(fonts.families(), [FAMILY]);
    }

    #[test]
    fn names_outside_gb2312_are_found() {
        // 㛃 and 𠮷 are used in names of people and places; neither is in GB 2312.
        assert_eq!(Fonts::shipped().missing_glyphs("张㛃𠮷\n张㛃"), ['㛃', '𠮷']);
    }

    #[test]
    fn a_folder_without_fonts_is_an_error() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        assert!(matches!(Fonts::with_folder(&folder), Err(DocumentError::Font { .. })));
        let fonts = Fonts::with_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fonts")).unwrap();
        assert_eq!(fonts.faces.len(), 4);
    }
}
