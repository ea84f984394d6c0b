// A cache in front of a cache: it keeps recently used values in memory, and passes every call on.
//
// It keeps only values that were set through it: a value read from the cache behind may have an
// unknown time to live. It has to be the only way to that cache, or it would miss newer values.
//
// LRU_MAX_BYTES is the number of bytes that it keeps, 16 MiB if it isn't set.

#include "lru.h"
#include "middleware_cpp.h"

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <time.h>

namespace behind = toolkit::cache::cache;
namespace front = exports::toolkit::cache::cache;

namespace {

constexpr std::size_t kDefaultMaxBytes = 16 << 20;

std::optional<std::size_t> max_bytes() {
  const char *text = std::getenv("LRU_MAX_BYTES");
  if (!text) {
    return kDefaultMaxBytes;
  }
  std::size_t bytes = 0;
  const char *end = text + std::strlen(text);
  const auto [parsed, error] = std::from_chars(text, end, bytes);
  if (error != std::errc{} || parsed != end) {
    std::fprintf(stderr, "cpp-lru: `LRU_MAX_BYTES` is `%s`; set it to a number of bytes\n", text);
    return {};
  }
  return bytes;
}

// Null if the environment is invalid, which has been reported then.
Lru *lru() {
  static std::optional<Lru> lru = [] {
    const auto bytes = max_bytes();
    return bytes ? std::optional<Lru>(std::in_place, *bytes) : std::nullopt;
  }();
  return lru ? &*lru : nullptr;
}

Lru::Time now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<Lru::Time>(time.tv_sec) * 1'000'000'000 + static_cast<Lru::Time>(time.tv_nsec);
}

front::Error pass_on(behind::Error error) {
  return error == behind::Error::kNotFoundError ? front::Error::kNotFoundError
                                                : front::Error::kRuntimeError;
}

// A copy from `malloc`, because the caller frees it.
std::expected<wit::vector<std::uint8_t>, front::Error> copy(const Lru::Bytes &value) {
  if (value.empty()) {
    return wit::vector<std::uint8_t>();
  }
  auto *bytes = static_cast<std::uint8_t *>(std::malloc(value.size()));
  if (!bytes) {
    return std::unexpected(front::Error::kRuntimeError);
  }
  std::memcpy(bytes, value.data(), value.size());
  return wit::vector<std::uint8_t>(bytes, value.size());
}

}  // namespace

std::expected<void, front::Error> front::Set(wit::string key, wit::vector<std::uint8_t> value,
                                             std::optional<std::uint32_t> ttl) {
  Lru *kept = lru();
  if (!kept) {
    return std::unexpected(Error::kRuntimeError);
  }
  // The ttl counts from here, so that nothing lives longer in front than behind.
  const auto start = now();
  const auto bytes = std::span<const std::uint8_t>(value.data(), value.size());
  if (const auto done = behind::Set(key.get_view(), bytes, ttl); !done) {
    kept->erase(key.get_view());
    return std::unexpected(pass_on(done.error()));
  }
  const auto expiry = ttl.transform([start](std::uint64_t s) { return start + s * 1'000'000'000; });
  kept->put(key.get_view(), bytes, expiry);
  return {};
}

std::expected<wit::vector<std::uint8_t>, front::Error> front::Get(wit::string key) {
  Lru *kept = lru();
  if (!kept) {
    return std::unexpected(Error::kRuntimeError);
  }
  if (const auto *value = kept->get(key.get_view(), now())) {
    return copy(*value);
  }
  return behind::Get(key.get_view()).transform_error(pass_on);
}

std::expected<void, front::Error> front::Delete(wit::string key) {
  Lru *kept = lru();
  if (!kept) {
    return std::unexpected(Error::kRuntimeError);
  }
  kept->erase(key.get_view());
  return behind::Delete(key.get_view()).transform_error(pass_on);
}
