//! The folder: opening it, what lies in it, and removing what nobody published.

use crate::name::check_path;
use crate::writing::{Content, UNFINISHED, sync_folder, write_file};
use crate::{Dataset, LakeError, LakeName, ROW_GROUP_ROWS};
use kernel::Digest;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A usage lake in a folder.
///
/// Example: `Lake::open(Path::new("lake"))?.write_charges(&LakeName::new(month, "run_…")?, &table)?`.
#[derive(Debug, Clone)]
pub struct Lake {
    root: PathBuf,
    group_rows: usize,
}

/// A file that was written, as the store's manifest keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeFile {
    /// Path relative to the lake's folder, with `/` on every system.
    pub path: String,
    /// How many rows it has.
    pub rows: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// Digest over its rows: for usage and charges that of the table.
    pub digest: Digest,
}

impl Lake {
    /// Opens the lake in a folder, which is made if it is not there.
    pub fn open(root: &Path) -> Result<Self, LakeError> {
        let io = |source| LakeError::Io {
            doing: "打开目录",
            path: root.display().to_string(),
            source,
        };
        fs::create_dir_all(root).map_err(io)?;
        Ok(Self {
            root: root.canonicalize().map_err(io)?,
            group_rows: ROW_GROUP_ROWS,
        })
    }

    /// The same lake with smaller row groups.
    #[cfg(test)]
    pub(crate) fn with_group_rows(self, group_rows: usize) -> Self {
        Self { group_rows, ..self }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every file in the lake, finished or not, by path.
    pub fn files(&self) -> Result<BTreeSet<String>, LakeError> {
        let mut files = BTreeSet::new();
        for dataset in Dataset::ALL {
            self.list(dataset.word(), &mut files)?;
        }
        Ok(files)
    }

    /// Files that are not among the published ones: left by a run that was killed, or by one that is still running.
    ///
    /// Whoever removes them must know that no run is writing.
    pub fn orphans(&self, published: &BTreeSet<String>) -> Result<BTreeSet<String>, LakeError> {
        Ok(self
            .files()?
            .into_iter()
            .filter(|path| !published.contains(path))
            .collect())
    }

    /// Removes files. One that is gone already is no error.
    pub fn remove<'a>(&self, paths: impl IntoIterator<Item = &'a String>) -> Result<(), LakeError> {
        for path in paths {
            check_path(path)?;
            let target = self.root.join(path);
            let io = |source| LakeError::Io {
                doing: "删除",
                path: path.clone(),
                source,
            };
            match fs::remove_file(&target) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
                _ => {}
            }
            if let Some(folder) = target.parent().filter(|folder| folder.is_dir()) {
                sync_folder(folder).map_err(io)?;
            }
        }
        Ok(())
    }

    fn list(&self, folder: &str, files: &mut BTreeSet<String>) -> Result<(), LakeError> {
        let io = |source| LakeError::Io {
            doing: "列出",
            path: folder.to_owned(),
            source,
        };
        let entries = match fs::read_dir(self.root.join(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(io)?,
        };
        for entry in entries {
            let entry = entry.map_err(io)?;
            // What has no name of ours was not put here by us, and is left alone.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = format!("{folder}/{name}");
            if check_path(&path).is_err() {
                continue;
            }
            if entry.file_type().map_err(io)?.is_dir() {
                self.list(&path, files)?;
            } else if name.ends_with(".parquet") || name.ends_with(UNFINISHED) {
                files.insert(path);
            }
        }
        Ok(())
    }

    pub(crate) fn write(&self, name: &LakeName, content: &Content<'_>) -> Result<LakeFile, LakeError> {
        let path = name.path(content.dataset);
        let bytes = write_file(&self.root, &path, content, self.group_rows)?;
        let rows = u64::try_from(content.rows).unwrap_or(u64::MAX);
        Ok(LakeFile {
            path,
            rows,
            bytes,
            digest: content.digest,
        })
    }
}
