//! Writes FOCUS rows as they come.

use super::FocusRow;
use super::columns::{COLUMNS, ColumnType, Value, values};
use crate::error::DocumentError;
use arrow_array::builder::{Decimal128Builder, StringBuilder, TimestampMillisecondBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::io::Write;
use std::sync::Arc;

/// Rows that are gathered before they are written as a batch.
const BATCH_ROWS: usize = 8_192;
/// Digits of a decimal column: all that 128 bits hold for products, all that 64 bits hold for the others.
const PRODUCT_DIGITS: u8 = 38;
const PLAIN_DIGITS: u8 = 20;

/// Writes CSV: UTF-8 without byte order mark, commas, null as an empty field.
pub struct FocusCsvWriter<W: Write> {
    writer: csv::Writer<W>,
    rows: u64,
}

impl<W: Write> FocusCsvWriter<W> {
    /// Begins the file with the names of the columns.
    pub fn new(file: W) -> Result<Self, DocumentError> {
        let mut writer = csv::Writer::from_writer(file);
        writer.write_record(COLUMNS.iter().map(|(name, _)| name))?;
        Ok(Self { writer, rows: 0 })
    }

    /// Adds a charge. Errors: a charge that breaks a rule of FOCUS.
    pub fn write(&mut self, row: &FocusRow) -> Result<(), DocumentError> {
        self.rows += 1;
        row.check(self.rows)?;
        let values = values(row);
        Ok(self
            .writer
            .write_record(COLUMNS.iter().zip(&values).map(|((_, kind), value)| value.csv(*kind)))?)
    }

    /// Ends the file and hands it back.
    pub fn finish(mut self) -> Result<W, DocumentError> {
        self.writer.flush()?;
        self.writer.into_inner().map_err(|e| DocumentError::Io(e.into_error()))
    }
}

/// Writes Parquet: decimals as 128-bit decimals, times as UTC timestamps in milliseconds, zstd.
pub struct FocusParquetWriter<W: Write + Send> {
    schema: SchemaRef,
    writer: ArrowWriter<W>,
    builders: Vec<Builder>,
    gathered: usize,
    rows: u64,
}

impl<W: Write + Send> FocusParquetWriter<W> {
    /// Begins the file.
    pub fn new(file: W) -> Result<Self, DocumentError> {
        let fields: Vec<Field> = COLUMNS
            .iter()
            .map(|(name, kind)| Field::new(*name, data_type(*kind), true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder()
            .set_created_by("yunheng".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))?;
        Ok(Self {
            schema,
            writer,
            builders: Builder::all(),
            gathered: 0,
            rows: 0,
        })
    }

    /// Adds a charge. Errors: a charge that breaks a rule of FOCUS.
    pub fn write(&mut self, row: &FocusRow) -> Result<(), DocumentError> {
        self.rows += 1;
        row.check(self.rows)?;
        for (builder, value) in self.builders.iter_mut().zip(values(row)) {
            builder.append(value);
        }
        self.gathered += 1;
        if self.gathered == BATCH_ROWS {
            self.write_batch()
        } else {
            Ok(())
        }
    }

    /// Ends the file and hands it back.
    pub fn finish(mut self) -> Result<W, DocumentError> {
        self.write_batch()?;
        Ok(self.writer.into_inner()?)
    }

    fn write_batch(&mut self) -> Result<(), DocumentError> {
        if self.gathered > 0 {
            let columns = self.builders.iter_mut().map(Builder::finish).collect();
            self.writer
                .write(&RecordBatch::try_new(Arc::clone(&self.schema), columns)?)?;
            self.gathered = 0;
        }
        Ok(())
    }
}

fn data_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Text => DataType::Utf8,
        ColumnType::Time => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        ColumnType::Decimal(scale) => {
            let digits = if scale > 6 { PRODUCT_DIGITS } else { PLAIN_DIGITS };
            DataType::Decimal128(digits, i8::try_from(scale).unwrap_or(i8::MAX))
        }
    }
}

/// Gathers one column of a batch.
enum Builder {
    Text(StringBuilder),
    Time(TimestampMillisecondBuilder),
    Decimal(Decimal128Builder),
}

impl Builder {
    fn all() -> Vec<Self> {
        let builder = |kind: ColumnType| match kind {
            ColumnType::Text => Self::Text(StringBuilder::new()),
            ColumnType::Time => Self::Time(TimestampMillisecondBuilder::new().with_data_type(data_type(kind))),
            ColumnType::Decimal(_) => Self::Decimal(Decimal128Builder::new().with_data_type(data_type(kind))),
        };
        COLUMNS.iter().map(|(_, kind)| builder(*kind)).collect()
    }

    fn append(&mut self, value: Value) {
        match (self, value) {
            (Self::Text(column), Value::Text(text)) => column.append_value(text),
            (Self::Time(column), Value::Time(at)) => column.append_value(at.unix_s().saturating_mul(1000)),
            (Self::Decimal(column), Value::Number(number)) => column.append_value(number),
            (Self::Text(column), _) => column.append_null(),
            (Self::Time(column), _) => column.append_null(),
            (Self::Decimal(column), _) => column.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(column) => Arc::new(column.finish()),
            Self::Time(column) => Arc::new(column.finish()),
            Self::Decimal(column) => Arc::new(column.finish()),
        }
    }
}
