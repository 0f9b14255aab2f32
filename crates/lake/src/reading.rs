//! Reading one file: its notes, and its row groups one at a time, each only after its seal was found whole.

use crate::batch::Batch;
use crate::error::damaged;
use crate::name::check_path;
use crate::writing::{KEY_DATASET, KEY_DIGEST, KEY_FORMAT, KEY_SEALS, digest_of};
use crate::{Dataset, FORMAT, LakeError, ROW_GROUP_ROWS};
use arrow_schema::{DataType, Field, Schema};
use kernel::Digest;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// An open file whose notes, schema and outline were found right.
pub(crate) struct Reading<'p> {
    path: &'p str,
    file: File,
    metadata: ArrowReaderMetadata,
    notes: BTreeMap<String, String>,
    digest: Digest,
    groups: Vec<Group>,
}

/// One row group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    place: usize,
    /// Number of its first row in the file, from 1.
    pub(crate) first_line: u64,
    /// How many rows it has.
    pub(crate) rows: usize,
    from: u64,
    to: u64,
    seal: Digest,
}

impl Group {
    /// Number of its last row in the file, from 1.
    pub(crate) fn last_line(&self) -> u64 {
        self.first_line + u64::try_from(self.rows).unwrap_or(u64::MAX) - 1
    }
}

impl<'p> Reading<'p> {
    /// Opens a file that must be of this dataset and have these columns.
    pub(crate) fn open(root: &Path, path: &'p str, dataset: Dataset, schema: &Schema) -> Result<Self, LakeError> {
        check_path(path)?;
        let file = File::open(root.join(path)).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => LakeError::Missing { path: path.to_owned() },
            _ => LakeError::Io {
                doing: "打开",
                path: path.to_owned(),
                source,
            },
        })?;
        check_footer(&file)
            .map_err(|source| LakeError::Io {
                doing: "读取",
                path: path.to_owned(),
                source,
            })?
            .ok_or_else(|| damaged(path, "文件尾与其摘要不符，或不是用量湖的文件"))?;
        let options = || ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let unreadable = |error| damaged(path, format!("不是完整的 Parquet 文件: {error}"));
        let plain = ArrowReaderMetadata::load(&file, options()).map_err(unreadable)?;
        let notes: BTreeMap<String, String> = plain
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .into_iter()
            .flatten()
            .filter_map(|note| Some((note.key.clone(), note.value.clone()?)))
            .collect();
        check_kind(path, &notes, dataset)?;
        if plain.schema().fields() != schema.fields() {
            return Err(foreign(path, dataset, "列与本版本不同".to_owned()));
        }
        let hint = Arc::new(Schema::new(
            schema.fields().iter().map(|f| as_dictionary(f)).collect::<Vec<_>>(),
        ));
        let metadata = ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options().with_schema(hint));
        let metadata = metadata.map_err(unreadable)?;
        let note = |key: &str| notes.get(key).ok_or_else(|| damaged(path, format!("缺少标注 {key}")));
        let digest = note(KEY_DIGEST)?
            .parse()
            .map_err(|error: String| damaged(path, error))?;
        let groups = outline(path, &metadata, note(KEY_SEALS)?)?;
        Ok(Self {
            path,
            file,
            metadata,
            digest,
            groups,
            notes,
        })
    }

    /// A note of the writer.
    pub(crate) fn note<T: std::str::FromStr>(&self, key: &str) -> Result<T, LakeError> {
        let value = self.notes.get(key).and_then(|text| text.parse().ok());
        value.ok_or_else(|| damaged(self.path, format!("标注 {key} 缺失或不可读")))
    }

    /// The row groups, in order.
    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.groups.iter().map(|group| group.rows).sum()
    }

    /// Checks what was read against the digest the writer left.
    pub(crate) fn check(&self, digest: Digest) -> Result<(), LakeError> {
        if digest == self.digest {
            Ok(())
        } else {
            Err(damaged(self.path, "内容摘要与标注不符"))
        }
    }

    /// The rows of a group, after its bytes were found to be those that were written.
    pub(crate) fn group(&self, group: &Group) -> Result<Batch<'p>, LakeError> {
        let io = |source| LakeError::Io {
            doing: "读取",
            path: self.path.to_owned(),
            source,
        };
        let mut file = self.file.try_clone().map_err(io)?;
        file.seek(SeekFrom::Start(group.from)).map_err(io)?;
        if digest_of(&mut file.take(group.to - group.from)).map_err(io)? != group.seal {
            return Err(damaged(
                self.path,
                format!("第 {} 组数据的摘要与标注不符", group.place + 1),
            ));
        }
        let file = self.file.try_clone().map_err(io)?;
        let unreadable = |error: String| damaged(self.path, format!("第 {} 组数据不可读: {error}", group.place + 1));
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mut batches = builder
            .with_row_groups(vec![group.place])
            .with_batch_size(group.rows)
            .build()
            .map_err(|error| unreadable(error.to_string()))?;
        let batch = batches.next().ok_or_else(|| unreadable("没有数据".to_owned()))?;
        let batch = batch.map_err(|error| unreadable(error.to_string()))?;
        if batch.num_rows() != group.rows {
            return Err(unreadable(format!(
                "应有 {} 行，实有 {} 行",
                group.rows,
                batch.num_rows()
            )));
        }
        Ok(Batch::new(self.path, batch))
    }
}

