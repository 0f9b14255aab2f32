//! Text to small numbers and back, so that batches carry 4 bytes where files carry names.

use std::collections::HashMap;

/// A table of distinct texts, numbered from 0 in order of first appearance.
#[derive(Debug, Clone, Default)]
pub struct Interner {
    numbers: HashMap<String, u32>,
    texts: Vec<String>,
}

impl Interner {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of a text, given to it now if it is new.
    pub fn intern(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    /// The number of a text that is already here.
    pub fn get(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    /// The text of a number; empty for a number never given out.
    pub fn text(&self, number: u32) -> &str {
        usize::try_from(number)
            .ok()
            .and_then(|n| self.texts.get(n))
            .map_or("", String::as_str)
    }

    /// How many distinct texts there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// All texts, in the order of their numbers.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stable() {
        let mut table = Interner::new();
        assert_eq!((table.intern("a"), table.intern("b"), table.intern("a")), (0, 1, 0));
        assert_eq!((table.text(1), table.text(9), table.len()), ("b", "", 2));
    }
}
