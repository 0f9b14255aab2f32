//! Files for people: complete under their name, or not there at all.

use crate::AppError;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Removes a file that did not get its name.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Gone already once it has its name; else a leftover with a telling name is all that remains.
        let _ = fs::remove_file(&self.0);
    }
}

/// Writes a file under a name of its own beside `path` and renames it when all of it is on disk. Whatever was at
/// `path` before is replaced, or stays as it was if `write` fails.
pub(crate) fn write_whole<T>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<T, AppError>,
) -> Result<T, AppError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(AppError::io(folder))?;
    let Some(name) = path.file_name() else {
        return Err(AppError::Invalid(format!(
            "{} 不是文件名；请写明要生成的文件",
            path.display()
        )));
    };
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!(".{}.{}-{count}.unfinished", name.to_string_lossy(), std::process::id());
    let unfinished = Unfinished(folder.join(name));
    let file = File::options()
        .write(true)
        .create_new(true)
        .open(&unfinished.0)
        .map_err(AppError::io(path))?;
    let mut writer = BufWriter::new(file);
    let value = write(&mut writer)?;
    let file = writer
        .into_inner()
        .map_err(|why| AppError::io(path)(why.into_error()))?;
    file.sync_all().map_err(AppError::io(path))?;
    fs::rename(&unfinished.0, path).map_err(AppError::io(path))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_failed_file_leaves_the_old_one_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/a.csv");
        let put = |text: &'static str| {
            move |file: &mut BufWriter<File>| {
                file.write_all(text.as_bytes())
                    .map_err(AppError::io(Path::new("a.csv")))
            }
        };
        write_whole(&path, put("old")).unwrap();
        let failed = write_whole(&path, |file| {
            put("half")(file)?;
            Err::<(), _>(AppError::Invalid("no".to_owned()))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        write_whole(&path, put("new")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(&folder.path().join("below")), ["a.csv"]);
    }
}