/// Checks the footer against the digest before it; none if they differ or there is no footer.
fn check_footer(mut file: &File) -> io::Result<Option<()>> {
    const DIGEST_BYTES: u64 = 64;
    const TAIL_BYTES: u64 = 8;
    let size = file.metadata()?.len();
    let Some(tail) = size.checked_sub(TAIL_BYTES) else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(tail))?;
    let mut length = [0; 4];
    file.read_exact(&mut length)?;
    let footer = tail.checked_sub(u64::from(u32::from_le_bytes(length)));
    let Some(digest_at) = footer.and_then(|footer| footer.checked_sub(DIGEST_BYTES)) else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(digest_at))?;
    let mut digest = [0; 64];
    file.read_exact(&mut digest)?;
    Ok((digest_of(&mut file)?.to_string().as_bytes() == digest).then_some(()))
}

fn foreign(path: &str, dataset: Dataset, found: String) -> LakeError {
    LakeError::Foreign {
        path: path.to_owned(),
        expected: dataset.word(),
        found,
    }
}

fn check_kind(path: &str, notes: &BTreeMap<String, String>, dataset: Dataset) -> Result<(), LakeError> {
    let is = |key: &str, wanted: &str| match notes.get(key) {
        Some(found) if found == wanted => Ok(()),
        Some(found) => Err(foreign(path, dataset, format!("{key} 是 {found}，应为 {wanted}"))),
        None => Err(foreign(path, dataset, format!("没有标注 {key}"))),
    };
    is(KEY_FORMAT, FORMAT)?;
    is(KEY_DATASET, dataset.word())
}

/// Text is asked for as the dictionary it is stored as, so that a name is looked at once for each row group.
fn as_dictionary(field: &Field) -> Field {
    match field.data_type() {
        DataType::Utf8 => {
            let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            field.clone().with_data_type(dictionary)
        }
        _ => field.clone(),
    }
}

/// Puts the row groups and their seals together.
fn outline(path: &str, metadata: &ArrowReaderMetadata, seals: &str) -> Result<Vec<Group>, LakeError> {
    let unclear = || damaged(path, "数据组与标注不符");
    let row_groups = metadata.metadata().row_groups();
    let seals: Vec<&str> = seals.split(',').filter(|seal| !seal.is_empty()).collect();
    if seals.len() != row_groups.len() {
        return Err(unclear());
    }
    let (mut from, mut first_line) = (0, 1);
    let mut groups = Vec::with_capacity(seals.len());
    for (place, (row_group, seal)) in row_groups.iter().zip(seals).enumerate() {
        let (to, seal) = seal.split_once(':').ok_or_else(unclear)?;
        let (to, seal) = (
            to.parse::<u64>().map_err(|_| unclear())?,
            seal.parse().map_err(|_| unclear())?,
        );
        let rows = usize::try_from(row_group.num_rows()).map_err(|_| unclear())?;
        if to < from || rows == 0 || rows > ROW_GROUP_ROWS {
            return Err(unclear());
        }
        let group = Group {
            place,
            first_line,
            rows,
            from,
            to,
            seal,
        };
        first_line = group.last_line() + 1;
        from = to;
        groups.push(group);
    }
    Ok(groups)
}
