//! Flat artifacts as the service writes them (src/catalog/artifacts/artifact-file.ts): arrays, then a directory in JSON.
//! The digest is not checked here: the service did that when it opened the same file.
use serde_json::Value;
use std::fs::{File, read_to_string};
use std::io::{Error, Result};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Bytes behind the directory: its length (u32), then a digest in 16 hex digits.
const TAIL_BYTES: u64 = 20;

pub struct Artifact {
    file: File,
    pub metadata: Value,
    sections: Value,
}

/// A number as artifacts hold it, little endian.
pub trait Number: Copy + Default {
    const BYTES: usize;
}
macro_rules! numbers {
    ($($type:ty),*) => { $(impl Number for $type { const BYTES: usize = size_of::<$type>(); })* };
}
numbers!(u8, u16, u32, i32, f32, f64);

impl Artifact {
    /// The current version of a kind of artifact in `artifacts`.
    pub fn current(artifacts: &Path, kind: &str) -> Result<Artifact> {
        let folder = artifacts.join(kind);
        let version = read_to_string(folder.join("CURRENT"))?;
        Artifact::open(&folder.join(format!("{}.bin", version.trim())))
    }

    fn open(path: &Path) -> Result<Artifact> {
        let file = File::open(path)?;
        let end = file.metadata()?.len() - TAIL_BYTES;
        let mut length = [0; 4];
        file.read_exact_at(&mut length, end)?;
        let length = u32::from_le_bytes(length) as usize;
        let mut text = vec![0; length];
        file.read_exact_at(&mut text, end - length as u64)?;
        let mut directory: Value = serde_json::from_slice(&text)?;
        let (metadata, sections) = (directory["metadata"].take(), directory["sections"].take());
        Ok(Artifact {
            file,
            metadata,
            sections,
        })
    }

    pub fn read<T: Number>(&self, name: &str) -> Result<Vec<T>> {
        let section = &self.sections[name];
        let length = section["length"]
            .as_u64()
            .ok_or_else(|| Error::other(format!("no array {name}")))?;
        self.read_range(name, 0, length as usize)
    }

    /// `count` elements from `start` on.
    pub fn read_range<T: Number>(&self, name: &str, start: usize, count: usize) -> Result<Vec<T>> {
        let offset = self.offset(name)?;
        let mut values = vec![T::default(); count];
        self.read_into(offset, start, &mut values)?;
        Ok(values)
    }

    /// Where an array begins in the file.
    pub fn offset(&self, name: &str) -> Result<u64> {
        self.sections[name]["byteOffset"]
            .as_u64()
            .ok_or_else(|| Error::other(format!("no array {name}")))
    }

    pub fn read_into<T: Number>(&self, offset: u64, start: usize, out: &mut [T]) -> Result<()> {
        // SAFETY: every bit pattern is a value of these types, and the slice covers exactly the memory of `out`.
        let bytes = unsafe {
            std::slice::from_raw_parts_mut(out.as_mut_ptr().cast::<u8>(), size_of_val(out))
        };
        self.file
            .read_exact_at(bytes, offset + (start * T::BYTES) as u64)
    }
}
