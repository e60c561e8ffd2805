//! The part of the crate `crc-fast` that the AWS SDK uses, and no more.
//!
//! `crc32fast` is linked anyway, for gzip; the SDK asks for the other two only if S3 answers with
//! them.

use crc::{CRC_32_ISCSI, CRC_64_NVME, Crc, Table};

static ISCSI: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISCSI);
static NVME: Crc<u64, Table<1>> = Crc::<u64, Table<1>>::new(&CRC_64_NVME);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrcAlgorithm {
    /// CRC-32, as in gzip.
    Crc32IsoHdlc,
    /// CRC-32C.
    Crc32Iscsi,
    /// CRC-64, as in NVM Express.
    Crc64Nvme,
}

#[derive(Debug, Clone)]
pub struct Digest(State);

#[derive(Clone)]
enum State {
    IsoHdlc(crc32fast::Hasher),
    Iscsi(crc::Digest<'static, u32, Table<1>>),
    Nvme(crc::Digest<'static, u64, Table<1>>),
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::IsoHdlc(_) => "CRC-32",
            Self::Iscsi(_) => "CRC-32C",
            Self::Nvme(_) => "CRC-64/NVME",
        })
    }
}

impl Digest {
    pub fn new(algorithm: CrcAlgorithm) -> Self {
        Self(match algorithm {
            CrcAlgorithm::Crc32IsoHdlc => State::IsoHdlc(crc32fast::Hasher::new()),
            CrcAlgorithm::Crc32Iscsi => State::Iscsi(ISCSI.digest()),
            CrcAlgorithm::Crc64Nvme => State::Nvme(NVME.digest()),
        })
    }

    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::IsoHdlc(hasher) => hasher.update(bytes),
            State::Iscsi(digest) => digest.update(bytes),
            State::Nvme(digest) => digest.update(bytes),
        }
    }

    /// The checksum of all bytes.
    pub fn finalize(&self) -> u64 {
        match self.0.clone() {
            State::IsoHdlc(hasher) => hasher.finalize().into(),
            State::Iscsi(digest) => digest.finalize().into(),
            State::Nvme(digest) => digest.finalize(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [CrcAlgorithm; 3] = [
        CrcAlgorithm::Crc32IsoHdlc,
        CrcAlgorithm::Crc32Iscsi,
        CrcAlgorithm::Crc64Nvme,
    ];

    /// The checksum of [`MESSAGE`]. Source: the catalogue of parametrised CRC algorithms, "check".
    fn check(algorithm: CrcAlgorithm) -> u64 {
        match algorithm {
            CrcAlgorithm::Crc32IsoHdlc => 0xcbf4_3926,
            CrcAlgorithm::Crc32Iscsi => 0xe306_9283,
            CrcAlgorithm::Crc64Nvme => 0xae8b_1486_0a79_9888,
        }
    }

    const MESSAGE: &[u8] = b"123456789";

    fn checksum<'a>(algorithm: CrcAlgorithm, pieces: impl IntoIterator<Item = &'a [u8]>) -> u64 {
        let mut digest = Digest::new(algorithm);
        for piece in pieces {
            digest.update(piece);
        }
        digest.finalize()
    }

    #[test]
    fn each_checksum_is_the_catalogues_wherever_the_bytes_are_divided() {
        for algorithm in ALL {
            for place in 0..=MESSAGE.len() {
                let (first, second) = MESSAGE.split_at(place);
                let found = checksum(algorithm, [first, second]);
                assert_eq!(found, check(algorithm), "{algorithm:?} at {place}");
            }
        }
    }

    /// The crates below may treat many bytes at once differently from a few.
    #[test]
    fn many_bytes_at_once_and_one_by_one_have_the_same_checksum() {
        let many = MESSAGE.repeat(1_000);
        for algorithm in ALL {
            let one_by_one = checksum(algorithm, many.chunks(1));
            assert_eq!(checksum(algorithm, [many.as_slice()]), one_by_one);
        }
    }

    #[test]
    fn a_checksum_that_was_read_goes_on() {
        for algorithm in ALL {
            let mut digest = Digest::new(algorithm);
            assert_eq!(digest.finalize(), 0, "{algorithm:?} of nothing");
            digest.update(MESSAGE);
            assert_eq!(digest.finalize(), check(algorithm));
            assert_eq!(digest.finalize(), check(algorithm));
        }
    }
}
