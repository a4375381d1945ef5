#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

/// How this workload writes its state down; Transship does not look into it. A stream is a sequence of
/// records: a head, then `length` bytes for `offset` in the workload's memory, or one of the special offsets
/// below. What comes later wins.
struct RecordHead {
  std::uint64_t offset;
  std::uint64_t length;
};

/// The first record of a pass: what the memory is, so that a stream for another workload is refused.
inline constexpr std::uint64_t kLayoutRecord = ~std::uint64_t{0};
/// The last record of a stream.
inline constexpr std::uint64_t kCountersRecord = ~std::uint64_t{1};

inline constexpr std::size_t kMaxPayload = 512 * 1024;

std::string encodeRecord(std::uint64_t offset, std::span<const std::byte> payload);

template <typename T>
std::string encodeValue(std::uint64_t offset, const T& value) {
  static_assert(std::has_unique_object_representations_v<T>);
  return encodeRecord(offset, std::as_bytes(std::span(&value, 1)));
}

/// Puts records together again from bytes that were cut anyhow. Holds one record at most.
class RecordReader {
 public:
  using OnRecord = std::function<void(std::uint64_t offset, std::span<const std::byte> payload)>;

  explicit RecordReader(OnRecord onRecord) : onRecord_(std::move(onRecord)) {}

  /// Throws std::runtime_error for what no record can be.
  void feed(std::span<const std::byte> bytes);
  /// Nothing of a record is left over.
  [[nodiscard]] bool atBoundary() const { return held_.empty(); }

 private:
  OnRecord onRecord_;
  std::vector<std::byte> held_;
};
