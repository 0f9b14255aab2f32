//! Taking a delivery: every check against the manifest, then the rows.

use super::{Delivery, FORMAT, FileFaults, Manifest, ManifestFile, NumberedError, rows};
use domain::collect::{Look, Observation, Sample};
use kernel::{Digest, Digester, Faults};
use std::fs::File;
use std::io::{ErrorKind, Read as _};

/// Bytes of a manifest at most.
const MANIFEST_MAX: u64 = 1 << 20;
/// Bytes of a data file at most.
const FILE_MAX: u64 = 256 << 20;

/// One file as it was delivered, for the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFile {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A delivery that agrees with its manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// What the provider said it delivered.
    pub manifest: Manifest,
    /// What it says of the node.
    pub look: Look,
    /// The manifest and the files it names, in its order.
    pub raw: Vec<RawFile>,
    /// Digest of the names and bytes of all files, the manifest's too.
    pub digest: Digest,
}

/// Reads a delivery and checks all of it.
///
/// Errors: the first thing that does not agree with the manifest; or, if all of that agrees, every fault of every row.
pub fn read(delivery: &Delivery) -> Result<Received, NumberedError> {
    let manifest_bytes = load(delivery, &delivery.manifest_name(), MANIFEST_MAX)?;
    let manifest = parse_manifest(delivery, &manifest_bytes)?;
    let (inventory_file, samples_file) = named_files(delivery, &manifest)?;

    let mut faulty = Vec::new();
    let inventory = load_checked(delivery, inventory_file)?;
    let observations = read_rows(inventory_file, &inventory, rows::inventory, &mut faulty)?;
    let samples_bytes = samples_file.map(|file| load_checked(delivery, file)).transpose()?;
    let samples = match samples_file.zip(samples_bytes.as_ref()) {
        Some((file, bytes)) => read_rows(file, bytes, rows::samples, &mut faulty)?,
        None => Vec::new(),
    };
    if !faulty.is_empty() {
        return Err(NumberedError::Faulty(faulty));
    }

    let mut raw = vec![
        RawFile {
            name: delivery.manifest_name(),
            bytes: manifest_bytes,
        },
        RawFile {
            name: inventory_file.name.clone(),
            bytes: inventory,
        },
    ];
    if let Some((file, bytes)) = samples_file.zip(samples_bytes) {
        raw.push(RawFile {
            name: file.name.clone(),
            bytes,
        });
    }
    let digest = digest_of(&manifest, raw.first());
    let look: Look = look(&manifest, observations, samples);
    Ok(Received {
        manifest,
        look,
        raw,
        digest,
    })
}

fn look(manifest: &Manifest, observations: Vec<Observation>, samples: Vec<Sample>) -> Look {
    Look {
        taken_at: manifest.taken_at,
        kind: manifest.kind,
        observations,
        samples,
    }
}

/// The manifest's bytes hold the digests of the other files, which were checked; hashing those again adds nothing.
fn digest_of(manifest: &Manifest, manifest_file: Option<&RawFile>) -> Digest {
    let mut digester = Digester::new();
    digester.text(FORMAT);
    if let Some(file) = manifest_file {
        digester.text(&file.name).text(&Digest::of(&file.bytes).to_string());
    }
    for file in &manifest.files {
        digester.text(&file.name).text(&file.sm3.to_string());
    }
    digester.finish()
}

fn parse_manifest(delivery: &Delivery, bytes: &[u8]) -> Result<Manifest, NumberedError> {
    let file = || delivery.manifest_name();
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| NumberedError::Manifest {
        file: file(),
        cause: error.to_string(),
    })?;
    let agrees = |what, expected: String, found: String| {
        if expected == found {
            Ok(())
        } else {
            Err(NumberedError::Mismatch {
                file: file(),
                what,
                expected,
                found,
            })
        }
    };
    agrees("格式", FORMAT.to_owned(), manifest.format.clone())?;
    agrees("节点代码", delivery.node.to_string(), manifest.node.to_string())?;
    agrees("批次号", delivery.sequence.to_string(), manifest.sequence.to_string())?;
    Ok(manifest)
}

/// The inventory and the samples of a manifest. No other name is accepted, so no name leads out of the folder.
fn named_files<'m>(
    delivery: &Delivery,
    manifest: &'m Manifest,
) -> Result<(&'m ManifestFile, Option<&'m ManifestFile>), NumberedError> {
    let (inventory, samples) = (delivery.inventory_name(), delivery.samples_name());
    let wrong = |expected: &str, found: &str| NumberedError::Mismatch {
        file: delivery.manifest_name(),
        what: "文件列表",
        expected: expected.to_owned(),
        found: found.to_owned(),
    };
    let files = match manifest.files.as_slice() {
        [only] if only.name == inventory => (only, None),
        [first, second] if first.name == inventory && second.name == samples => (first, Some(second)),
        [first, second] if first.name == samples && second.name == inventory => (second, Some(first)),
        others => {
            let found: Vec<_> = others.iter().map(|file| file.name.as_str()).collect();
            return Err(wrong(&format!("{inventory}（可另有 {samples}）"), &found.join("、")));
        }
    };
    if files.1.is_none() && delivery.path(&samples).exists() {
        return Err(NumberedError::Unlisted { file: samples });
    }
    Ok(files)
}

fn load_checked(delivery: &Delivery, file: &ManifestFile) -> Result<Vec<u8>, NumberedError> {
    if file.bytes > FILE_MAX {
        return Err(NumberedError::TooLarge {
            file: file.name.clone(),
            limit: FILE_MAX,
        });
    }
    let bytes = load(delivery, &file.name, FILE_MAX)?;
    let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if found != file.bytes {
        return Err(NumberedError::Size {
            file: file.name.clone(),
            expected: file.bytes,
            found,
        });
    }
    if Digest::of(&bytes) != file.sm3 {
        return Err(NumberedError::Altered {
            file: file.name.clone(),
        });
    }
    Ok(bytes)
}

fn load(delivery: &Delivery, name: &str, limit: u64) -> Result<Vec<u8>, NumberedError> {
    let io = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound => NumberedError::Missing { file: name.to_owned() },
        _ => NumberedError::Io {
            file: name.to_owned(),
            source,
        },
    };
    let file = File::open(delivery.path(name)).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(limit)).unwrap_or(0));
    let read = file.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > limit {
        return Err(NumberedError::TooLarge {
            file: name.to_owned(),
            limit,
        });
    }
    Ok(bytes)
}

/// Reads the rows of one file. Faults go to the list; only a wrong count of otherwise sound rows is an error of its own.
fn read_rows<T>(
    file: &ManifestFile,
    bytes: &[u8],
    parse: fn(&[u8], &mut Faults) -> Vec<T>,
    faulty: &mut Vec<FileFaults>,
) -> Result<Vec<T>, NumberedError> {
    let mut faults = Faults::new();
    let parsed = parse(bytes, &mut faults);
    if !faults.is_empty() {
        faulty.push(FileFaults::of(&file.name, &faults));
        return Ok(Vec::new());
    }
    let found = u64::try_from(parsed.len()).unwrap_or(u64::MAX);
    if found != file.rows {
        return Err(NumberedError::RowCount {
            file: file.name.clone(),
            expected: file.rows,
            found,
        });
    }
    Ok(parsed)
}
