//! Keys from a file that an operator or a tool replaces.

use core::time::Duration;
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use counterfoil::Error;

use super::keeper::Keeper;
use super::{KeyFailure, Shared};
use crate::error::ConfigError;

/// Looking means asking for its size and time: cheap.
const EVERY: Duration = Duration::from_secs(1);
/// A set of 32 keys with their certificates has less.
const LARGEST: u64 = 1024 * 1024;

/// What tells one content of a file from another without reading it.
type Stamp = (Option<SystemTime>, u64);

pub(super) struct WatchedFile {
    path: PathBuf,
    /// Of the set in use; `None` after one that could not be used, which is read again until it can.
    stamp: Option<Stamp>,
    looked: Instant,
}

impl WatchedFile {
    pub(super) fn open(path: PathBuf, shared: &Shared) -> Result<Self, ConfigError> {
        let mut file = Self { path, stamp: None, looked: Instant::now() };
        let about = |file: &Self, failure: KeyFailure| format!("{}: {failure}", file.path.display());
        match file.look(shared) {
            Ok(()) => Ok(file),
            Err(failure @ KeyFailure::Set(error)) => Err(ConfigError::new(error, about(&file, failure))),
            Err(failure) => Err(ConfigError::new(Error::MaterialUnusable, about(&file, failure))),
        }
    }

    fn read(&self) -> std::io::Result<Option<(Stamp, Vec<u8>)>> {
        let metadata = std::fs::metadata(&self.path)?;
        let stamp = (metadata.modified().ok(), metadata.len());
        if self.stamp == Some(stamp) {
            return Ok(None);
        }
        if metadata.len() > LARGEST {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        Ok(Some((stamp, std::fs::read(&self.path)?)))
    }
}

impl Keeper for WatchedFile {
    fn next_look(&self, _wanted: bool) -> Instant {
        self.looked + EVERY
    }

    fn look(&mut self, shared: &Shared) -> Result<(), KeyFailure> {
        self.looked = Instant::now();
        let read = self.read().map_err(|error| KeyFailure::File(error.kind()))?;
        let Some((stamp, text)) = read else { return Ok(()) };
        self.stamp = None;
        shared.replace(&text).map_err(KeyFailure::Set)?;
        self.stamp = Some(stamp);
        Ok(())
    }
}
