//! A checked view of a linear memory.

use std::fmt;

/// The name under which a core module exports its memory, by the convention of compilers.
pub(crate) const MEMORY: &str = "memory";

/// The linear memory of a core module, as long as the module does not run.
///
/// Pointers and lengths come from the module, so each is checked against the size that the memory has
/// now: the whole range must be inside. A range of length 0 may be at the end of the memory. A failed
/// access has read and written nothing.
///
/// Pointers are unsigned. A module passes them as `i32`, which a typed function can take as `u32`.
pub struct LinearMemory<'a>(&'a mut [u8]);

/// An error of reading from or writing to a [`LinearMemory`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// The module does not export a memory with the name `memory`, or exports a shared one.
    #[error("the module exports no memory that is named `memory` and not shared")]
    NoMemory,
    /// The range is not inside the memory.
    #[error("{length} bytes at {pointer} are not inside the memory, which has {size} bytes")]
    OutOfBounds {
        /// The start of the range.
        pointer: u32,
        /// The length of the range in bytes.
        length: u64,
        /// The size of the memory in bytes.
        size: usize,
    },
    /// The pointer is not a multiple of the size of the numbers.
    #[error("the pointer {pointer} is not a multiple of {alignment}")]
    Misaligned {
        /// The start of the range.
        pointer: u32,
        /// The number of bytes of which the pointer must be a multiple.
        alignment: u32,
    },
    /// The bytes are not UTF-8.
    #[error("the text at {pointer} is not UTF-8 from its byte {valid_up_to} on")]
    NotUtf8 {
        /// The start of the range.
        pointer: u32,
        /// The number of bytes before the first that is not UTF-8.
        valid_up_to: usize,
    },
}

/// A number that stands in a linear memory: `u8`, `u16`, `u32`, `u64`, `i8` … `i64`, `f32` or `f64`, with
/// its lowest byte first. Only this crate implements the trait.
pub trait Number: sealed::Number {}

impl<T: sealed::Number> Number for T {}

mod sealed {
    pub trait Number: Copy {
        type Bytes: AsRef<[u8]> + for<'a> TryFrom<&'a [u8]>;

        fn of_bytes(bytes: Self::Bytes) -> Self;
        fn into_bytes(self) -> Self::Bytes;
    }
}

macro_rules! numbers {
    ($($ty:ident)*) => {
        $(impl sealed::Number for $ty {
            type Bytes = [u8; size_of::<$ty>()];

            fn of_bytes(bytes: Self::Bytes) -> Self {
                Self::from_le_bytes(bytes)
            }

            fn into_bytes(self) -> Self::Bytes {
                self.to_le_bytes()
            }
        })*
    };
}

numbers!(u8 u16 u32 u64 i8 i16 i32 i64 f32 f64);

impl<'a> LinearMemory<'a> {
    pub(crate) fn new(bytes: &'a mut [u8]) -> Self {
        Self(bytes)
    }

    /// The size in bytes.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// The bytes of a range.
    pub fn read(&self, pointer: u32, length: u32) -> Result<&[u8], MemoryError> {
        let range = self.range(pointer, length.into())?;
        Ok(&self.0[range])
    }

    /// The text in a range, which is UTF-8.
    pub fn text(&self, pointer: u32, length: u32) -> Result<&str, MemoryError> {
        let bytes = self.read(pointer, length)?;
        std::str::from_utf8(bytes).map_err(|error| MemoryError::NotUtf8 {
            pointer,
            valid_up_to: error.valid_up_to(),
        })
    }

    /// This many numbers, one after the other. The pointer must be a multiple of the size of a number.
    pub fn numbers<T: Number>(&self, pointer: u32, count: u32) -> Result<Vec<T>, MemoryError> {
        let range = self.range_of_numbers::<T>(pointer, count.into())?;
        let numbers = self.0[range].chunks_exact(size_of::<T::Bytes>());
        // Each chunk has the size of the array.
        let numbers = numbers.filter_map(|bytes| bytes.try_into().ok());
        Ok(numbers.map(T::of_bytes).collect())
    }

