//! Names of files: `charges/month=2026-03/<key>.parquet`.

use crate::LakeError;
use kernel::Month;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dataset {
    /// Usage intervals.
    Usage,
    /// Charge lines.
    Charges,
    /// Lines of a provider's bill.
    Bills,
    /// Differences between bill and charges.
    Differences,
    /// Measured values.
    Samples,
}

impl Dataset {
    /// Every dataset.
    pub const ALL: [Self; 5] = [
        Self::Usage,
        Self::Charges,
        Self::Bills,
        Self::Differences,
        Self::Samples,
    ];

    /// The folder of its files, and the word inside them.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Charges => "charges",
            Self::Bills => "bills",
            Self::Differences => "differences",
            Self::Samples => "samples",
        }
    }
}

/// The name of a file within its dataset: the month it is about, and a key such as the id of the run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LakeName {
    month: Month,
    key: String,
}

/// Longest key, in bytes.
const KEY_MAX_LEN: usize = 128;

impl LakeName {
    /// From a month and a key. Errors: a key that is not 1 to 128 of `A-Z a-z 0-9 . _ -`, or begins with a dot.
    pub fn new(month: Month, key: &str) -> Result<Self, LakeError> {
        if !is_plain(key) || key.len() > KEY_MAX_LEN {
            return Err(LakeError::Name { name: key.to_owned() });
        }
        Ok(Self {
            month,
            key: key.to_owned(),
        })
    }

    /// The month.
    pub const fn month(&self) -> Month {
        self.month
    }

    /// The path of the file, relative to the lake's folder, with `/` on every system.
    pub fn path(&self, dataset: Dataset) -> String {
        format!("{}/month={}/{}.parquet", dataset.word(), self.month, self.key)
    }
}

fn is_plain(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    !text.is_empty() && !text.starts_with('.') && text.bytes().all(plain)
}

/// Checks that a path given to us stays in the folder: plain names between single slashes.
pub(crate) fn check_path(path: &str) -> Result<(), LakeError> {
    let inside = path.split('/').all(|part| is_plain(&part.replacen('=', "", 1)));
    if inside {
        Ok(())
    } else {
        Err(LakeError::Name { name: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_of_a_name() {
        let name = LakeName::new("2026-03".parse().unwrap(), "run_01ab").unwrap();
        assert_eq!(name.path(Dataset::Charges), "charges/month=2026-03/run_01ab.parquet");
        for dataset in Dataset::ALL {
            assert!(check_path(&name.path(dataset)).is_ok());
        }
    }

    #[test]
    fn nothing_leads_out_of_the_folder() {
        let month: Month = "2026-03".parse().unwrap();
        for bad in ["", ".", "..", "../x", "a/b", "a\\b", ".hidden", "a b", "单", "a\0b"] {
            assert!(LakeName::new(month, bad).is_err(), "{bad:?}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "../x.parquet",
            "usage/../../x",
            "usage//x",
            "usage/./x",
            "C:\\x",
            "usage/=..",
        ] {
            assert!(check_path(bad).is_err(), "{bad:?}");
        }
    }
}
