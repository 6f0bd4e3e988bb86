//! The service provider's keys, as files of the data folder: read, made at the first start, and changed without a moment at which a provider knows
//! neither the old nor the new one.

use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::saml::SpKeys;

const KEY: &str = "saml.key.pem";
const CERTIFICATE: &str = "saml.crt.pem";
/// Where a block of PEM text begins.
const BEGIN: &str = "-----BEGIN ";

/// Why the keys of the service provider could not be read, made or changed.
#[derive(Debug, thiserror::Error)]
#[error("the SAML keys in {path} cannot be used")]
pub struct KeysError {
    path: String,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// Reads the service provider's keys and certificates from `data_dir`, or makes the first there. The keys' file is 0600.
///
/// # Errors
/// [`KeysError`]: Usher does not start without keys.
pub fn load_or_make_sp_keys(data_dir: &Path, common_name: &str, now: Timestamp) -> Result<SpKeys, KeysError> {
    let files = Files::in_dir(data_dir);
    if !files.key.exists() {
        let made = files.make(common_name, now)?;
        files.write(&[made])?;
    }
    let [keys, certificates] = files.read()?;
    SpKeys::from_pem(&keys, &certificates).map_err(|error| files.fault(error))
}

/// Makes a new key beside the one in use, in place of whichever is beside it now. Providers can be told of it before it signs.
///
/// # Errors
/// [`KeysError`]: nothing was changed.
pub fn add_sp_key(data_dir: &Path, common_name: &str, now: Timestamp) -> Result<(), KeysError> {
    let files = Files::in_dir(data_dir);
    let mut pairs = files.pairs()?;
    pairs.truncate(1);
    pairs.push(files.make(common_name, now)?);
    files.write(&pairs)
}

/// Takes the key beside the one in use into use, and keeps the other beside it. `false`: there is none.
///
/// # Errors
/// [`KeysError`]: nothing was changed.
pub fn switch_sp_keys(data_dir: &Path) -> Result<bool, KeysError> {
    let files = Files::in_dir(data_dir);
    let mut pairs = files.pairs()?;
    if pairs.len() < 2 {
        return Ok(false);
    }
    pairs.reverse();
    files.write(&pairs)?;
    Ok(true)
}

/// A key and its certificate, both PEM.
type Pem = (String, String);

struct Files {
    key: PathBuf,
    certificate: PathBuf,
    shown: String,
}

impl Files {
    fn in_dir(data_dir: &Path) -> Self {
        Self { key: data_dir.join(KEY), certificate: data_dir.join(CERTIFICATE), shown: data_dir.display().to_string() }
    }

    fn fault(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> KeysError {
        KeysError { path: self.shown.clone(), source: source.into() }
    }

    fn make(&self, common_name: &str, now: Timestamp) -> Result<Pem, KeysError> {
        SpKeys::generate(common_name, now).map_err(|error| self.fault(error))
    }

    fn read(&self) -> Result<[String; 2], KeysError> {
        let mode = std::fs::metadata(&self.key).map_err(|error| self.fault(error))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(self.fault(format!("{KEY} can be read by others; make it 0600")));
        }
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|error| self.fault(error));
        Ok([read(&self.key)?, read(&self.certificate)?])
    }

    /// What can be used of what is there.
    fn pairs(&self) -> Result<Vec<Pem>, KeysError> {
        let [keys, certificates] = self.read()?;
        SpKeys::from_pem(&keys, &certificates).map_err(|error| self.fault(error))?;
        Ok(blocks(&keys).into_iter().zip(blocks(&certificates)).collect())
    }

    /// The certificates first: a key without one would look like a finished first start. Between the two, whoever reads refuses what does not belong
    /// together, and goes on with what it has.
    fn write(&self, pairs: &[Pem]) -> Result<(), KeysError> {
        let (keys, certificates): (Vec<&str>, Vec<&str>) =
            pairs.iter().map(|(key, certificate)| (key.as_str(), certificate.as_str())).unzip();
        write_private(&self.certificate, &certificates.concat())
            .and_then(|()| write_private(&self.key, &keys.concat()))
            .map_err(|error| self.fault(error))
    }
}

/// The blocks of a PEM text, each with its own lines.
fn blocks(pem: &str) -> Vec<String> {
    pem.split(BEGIN).skip(1).map(|block| format!("{BEGIN}{}\n", block.trim_end())).collect()
}

/// Writes a file that only its owner can read, whole or not at all.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-24T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_key_is_added_switched_to_and_kept_for_what_is_under_way() {
        let folder = tempfile::tempdir().unwrap();
        let load = || load_or_make_sp_keys(folder.path(), "auth.acme.example", now()).unwrap().certificates_der();
        let first = load();
        assert!(first.len() == 1 && !switch_sp_keys(folder.path()).unwrap());
        add_sp_key(folder.path(), "auth.acme.example", now()).unwrap();
        let both = load();
        assert_eq!((both.len(), &both[0]), (2, &first[0]));
        assert!(switch_sp_keys(folder.path()).unwrap());
        assert_eq!(load(), [both[1].clone(), both[0].clone()]);
        // The third key takes the place of the first.
        add_sp_key(folder.path(), "auth.acme.example", now()).unwrap();
        let last = load();
        assert!(last[0] == both[1] && last[1] != both[0]);
        assert_eq!(std::fs::metadata(folder.path().join(KEY)).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_others_can_read_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        load_or_make_sp_keys(folder.path(), "auth.acme.example", now()).unwrap();
        std::fs::set_permissions(folder.path().join(KEY), std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(load_or_make_sp_keys(folder.path(), "auth.acme.example", now()).is_err());
        assert!(switch_sp_keys(folder.path()).is_err());
    }
}
