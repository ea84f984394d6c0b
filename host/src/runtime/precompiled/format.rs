//! The format of precompiled files.

use super::{Damage, Precompiled, linking::Linking};
use crate::runtime::engine::Engine;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The first bytes of a precompiled file of any version.
pub(super) const MAGIC: &[u8] = b"\0wit-host code ";
/// The version of the format. The file continues with the SHA-256 of the rest, the target and the linking,
/// each behind its length in four bytes, and the engine's own format.
const VERSION: &[u8] = b"4\0";
const DIGEST_SIZE: usize = 32;

/// The largest size of a precompiled file, in bytes. The code of an interpreter takes about 60 MB.
pub(super) const MAX_SIZE: u64 = 1 << 30;
/// The largest size of the description of the engine, and of the links between the parts, in bytes. Both are parsed
/// before anybody trusts the file.
const MAX_TARGET: usize = 1 << 10;
const MAX_LINKING: usize = 16 << 20;

/// The engine and the machine that code is compiled for. They are stored as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Target {
    pub(super) engine: Engine,
    pub(super) machine: String,
}

/// Reads a file, which must be unchanged.
pub(super) fn parse(file: Vec<u8>) -> Result<Precompiled, Damage> {
    if file.len() as u64 > MAX_SIZE {
        return Err(Damage::TooLarge);
    }
    let rest = file.strip_prefix(MAGIC).ok_or(Damage::MagicNumber)?;
    let rest = rest.strip_prefix(VERSION).ok_or(Damage::OtherVersion)?;
    let (digest, rest) = rest.split_at_checked(DIGEST_SIZE).ok_or(Damage::CutShort)?;
    if Sha256::digest(rest).as_slice() != digest {
        return Err(Damage::Checksum);
    }
    let (target, rest) = split_field(rest).ok_or(Damage::CutShort)?;
    let target = within(target, MAX_TARGET).and_then(|bytes| serde_json::from_slice(bytes).ok());
    let target = target.ok_or(Damage::Engine)?;
    let (linking, code) = split_field(rest).ok_or(Damage::CutShort)?;
    let linking = within(linking, MAX_LINKING).and_then(Linking::from_bytes);
    let linking = linking.ok_or(Damage::Links)?;
    let code = file.len() - code.len()..file.len();
    Ok(Precompiled {
        target,
        linking,
        file,
        code,
    })
}

/// The bytes, unless they are more than `most`.
fn within(bytes: &[u8], most: usize) -> Option<&[u8]> {
    (bytes.len() <= most).then_some(bytes)
}

/// Splits off a field, which stands behind its length.
fn split_field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

/// Makes a file.
pub(super) fn encode(target: &Target, linking: &Linking, code: &[u8]) -> anyhow::Result<Vec<u8>> {
    let start = [MAGIC, VERSION, &[0; DIGEST_SIZE]].concat();
    let mut file = start.clone();
    for (field, most) in [
        (serde_json::to_vec(target)?, MAX_TARGET),
        (linking.to_bytes()?, MAX_LINKING),
    ] {
        anyhow::ensure!(
            field.len() <= most,
            "the links between its parts are too many"
        );
        file.extend(u32::try_from(field.len())?.to_le_bytes());
        file.extend(field);
    }
    file.extend(code);
    anyhow::ensure!(file.len() as u64 <= MAX_SIZE, "it is larger than 1 GiB");
    let digest = Sha256::digest(&file[start.len()..]);
    file[start.len() - DIGEST_SIZE..start.len()].copy_from_slice(&digest);
    Ok(file)
}
