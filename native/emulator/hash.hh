#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace transship::emulator {

/// A 128-bit sum that tells contents apart. Not a cryptographic one: it finds accidents, not attackers.
struct Digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const Digest&) const = default;
  /// 32 hexadecimal digits.
  [[nodiscard]] std::string hex() const;
};

/// Running sum over bytes at memory speed. Equal bytes cut into other pieces give the same digest as long as
/// every piece but the last is a multiple of 64 bytes.
class Hasher {
 public:
  explicit Hasher(std::uint64_t seed = 0) noexcept;
  void update(std::span<const std::byte> bytes) noexcept;
  /// Copies `from` to `to` and sums it up on the way: the data passes the caches once.
  void copy(std::byte* to, std::span<const std::byte> from) noexcept;
  [[nodiscard]] Digest finish() const noexcept;

 private:
  template <bool kCopy>
  void run(std::byte* to, std::span<const std::byte> from) noexcept;

  std::array<std::uint64_t, 8> lanes_;
  std::uint64_t length_ = 0;
};

[[nodiscard]] Digest digestOf(std::span<const std::byte> bytes, std::uint64_t seed = 0) noexcept;

}  // namespace transship::emulator
