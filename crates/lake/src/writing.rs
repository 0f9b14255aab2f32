//! Writing one file: encode by row group, seal each, sync, and only then give it its name.
//!
//! A seal is the digest of the bytes of one row group; it stands in the file's notes, which are part of the footer. The
//! digest of the footer stands, as text, in the 64 bytes before it, which no Parquet reader looks at. So whoever reads can check
//! every byte before it is decoded, and reading a single line is as safe as reading the whole file.

use crate::column::{Column, schema_of};
use crate::{Dataset, FORMAT, LakeError};
use kernel::{Digest, Digester};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Key of the format version.
pub(crate) const KEY_FORMAT: &str = "yunheng.format";
/// Key of the dataset's word.
pub(crate) const KEY_DATASET: &str = "yunheng.dataset";
/// Key of the digest over all rows.
pub(crate) const KEY_DIGEST: &str = "yunheng.digest";
/// Key of the seals: for each row group the offset after it and the digest of its bytes, `offset:digest`, by comma.
pub(crate) const KEY_SEALS: &str = "yunheng.seals";
/// Ending of files that are not finished.
pub(crate) const UNFINISHED: &str = "unfinished";

/// Large enough for the names of a whole row group, so that no text column falls back to plain encoding.
const DICTIONARY_BYTES: usize = 32 * 1024 * 1024;

/// What is written: columns over rows, and what describes them.
pub(crate) struct Content<'a> {
    pub(crate) dataset: Dataset,
    pub(crate) columns: Vec<Column<'a>>,
    pub(crate) rows: usize,
    pub(crate) digest: Digest,
    pub(crate) notes: Vec<(&'static str, String)>,
}

/// A file that takes a digest of what passes, and at last holds the footer back until its digest is written.
struct Sealing {
    file: File,
    written: u64,
    digester: Digester,
    footer: Option<Vec<u8>>,
}

impl Sealing {
    /// The offset after, and the digest of, everything since the seal before.
    fn seal(&mut self) -> (u64, Digest) {
        (self.written, std::mem::take(&mut self.digester).finish())
    }

    /// Writes the footer that was held back, after its digest.
    fn finish(mut self) -> io::Result<File> {
        let footer = self.footer.unwrap_or_default();
        self.file.write_all(Digest::of(&footer).to_string().as_bytes())?;
        self.file.write_all(&footer)?;
        Ok(self.file)
    }
}

impl Write for Sealing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(footer) = &mut self.footer {
            footer.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        let count = self.file.write(bytes)?;
        self.digester.raw(bytes.get(..count).unwrap_or_default());
        self.written += u64::try_from(count).unwrap_or_default();
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Removes a file that did not get its name.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Gone already once it has its name; else nothing more can be done than to leave it to the next cleaning.
        let _ = fs::remove_file(&self.0);
    }
}

/// Writes a file and gives it its name. Answers how many bytes it has.
///
/// The same bytes under the same name already: nothing happens. Other bytes: [`LakeError::Exists`].
pub(crate) fn write_file(root: &Path, path: &str, content: &Content<'_>, group_rows: usize) -> Result<u64, LakeError> {
    let target = root.join(path);
    let folder = target.parent().unwrap_or(root);
    let io = |doing: &'static str| {
        move |source| LakeError::Io {
            doing,
            path: path.to_owned(),
            source,
        }
    };
    make_folder(root, folder).map_err(io("建立目录"))?;
    let unfinished = Unfinished(unfinished_name(&target));
    let file = File::options()
        .write(true)
        .create_new(true)
        .open(&unfinished.0)
        .map_err(io("新建"))?;
    let file = encode(file, content, group_rows).map_err(|source| LakeError::Encode {
        path: path.to_owned(),
        source,
    })?;
    file.sync_all().map_err(io("保存"))?;
    let bytes = file.metadata().map_err(io("读取"))?.len();
    // A link, unlike a renaming, refuses to take the place of a file that is there.
    match fs::hard_link(&unfinished.0, &target) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if !same_bytes(&unfinished.0, &target).map_err(io("读取"))? {
                return Err(LakeError::Exists { path: path.to_owned() });
            }
        }
        Err(error) => return Err(io("命名")(error)),
    }
    drop(unfinished);
    sync_folder(folder).map_err(io("保存目录"))?;
    Ok(bytes)
}

