//! Text to small numbers and back, so that batches carry 4 bytes where files carry names.

use std::hash::{BuildHasher, RandomState};

/// What stands for a number where a place is open.
const OPEN: u32 = u32::MAX;

/// A table of distinct texts, numbered from 0 in order of first appearance.
///
/// Shape: the texts stand one after another in one buffer, each once, so that a million of them are few allocations.
/// They are found by hash: each takes the first open place from the one its hash points at.
#[derive(Debug, Clone, Default)]
pub struct Interner {
    buffer: String,
    /// Where each text ends in the buffer; it starts where the one before ends.
    ends: Vec<usize>,
    /// Hashes and numbers of the texts. As many as a power of two, and some always open.
    places: Vec<(u32, u32)>,
    hasher: RandomState,
}

impl Interner {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of a text, given to it now if it is new.
    pub fn intern(&mut self, text: &str) -> u32 {
        let hash = self.hash(text);
        if let Some(number) = self.find(hash, text) {
            return number;
        }
        // Three quarters taken at most: further on, the way to an open place grows long.
        if (self.ends.len() + 1) * 4 > self.places.len() * 3 {
            self.widen();
        }
        let number = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.buffer.push_str(text);
        self.ends.push(self.buffer.len());
        self.take(hash, number);
        number
    }

    /// The number of a text that is already here.
    pub fn get(&self, text: &str) -> Option<u32> {
        self.find(self.hash(text), text)
    }

    /// The text of a number; empty for a number never given out.
    pub fn text(&self, number: u32) -> &str {
        usize::try_from(number).map_or("", |number| self.at(number))
    }

    /// How many distinct texts there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All texts, in the order of their numbers.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|number| self.at(number))
    }

    fn at(&self, number: usize) -> &str {
        let from = number.checked_sub(1).and_then(|before| self.ends.get(before));
        let text = self
            .ends
            .get(number)
            .and_then(|to| self.buffer.get(from.copied().unwrap_or(0)..*to));
        text.unwrap_or_default()
    }

    /// The upper half of a text's hash: the lower would do as well, and all of it would double the places.
    fn hash(&self, text: &str) -> u32 {
        u32::try_from(self.hasher.hash_one(text) >> 32).unwrap_or_default()
    }

    fn find(&self, hash: u32, text: &str) -> Option<u32> {
        let places = self.probe(hash).map_while(|place| self.places.get(place));
        places
            .take_while(|(_, number)| *number != OPEN)
            .find(|(of, number)| *of == hash && self.text(*number) == text)
            .map(|(_, number)| *number)
    }

    /// All places, from the one a hash points at.
    fn probe(&self, hash: u32) -> impl Iterator<Item = usize> + use<> {
        let (count, first) = (self.places.len(), usize::try_from(hash).unwrap_or_default());
        (0..count).map(move |step| first.wrapping_add(step) & (count - 1))
    }

    fn take(&mut self, hash: u32, number: u32) {
        let open = |place: &usize| self.places.get(*place).is_some_and(|(_, number)| *number == OPEN);
        let open = self.probe(hash).find(open);
        if let Some(place) = open.and_then(|place| self.places.get_mut(place)) {
            *place = (hash, number);
        }
    }

    fn widen(&mut self) {
        let wider = vec![(0, OPEN); (self.places.len() * 2).max(16)];
        for (hash, number) in std::mem::replace(&mut self.places, wider) {
            if number != OPEN {
                self.take(hash, number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_stable() {
        let mut table = Interner::new();
        assert_eq!((table.get(""), table.text(0), table.is_empty()), (None, "", true));
        assert_eq!((table.intern("a"), table.intern("b"), table.intern("a")), (0, 1, 0));
        assert_eq!((table.text(1), table.text(9), table.len()), ("b", "", 2));
        assert_eq!(table.text(u32::MAX), "");
    }

    proptest! {
        #[test]
        fn a_text_has_the_number_of_its_first_appearance(texts in prop::collection::vec("[ab部]{0,5}", 0..400)) {
            let (mut table, mut distinct) = (Interner::new(), Vec::<&str>::new());
            for text in &texts {
                let known = distinct.iter().position(|known| known == text);
                let number = known.unwrap_or(distinct.len());
                prop_assert_eq!(table.get(text), known.map(|known| u32::try_from(known).unwrap()));
                prop_assert_eq!(usize::try_from(table.intern(text)).unwrap(), number);
                if known.is_none() {
                    distinct.push(text);
                }
            }
            prop_assert_eq!(table.texts().collect::<Vec<_>>(), distinct);
        }
    }
}
