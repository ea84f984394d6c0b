//! Time for the store: nanoseconds since the Unix epoch, from a clock that may jump.

/// A point in time: nanoseconds since 1970-01-01T00:00:00Z, up to the year 2554.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last point in time that can be represented; as an expiry it means never.
    pub const MAX: Self = Self(u64::MAX);

    /// The point `nanos` nanoseconds after the Unix epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A point in seconds and nanoseconds since the Unix epoch, at most [`Timestamp::MAX`].
    pub const fn from_parts(seconds: u64, nanos: u32) -> Self {
        Self(
            seconds
                .saturating_mul(NANOS_PER_SECOND)
                .saturating_add(nanos as u64),
        )
    }

    /// The same point as a timestamp; the Unix epoch for any point before it.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn from_system_time(time: std::time::SystemTime) -> Self {
        let since_epoch = time
            .duration_since(std::time::SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self::from_parts(since_epoch.as_secs(), since_epoch.subsec_nanos())
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The point this many seconds later, at most [`Timestamp::MAX`].
    pub const fn plus_seconds(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(seconds as u64 * NANOS_PER_SECOND))
    }

    /// `true` if this point is more than `seconds` seconds before `other`.
    pub(crate) const fn is_longer_ago_than(self, seconds: u32, other: Self) -> bool {
        self.plus_seconds(seconds).0 < other.0
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// A source of the current time. It may jump, forwards and backwards, between any two calls.
pub trait Clock {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[cfg(not(target_family = "wasm"))]
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[cfg(not(target_family = "wasm"))]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_system_time(std::time::SystemTime::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_time_is_reached_and_never_passed() {
        assert_eq!(Timestamp::from_parts(u64::MAX, 999_999_999), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.plus_seconds(1), Timestamp::MAX);
        assert_eq!(
            Timestamp::from_nanos(u64::MAX - 1).plus_seconds(u32::MAX),
            Timestamp::MAX
        );
    }

    #[test]
    fn the_longest_ttl_fits_today() {
        let today = Timestamp::from_parts(1_790_000_000, 0);
        let expires = today.plus_seconds(u32::MAX);
        assert_eq!(
            expires,
            Timestamp::from_parts(1_790_000_000 + u64::from(u32::MAX), 0)
        );
        assert!(expires < Timestamp::MAX);
    }
}
