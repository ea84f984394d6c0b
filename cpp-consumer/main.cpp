// The cache demo in C++: set, get, overwrite, expire and delete, through `wit/cache.wit`.
//
// The program names no implementation. Whatever exports `toolkit:cache/cache` can stand behind it.

#include "consumer_cpp.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <time.h>

namespace cache = toolkit::cache::cache;
using cache::Error;
using Done = std::expected<void, Error>;

namespace {

// Bytes, as they are: a value may hold NUL.
template <typename Bytes>
void print(const Bytes &bytes) {
  std::fwrite(bytes.data(), 1, bytes.size(), stdout);
}

void print_line(std::string_view verb, std::string_view key, std::string_view rest = "") {
  print(verb);
  std::putchar(' ');
  print(key);
  print(rest);
  std::putchar('\n');
}

Done set(std::string_view key, std::string_view value, std::optional<std::uint32_t> ttl = {}) {
  const auto bytes = std::span(reinterpret_cast<const std::uint8_t *>(value.data()), value.size());
  if (const auto done = cache::Set(key, bytes, ttl); !done) {
    return done;
  }
  if (ttl) {
    char rest[32];
    std::snprintf(rest, sizeof rest, " for %u s", static_cast<unsigned>(*ttl));
    print_line("set", key, rest);
  } else {
    print_line("set", key);
  }
  return {};
}

// A missing entry is an answer; only a failing cache is an error.
Done get(std::string_view key) {
  const auto value = cache::Get(key);
  if (value) {
    std::fputs("get ", stdout);
    print(key);
    std::fputs(": ", stdout);
    print(*value);
    std::putchar('\n');
  } else if (value.error() == Error::kNotFoundError) {
    print_line("get", key, ": not found");
  } else {
    return std::unexpected(value.error());
  }
  return {};
}

Done remove(std::string_view key) {
  const auto done = cache::Delete(key);
  if (!done && done.error() != Error::kNotFoundError) {
    return done;
  }
  print_line("delete", key, done ? "" : ": not found");
  return {};
}

Done wait(long milliseconds) {
  const timespec duration{.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1'000'000};
  nanosleep(&duration, nullptr);
  return {};
}

Done say(const char *line) {
  std::puts(line);
  return {};
}

Done demo() {
  return set("five-good-emperors", "Nerva, Trajan, Hadrian, Pius, and Marcus Aurelius")
      .and_then([] { return set("almost-consul", "Caligula's horse, Incitatus"); })
      .and_then([] { return get("five-good-emperors"); })
      .and_then([] { return get("almost-consul"); })

      .and_then([] { return say("-- an entry is replaced"); })
      .and_then([] { return set("almost-consul", "Incitatus, who kept his ivory manger"); })
      .and_then([] { return get("almost-consul"); })

      .and_then([] { return say("-- an entry expires"); })
      .and_then([] { return set("year-of-the-six", "Pupienus and Balbinus", 1); })
      .and_then([] { return get("year-of-the-six"); })
      .and_then([] { return wait(1100); })
      .and_then([] { return get("year-of-the-six"); })

      .and_then([] { return say("-- entries are deleted"); })
      .and_then([] { return remove("almost-consul"); })
      .and_then([] { return get("almost-consul"); })
      .and_then([] { return remove("almost-consul"); })
      .and_then([] { return remove("five-good-emperors"); });
}

}  // namespace

int main() {
  if (const auto done = demo(); !done) {
    std::fputs(done.error() == Error::kRuntimeError ? "the cache failed: runtime-error\n"
                                                    : "the cache failed\n",
               stderr);
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
