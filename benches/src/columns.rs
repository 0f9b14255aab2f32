//! Columns of the workloads' Parquet files.

use crate::BenchError;
use arrow_array::cast::AsArray;
use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{Array, PrimitiveArray, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use std::fs::File;

/// Rows that are decoded at once: small enough to stay in the processor's cache.
const BATCH_ROWS: usize = 8 * 1024;

/// A Parquet file.
pub struct Table {
    path: String,
    metadata: ArrowReaderMetadata,
}

impl Table {
    pub fn open(folder: &str, name: &str) -> Result<Self, BenchError> {
        let path = format!("{folder}/{name}.parquet");
        let file = File::open(&path).map_err(|source| BenchError::File {
            path: path.clone(),
            source,
        })?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new());
        let metadata = metadata.map_err(|source| BenchError::Parquet {
            path: path.clone(),
            source,
        })?;
        Ok(Self { path, metadata })
    }

    /// How many row groups there are.
    pub fn groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// Shows a row group, a batch at a time, with the named columns in this order.
    pub fn scan(
        &self,
        group: usize,
        columns: &[&str],
        mut visit: impl FnMut(&Batch<'_>) -> Result<(), BenchError>,
    ) -> Result<(), BenchError> {
        let parquet = |source| BenchError::Parquet {
            path: self.path.clone(),
            source,
        };
        // A handle of its own for each row group, because handles that were cloned share their position.
        let file = File::open(&self.path).map_err(|source| BenchError::File {
            path: self.path.clone(),
            source,
        })?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        let reader = builder
            .with_projection(mask)
            .with_row_groups(vec![group])
            .with_batch_size(BATCH_ROWS)
            .build();
        for batch in reader.map_err(parquet)? {
            let batch = batch.map_err(|error| BenchError::Input {
                path: self.path.clone(),
                what: error.to_string(),
            })?;
            visit(&Batch {
                path: &self.path,
                batch,
            })?;
        }
        Ok(())
    }

    /// Shows all row groups, one after another.
    pub fn scan_all(
        &self,
        columns: &[&str],
        mut visit: impl FnMut(&Batch<'_>) -> Result<(), BenchError>,
    ) -> Result<(), BenchError> {
        (0..self.groups()).try_for_each(|group| self.scan(group, columns, &mut visit))
    }
}

/// Some rows of a table.
pub struct Batch<'t> {
    path: &'t str,
    batch: RecordBatch,
}

impl Batch<'_> {
    /// Rows in it.
    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// A column, which may have nulls.
    pub fn column<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&PrimitiveArray<T>, BenchError> {
        let array = self
            .batch
            .column_by_name(name)
            .and_then(|array| array.as_primitive_opt::<T>());
        array.ok_or_else(|| self.wrong(name))
    }

    /// The values of a column without nulls.
    pub fn values<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&[T::Native], BenchError> {
        let array = self.column::<T>(name)?;
        if array.null_count() == 0 {
            Ok(array.values())
        } else {
            Err(self.wrong(name))
        }
    }

    /// An error that names a column.
    pub fn wrong(&self, name: &str) -> BenchError {
        BenchError::Input {
            path: self.path.to_owned(),
            what: format!("column {name} is not as defined"),
        }
    }
}
