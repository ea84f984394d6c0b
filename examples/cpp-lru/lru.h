// A map that keeps the most recently used values, up to a number of bytes.

#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

class Lru {
 public:
  // Nanoseconds on a monotonic clock.
  using Time = std::uint64_t;
  using Bytes = std::vector<std::uint8_t>;

  explicit Lru(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // The value under `key`, or null if there is none or it has expired.
  const Bytes *get(std::string_view key, Time now) {
    const auto found = index_.find(key);
    if (found == index_.end()) {
      return nullptr;
    }
    const auto entry = found->second;
    if (entry->expiry && *entry->expiry <= now) {
      erase(key);
      return nullptr;
    }
    entries_.splice(entries_.begin(), entries_, entry);
    return &entry->value;
  }

  // Replaces any earlier value. A value that would take more than a quarter of the capacity is not
  // kept, because it would evict too many others.
  void put(std::string_view key, std::span<const std::uint8_t> value, std::optional<Time> expiry) {
    erase(key);
    if (cost(key.size(), value.size()) > max_bytes_ / 4) {
      return;
    }
    entries_.push_front({std::string(key), Bytes(value.begin(), value.end()), expiry});
    index_.emplace(entries_.front().key, entries_.begin());
    bytes_ += cost(key.size(), value.size());
    while (bytes_ > max_bytes_) {
      erase(entries_.back().key);
    }
  }

  void erase(std::string_view key) {
    const auto found = index_.find(key);
    if (found == index_.end()) {
      return;
    }
    const auto entry = found->second;
    bytes_ -= cost(entry->key.size(), entry->value.size());
    // The index refers to the entry's own key, so it goes first.
    index_.erase(found);
    entries_.erase(entry);
  }

 private:
  struct Entry {
    std::string key;
    Bytes value;
    std::optional<Time> expiry;
  };

  // Includes roughly the overhead of the list, the map and the allocator for an entry.
  static std::size_t cost(std::size_t key, std::size_t value) { return key + value + 128; }

  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::list<Entry> entries_;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index_;
};
