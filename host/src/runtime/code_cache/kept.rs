//! The format of a file of compiled code: the engine's output, followed by a trailer with the key of
//! the binary and a checksum over everything before it.
//!
//! The engine reads its own format from the start of the file and ignores the trailer. The checksum
//! detects damage. It does not protect against a program that can write the file; the checks of the
//! directory do.

use super::key::Key;
use std::{
    fs::File,
    hash::Hasher as _,
    io::{self, Read, Seek, SeekFrom, Write},
};
use twox_hash::XxHash3_64;

const MAGIC: &[u8; 16] = b"wit-host code 1\n";
/// Magic number, key, length of the code (eight bytes), checksum (eight bytes).
const TRAILER_SIZE: usize = 16 + 32 + 8 + 8;
const CHECKSUM_SIZE: usize = 8;

/// The size of one read, in bytes. The data stays in the processor's cache until it is hashed.
const CHUNK: usize = 64 << 10;

/// An open file that holds the compiled code of a binary, complete and unchanged.
///
/// It can be given to the engine: it holds the output of [`Code::serialize`](super::code::Code) for the same
/// binary, kind of code, engine and configuration. The file is in a
/// [`PrivateDirectory`](crate::directory::private::PrivateDirectory), so only [`write()`] can have
/// written it, and it is never written again: a new file is renamed into its place.
pub(crate) struct KeptFile(File);

impl KeptFile {
    /// Verifies a file; `None` if it is incomplete, damaged, or belongs to another key.
    pub(super) fn verify(mut file: File, key: &Key) -> io::Result<Option<Self>> {
        let Some(size_of_code) = file
            .seek(SeekFrom::End(0))?
            .checked_sub(TRAILER_SIZE as u64)
        else {
            return Ok(None);
        };
        let mut expected = trailer(size_of_code, key);
        let mut found = [0; TRAILER_SIZE];
        file.seek(SeekFrom::Start(size_of_code))?;
        file.read_exact(&mut found)?;
        // These are compared before the code is read: the file may belong to another key.
        let before_checksum = ..TRAILER_SIZE - CHECKSUM_SIZE;
        if found[before_checksum] != expected[before_checksum] {
            return Ok(None);
        }
        file.rewind()?;
        seal(&mut expected, hash_of((&mut file).take(size_of_code))?);
        Ok((found == expected).then_some(Self(file)))
    }

    /// The open file. Its position is unspecified.
    pub(super) fn file(&self) -> &File {
        &self.0
    }
}

/// Writes code and trailer.
pub(super) fn write(mut file: impl Write, code: &[u8], key: &Key) -> io::Result<()> {
    let mut trailer = trailer(code.len() as u64, key);
    seal(&mut trailer, hash_of(code)?);
    file.write_all(code)?;
    file.write_all(&trailer)
}

fn trailer(size_of_code: u64, key: &Key) -> [u8; TRAILER_SIZE] {
    let mut trailer = [0; TRAILER_SIZE];
    let mut rest = trailer.as_mut_slice();
    for field in [&MAGIC[..], &key.0, &size_of_code.to_le_bytes()] {
        let (place, behind) = rest.split_at_mut(field.len());
        place.copy_from_slice(field);
        rest = behind;
    }
    trailer
}

/// Sets the checksum, which covers the code and the other fields of the trailer.
fn seal(trailer: &mut [u8; TRAILER_SIZE], mut hash_of_code: XxHash3_64) {
    let (fields, checksum) = trailer.split_at_mut(TRAILER_SIZE - CHECKSUM_SIZE);
    hash_of_code.write(fields);
    checksum.copy_from_slice(&hash_of_code.finish().to_le_bytes());
}

fn hash_of(mut code: impl Read) -> io::Result<XxHash3_64> {
    let mut hash = XxHash3_64::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match code.read(&mut chunk)? {
            0 => return Ok(hash),
            length => hash.write(&chunk[..length]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key([7; 32]);

    fn is_taken(bytes: &[u8], key: &Key) -> bool {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("it is ours");
        let verified = KeptFile::verify(file, key).expect("it can be read");
        verified.is_some()
    }

    fn kept(length: usize) -> Vec<u8> {
        let code: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let mut file = Vec::new();
        write(&mut file, &code, &KEY).expect("a vector has room");
        file
    }

    #[test]
    fn a_file_is_accepted_only_for_its_own_key() {
        for length in [0, 1, CHUNK - 1, CHUNK, 3 * CHUNK + 1] {
            let file = kept(length);
            assert!(is_taken(&file, &KEY), "{length}");
            assert!(!is_taken(&file, &Key([8; 32])), "{length}");
        }
    }

    #[test]
    fn every_changed_bit_every_truncation_and_every_addition_is_refused() {
        let file = kept(100);
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut changed = file.clone();
                changed[at] ^= 1 << bit;
                assert!(!is_taken(&changed, &KEY), "byte {at}, bit {bit}");
            }
            assert!(!is_taken(&file[..at], &KEY), "cut at {at}");
        }
        assert!(!is_taken(&[&file[..], b"\0"].concat(), &KEY));
        assert!(!is_taken(&[b"\0", &file[..]].concat(), &KEY));
    }
}
