//! The rows of one row group as they are read: cells by column name.

use crate::LakeError;
use crate::column::month_of;
use crate::error::damaged;
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Int32Type, Int64Type};
use arrow_array::{Array, BooleanArray, DictionaryArray, RecordBatch, StringArray};
use kernel::{Interner, Month};

/// Cells of one row group.
pub(crate) struct Batch<'p> {
    path: &'p str,
    batch: RecordBatch,
}

impl<'p> Batch<'p> {
    pub(crate) const fn new(path: &'p str, batch: RecordBatch) -> Self {
        Self { path, batch }
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// An error that names a column.
    pub(crate) fn wrong(&self, name: &str) -> LakeError {
        damaged(self.path, format!("列 {name} 的内容不可用"))
    }

    fn column(&self, name: &str) -> Result<&dyn Array, LakeError> {
        self.batch
            .column_by_name(name)
            .map(AsRef::as_ref)
            .ok_or_else(|| self.wrong(name))
    }

    fn dictionary(&self, name: &str) -> Result<(&DictionaryArray<Int32Type>, &StringArray), LakeError> {
        let array = self.column(name)?.as_dictionary_opt::<Int32Type>();
        let both = array.and_then(|array| Some((array, array.values().as_string_opt::<i32>()?)));
        both.ok_or_else(|| self.wrong(name))
    }

    fn numbers<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&[T::Native], LakeError> {
        let array = self
            .column(name)?
            .as_primitive_opt::<T>()
            .filter(|array| array.null_count() == 0);
        array
            .map(|array| array.values().as_ref())
            .ok_or_else(|| self.wrong(name))
    }

    /// Names, as numbers of `names`.
    pub(crate) fn names(&self, name: &str, names: &mut Interner) -> Result<Vec<u32>, LakeError> {
        let (array, texts) = self.dictionary(name)?;
        if array.null_count() > 0 || texts.null_count() > 0 {
            return Err(self.wrong(name));
        }
        let numbers: Vec<u32> = texts
            .iter()
            .map(|text| names.intern(text.unwrap_or_default()))
            .collect();
        let number = |key: &i32| usize::try_from(*key).ok().and_then(|key| numbers.get(key).copied());
        array
            .keys()
            .values()
            .iter()
            .map(|key| number(key).ok_or_else(|| self.wrong(name)))
            .collect()
    }

    /// Texts, each parsed once for each row group.
    pub(crate) fn words<T: Clone>(&self, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, LakeError> {
        let cells = self.optional_words(name, parse)?;
        cells
            .into_iter()
            .map(|cell| cell.ok_or_else(|| self.wrong(name)))
            .collect()
    }

    /// Texts that may be missing, each parsed once for each row group.
    pub(crate) fn optional_words<T: Clone>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<Option<T>>, LakeError> {
        let (array, texts) = self.dictionary(name)?;
        let word = |text: Option<&str>| text.and_then(&parse).ok_or_else(|| self.wrong(name));
        let words: Vec<T> = texts.iter().map(word).collect::<Result<_, _>>()?;
        let cell = |key: Option<i32>| match key {
            None => Ok(None),
            Some(key) => {
                let word = usize::try_from(key).ok().and_then(|key| words.get(key).cloned());
                word.map(Some).ok_or_else(|| self.wrong(name))
            }
        };
        array.keys().iter().map(cell).collect()
    }

    /// Numbers.
    pub(crate) fn longs(&self, name: &str) -> Result<&[i64], LakeError> {
        self.numbers::<Int64Type>(name)
    }

    /// Numbers that may be missing.
    pub(crate) fn optional_longs(&self, name: &str) -> Result<Vec<Option<i64>>, LakeError> {
        let array = self.column(name)?.as_primitive_opt::<Int64Type>();
        array
            .map(|array| array.iter().collect())
            .ok_or_else(|| self.wrong(name))
    }

    /// Months.
    pub(crate) fn months(&self, name: &str) -> Result<Vec<Month>, LakeError> {
        let mut last: Option<(i32, Month)> = None;
        let month = |number: &i32| {
            if let Some((_, month)) = last.filter(|(of, _)| of == number) {
                return Ok(month);
            }
            let month = month_of(*number).ok_or_else(|| self.wrong(name))?;
            last = Some((*number, month));
            Ok(month)
        };
        self.numbers::<Int32Type>(name)?.iter().map(month).collect()
    }

    /// Yes or no.
    pub(crate) fn flags(&self, name: &str) -> Result<Vec<bool>, LakeError> {
        let array: Option<&BooleanArray> = self.column(name)?.as_boolean_opt();
        let cells = array.map(|array| array.iter().collect::<Option<Vec<bool>>>());
        cells.flatten().ok_or_else(|| self.wrong(name))
    }
}

/// Puts the cells of a column into rows.
pub(crate) fn fill<R, T>(rows: &mut [R], cells: impl IntoIterator<Item = T>, put: impl Fn(&mut R, T)) {
    for (row, cell) in rows.iter_mut().zip(cells) {
        put(row, cell);
    }
}
