//! Writing the lines: row groups are encoded where they are rated, and put into the file in order.

use super::segments::Line;
use crate::BenchError;
use arrow_array::{ArrayRef, Int16Array, Int32Array, Int64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use std::fs::File;
use std::sync::Arc;

/// The file.
pub struct Writer {
    path: String,
    schema: SchemaRef,
    file: SerializedFileWriter<File>,
    factory: ArrowRowGroupWriterFactory,
}

fn schema() -> SchemaRef {
    let column = |name: &str, data_type| Field::new(name, data_type, false);
    Arc::new(Schema::new(vec![
        column("segment_id", DataType::Int64),
        column("dept_id", DataType::Int16),
        column("item_id", DataType::Int32),
        column("version", DataType::Int32),
        column("days", DataType::Int64),
        column("fen", DataType::Int64),
    ]))
}

/// Small numbers and rising ones are packed by their differences, which leaves nothing for a compressor to find;
/// amounts are split into their bytes, of which the upper ones are nearly all zero.
fn properties() -> Result<WriterProperties, ParquetError> {
    Ok(WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding("fen".into(), Encoding::BYTE_STREAM_SPLIT)
        .set_column_compression("fen".into(), Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .build())
}

impl Writer {
    pub fn create(path: &str) -> Result<Self, BenchError> {
        let file = File::create(path).map_err(|source| BenchError::File {
            path: path.to_owned(),
            source,
        })?;
        let parquet = |source| BenchError::Parquet {
            path: path.to_owned(),
            source,
        };
        let schema = schema();
        let root = ArrowSchemaConverter::new()
            .convert(&schema)
            .map_err(parquet)?
            .root_schema_ptr();
        let properties = Arc::new(properties().map_err(parquet)?);
        let file = SerializedFileWriter::new(file, root, properties).map_err(parquet)?;
        let factory = ArrowRowGroupWriterFactory::new(&file, Arc::clone(&schema));
        Ok(Self {
            path: path.to_owned(),
            schema,
            file,
            factory,
        })
    }

    /// An encoder for the lines of one row group.
    pub fn encoder(&self, group: usize) -> Result<Encoder<'_>, BenchError> {
        let columns = self.factory.create_column_writers(group).map_err(|e| self.wrong(e))?;
        Ok(Encoder {
            writer: self,
            columns,
            segment: vec![],
            department: vec![],
            item: vec![],
            version: vec![],
            days: vec![],
            fen: vec![],
        })
    }

    /// Puts the lines of the next row group into the file.
    pub fn append(&mut self, chunks: Vec<ArrowColumnChunk>) -> Result<(), BenchError> {
        let path = self.path.clone();
        let wrong = |source| BenchError::Parquet {
            path: path.clone(),
            source,
        };
        let mut group = self.file.next_row_group().map_err(wrong)?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group).map_err(wrong)?;
        }
        group.close().map_err(wrong)?;
        Ok(())
    }

    pub fn close(self) -> Result<(), BenchError> {
        let path = self.path;
        self.file
            .close()
            .map(drop)
            .map_err(|source| BenchError::Parquet { path, source })
    }

    fn wrong(&self, source: ParquetError) -> BenchError {
        BenchError::Parquet {
            path: self.path.clone(),
            source,
        }
    }
}

/// Lines that are gathered until a batch is full, and the columns that are encoded so far.
pub struct Encoder<'w> {
    writer: &'w Writer,
    columns: Vec<ArrowColumnWriter>,
    segment: Vec<i64>,
    department: Vec<i16>,
    item: Vec<i32>,
    version: Vec<i32>,
    days: Vec<i64>,
    fen: Vec<i64>,
}

impl Encoder<'_> {
    #[inline]
    pub fn push(&mut self, line: &Line) {
        self.segment.push(line.segment);
        self.department.push(line.department);
        self.item.push(line.item);
        self.version.push(line.version);
        self.days.push(line.days);
        self.fen.push(line.amount.fen());
    }

    /// Encodes what was gathered.
    pub fn flush(&mut self) -> Result<(), BenchError> {
        let arrays: [ArrayRef; 6] = [
            Arc::new(Int64Array::from(std::mem::take(&mut self.segment))),
            Arc::new(Int16Array::from(std::mem::take(&mut self.department))),
            Arc::new(Int32Array::from(std::mem::take(&mut self.item))),
            Arc::new(Int32Array::from(std::mem::take(&mut self.version))),
            Arc::new(Int64Array::from(std::mem::take(&mut self.days))),
            Arc::new(Int64Array::from(std::mem::take(&mut self.fen))),
        ];
        let fields = self.writer.schema.fields().iter();
        for ((column, field), array) in self.columns.iter_mut().zip(fields).zip(&arrays) {
            for leaf in compute_leaves(field, array).map_err(|e| self.writer.wrong(e))? {
                column.write(&leaf).map_err(|e| self.writer.wrong(e))?;
            }
        }
        Ok(())
    }

    pub fn finish(self) -> Result<Vec<ArrowColumnChunk>, BenchError> {
        let writer = self.writer;
        self.columns
            .into_iter()
            .map(|column| column.close().map_err(|e| writer.wrong(e)))
            .collect()
    }
}