/// A name beside the target that no other writer has, in this process or another.
fn unfinished_name(target: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    target.with_extension(format!("{}-{count}.{UNFINISHED}", std::process::id()))
}

/// Makes a folder and saves the entries that lead to it.
fn make_folder(root: &Path, folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    let inside = folder.ancestors().skip(1).take_while(|parent| parent.starts_with(root));
    inside.into_iter().try_for_each(sync_folder)
}

/// Makes the entries of a folder last.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn same_bytes(a: &Path, b: &Path) -> io::Result<bool> {
    let digest = |path: &Path| {
        let mut file = File::open(path)?;
        digest_of(&mut file)
    };
    Ok(fs::metadata(a)?.len() == fs::metadata(b)?.len() && digest(a)? == digest(b)?)
}

/// The digest of everything a reader still gives.
pub(crate) fn digest_of(reader: &mut impl Read) -> io::Result<Digest> {
    let mut digester = Digester::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            return Ok(digester.finish());
        }
        digester.raw(buffer.get(..count).unwrap_or_default());
    }
}

fn properties(content: &Content<'_>) -> Result<WriterProperties, ParquetError> {
    let note = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
    let mut notes = vec![
        note(KEY_FORMAT, FORMAT.to_owned()),
        note(KEY_DATASET, content.dataset.word().to_owned()),
        note(KEY_DIGEST, content.digest.to_string()),
    ];
    notes.extend(content.notes.iter().map(|(key, value)| note(key, value.clone())));
    let line = ColumnPath::from("line");
    Ok(WriterProperties::builder()
        .set_created_by(FORMAT.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_column_dictionary_enabled(line.clone(), false)
        .set_column_encoding(line, Encoding::DELTA_BINARY_PACKED)
        .set_key_value_metadata(Some(notes))
        .build())
}

fn encode(file: File, content: &Content<'_>, group_rows: usize) -> Result<File, ParquetError> {
    let schema = schema_of(&content.columns);
    let parquet_schema = ArrowSchemaConverter::new().schema_root("lake").convert(&schema)?;
    let properties = Arc::new(properties(content)?);
    let sealing = Sealing {
        file,
        written: 0,
        digester: Digester::new(),
        footer: None,
    };
    let mut writer = SerializedFileWriter::new(sealing, parquet_schema.root_schema_ptr(), properties)?;
    let factory = ArrowRowGroupWriterFactory::new(&writer, schema);
    let mut seals = Vec::new();
    for (place, start) in (0..content.rows).step_by(group_rows).enumerate() {
        let rows = start..content.rows.min(start + group_rows);
        let encoders = factory.create_column_writers(place)?;
        let pairs = encoders.into_par_iter().zip(content.columns.par_iter());
        let chunks: Vec<_> = pairs
            .map(|(encoder, column)| chunk(encoder, column, rows.clone()))
            .collect();
        let mut group = writer.next_row_group()?;
        for chunk in chunks {
            chunk?.append_to_row_group(&mut group)?;
        }
        group.close()?;
        writer.flush()?;
        let (end, digest) = writer.inner_mut().seal();
        seals.push(format!("{end}:{digest}"));
    }
    writer.append_key_value_metadata(KeyValue::new(KEY_SEALS.to_owned(), seals.join(",")));
    writer.flush()?;
    writer.inner_mut().footer = Some(Vec::new());
    Ok(writer.into_inner()?.finish()?)
}

fn chunk(
    mut encoder: ArrowColumnWriter,
    column: &Column<'_>,
    rows: std::ops::Range<usize>,
) -> Result<ArrowColumnChunk, ParquetError> {
    for leaf in compute_leaves(&column.field(), &column.cells(rows))? {
        encoder.write(&leaf)?;
    }
    encoder.close()
}
