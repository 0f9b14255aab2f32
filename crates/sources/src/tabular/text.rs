//! Bytes to text: which encoding a file is in, and the blanks around a text.

use encoding_rs::{DecoderResult, Encoding, GB18030, UTF_16BE, UTF_16LE};
use std::borrow::Cow;

/// Bytes that are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadText {
    /// Line of the first bad byte, from 1. Line breaks inside quotes count, as nothing is known of quotes yet.
    pub row: u64,
    /// The encoding that was tried.
    pub encoding: &'static str,
}

/// Reads UTF-8 (with a byte order mark or without), UTF-16 with one, or GB18030, of which GBK is a part.
///
/// What is not UTF-8 is taken for GB18030, unless Chinese characters in UTF-8 stand before the bad byte: then the
/// file is a damaged UTF-8 file, and reading it as GB18030 would turn it into other characters without a word.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, BadText> {
    let text = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => Cow::Borrowed(utf8(rest)?),
        [0xFF, 0xFE, rest @ ..] => Cow::Owned(strictly(UTF_16LE, rest)?),
        [0xFE, 0xFF, rest @ ..] => Cow::Owned(strictly(UTF_16BE, rest)?),
        _ => match utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(bad) if has_chinese_utf8(bytes) => return Err(bad),
            Err(_) => Cow::Owned(strictly(GB18030, bytes)?),
        },
    };
    match text.find('\0') {
        Some(end) => Err(BadText {
            row: line_of(text.get(..end).unwrap_or_default()),
            encoding: "CSV",
        }),
        None => Ok(text),
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, BadText> {
    std::str::from_utf8(bytes).map_err(|bad| BadText {
        row: line_of(valid_part(bytes, bad)),
        encoding: "UTF-8",
    })
}

fn valid_part(bytes: &[u8], bad: std::str::Utf8Error) -> &str {
    bytes
        .get(..bad.valid_up_to())
        .and_then(|part| std::str::from_utf8(part).ok())
        .unwrap_or_default()
}

/// Whether the part before the first bad byte has a Chinese character or full-width sign in UTF-8. Bytes of a text in
/// GB18030 look like one of these (three bytes, the first from E3 to EF) only by a rare accident.
fn has_chinese_utf8(bytes: &[u8]) -> bool {
    let part = std::str::from_utf8(bytes).unwrap_or_else(|bad| valid_part(bytes, bad));
    part.chars()
        .any(|c| matches!(c, '\u{3000}'..='\u{303F}' | '\u{4E00}'..='\u{9FFF}' | '\u{FF00}'..='\u{FFEF}'))
}

fn strictly(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, BadText> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let room = decoder
        .max_utf8_buffer_length_without_replacement(bytes.len())
        .unwrap_or(bytes.len());
    let mut text = String::with_capacity(room);
    match decoder.decode_to_string_without_replacement(bytes, &mut text, true).0 {
        DecoderResult::InputEmpty => Ok(text),
        DecoderResult::Malformed(..) | DecoderResult::OutputFull => Err(BadText {
            row: line_of(&text),
            encoding: encoding.name(),
        }),
    }
}

fn line_of(before: &str) -> u64 {
    let breaks = before.bytes().filter(|b| *b == b'\n').count();
    u64::try_from(breaks).unwrap_or(u64::MAX).saturating_add(1)
}

/// Without the blanks around it: spaces of any width, tabs, line breaks, byte order marks. Owned if any were cut.
pub(crate) fn trimmed(text: &str) -> Cow<'_, str> {
    let bare = bare(text);
    if bare.len() == text.len() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(bare.to_owned())
    }
}

/// Without the blanks around it.
pub(crate) fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{FEFF}' | '\u{200B}'))
}

/// A heading as it is compared: half-width, without blanks and the asterisk of a required column, lower case.
pub(crate) fn plain(heading: &str) -> String {
    /// Distance of a full-width sign from its ASCII twin.
    const FULL_WIDTH: u32 = 0xFEE0;
    let narrow = |c: char| match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - FULL_WIDTH).unwrap_or(c),
        _ => c,
    };
    bare(heading)
        .chars()
        .map(narrow)
        .filter(|c| !c.is_whitespace() && *c != '*')
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gbk(text: &str) -> Vec<u8> {
        encoding_rs::GBK.encode(text).0.into_owned()
    }

    #[test]
    fn encodings_of_an_office() {
        let text = "编号,名称\r\n1,目录服务";
        let utf16 = |big: bool| -> Vec<u8> {
            let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
            units
                .flat_map(|u: u16| if big { u.to_be_bytes() } else { u.to_le_bytes() })
                .collect()
        };
        let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
        for bytes in [text.as_bytes().to_vec(), marked, gbk(text), utf16(true), utf16(false)] {
            assert_eq!(decode(&bytes).unwrap(), text);
        }
        // Four-byte characters exist in GB18030 only.
        let rare = encoding_rs::GB18030.encode("名称\n㐀").0.into_owned();
        assert_eq!(decode(&rare).unwrap(), "名称\n㐀");
    }

    #[test]
    fn damage_names_its_line() {
        let cut = "编号,名称\n1,目录\n2,服".as_bytes();
        assert_eq!(
            decode(&cut[..cut.len() - 1]),
            Err(BadText {
                row: 3,
                encoding: "UTF-8"
            })
        );
        let mut mixed = gbk("编号\n目录\n");
        mixed.extend(b"\xFF\xFF");
        assert_eq!(
            decode(&mixed),
            Err(BadText {
                row: 3,
                encoding: "gb18030"
            })
        );
        assert_eq!(
            decode(b"\xFF\xFEa\0\n\0b"),
            Err(BadText {
                row: 2,
                encoding: "UTF-16LE"
            })
        );
        assert_eq!(
            decode(b"a,b\n\0"),
            Err(BadText {
                row: 2,
                encoding: "CSV"
            })
        );
    }

    #[test]
    fn headings_compare_by_their_plain_form() {
        assert_eq!(plain("　单价（元／月）＊"), "单价(元/月)");
        assert_eq!(plain("Ｎａｔｉｖｅ＿ＩＤ *"), plain("native_id"));
    }
}