    /// Writes bytes from the pointer on.
    pub fn write(&mut self, pointer: u32, bytes: &[u8]) -> Result<(), MemoryError> {
        let range = self.range(pointer, bytes.len() as u64)?;
        self.0[range].copy_from_slice(bytes);
        Ok(())
    }

    /// Writes numbers, one after the other. The pointer must be a multiple of the size of a number.
    pub fn write_numbers<T: Number>(
        &mut self,
        pointer: u32,
        numbers: &[T],
    ) -> Result<(), MemoryError> {
        let range = self.range_of_numbers::<T>(pointer, numbers.len() as u64)?;
        let places = self.0[range].chunks_exact_mut(size_of::<T::Bytes>());
        for (place, number) in places.zip(numbers) {
            place.copy_from_slice(number.into_bytes().as_ref());
        }
        Ok(())
    }

    fn range_of_numbers<T: Number>(
        &self,
        pointer: u32,
        count: u64,
    ) -> Result<std::ops::Range<usize>, MemoryError> {
        let size = size_of::<T::Bytes>();
        let alignment = size as u32;
        if !pointer.is_multiple_of(alignment) {
            return Err(MemoryError::Misaligned { pointer, alignment });
        }
        self.range(pointer, count.saturating_mul(size as u64))
    }

    /// The range as indices, if it is inside the memory.
    fn range(&self, pointer: u32, length: u64) -> Result<std::ops::Range<usize>, MemoryError> {
        let end = u64::from(pointer).checked_add(length);
        match end.and_then(|end| usize::try_from(end).ok()) {
            Some(end) if end <= self.0.len() => Ok(pointer as usize..end),
            _ => Err(MemoryError::OutOfBounds {
                pointer,
                length,
                size: self.0.len(),
            }),
        }
    }
}

impl fmt::Debug for LinearMemory<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinearMemory")
            .field("size", &self.0.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_inside_or_refused() {
        let mut bytes: Vec<u8> = (0..16).collect();
        let mut memory = LinearMemory::new(&mut bytes);
        assert_eq!(memory.read(14, 2), Ok(&[14, 15][..]));
        assert_eq!(memory.read(16, 0), Ok(&[][..]));
        for (pointer, length) in [(17, 0), (16, 1), (15, 2), (0, 17), (u32::MAX, u32::MAX)] {
            let refused = Err(MemoryError::OutOfBounds {
                pointer,
                length: length.into(),
                size: 16,
            });
            assert_eq!(memory.read(pointer, length), refused);
        }
        assert!(memory.write(15, &[1, 2]).is_err());
        assert_eq!(memory.read(15, 1), Ok(&[15][..]), "nothing was written");
        memory.write(14, &[1, 2]).expect("it is inside");
        assert_eq!(memory.read(13, 3), Ok(&[13, 1, 2][..]));
    }

    #[test]
    fn numbers_are_aligned_and_have_their_lowest_byte_first() {
        let mut bytes: Vec<u8> = (0..16).collect();
        let mut memory = LinearMemory::new(&mut bytes);
        assert_eq!(memory.numbers(4, 2), Ok(vec![0x0706_0504_u32, 0x0b0a_0908]));
        let misaligned = MemoryError::Misaligned {
            pointer: 6,
            alignment: 4,
        };
        assert_eq!(memory.numbers::<u32>(6, 1), Err(misaligned.clone()));
        assert_eq!(memory.write_numbers(6, &[1_u32]), Err(misaligned));
        for (pointer, count) in [(8, 2), (16, 1), (0, u32::MAX)] {
            let refused = memory.numbers::<u64>(pointer, count);
            assert!(matches!(refused, Err(MemoryError::OutOfBounds { .. })));
        }
        memory.write_numbers(8, &[1.5_f64]).expect("it is inside");
        assert_eq!(memory.numbers(8, 1), Ok(vec![1.5_f64]));
    }

    #[test]
    fn text_is_utf_8() {
        let mut bytes = b"ab\xff".to_vec();
        let memory = LinearMemory::new(&mut bytes);
        assert_eq!(memory.text(0, 2), Ok("ab"));
        let error = MemoryError::NotUtf8 {
            pointer: 1,
            valid_up_to: 1,
        };
        assert_eq!(memory.text(1, 2), Err(error));
    }
}
