#include "common/crc32c.hh"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace transship {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // 0x1EDC6F41, bits reversed

using Table = std::array<std::uint32_t, 256>;

constexpr Table kByteTable = [] {
  Table table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    }
    table[byte] = crc;
  }
  return table;
}();

#if defined(__x86_64__)

// The instruction has a latency of three cycles and a throughput of one, so three independent sums are run
// side by side over three neighbouring lanes and then combined.
constexpr std::size_t kLane = 2048;

// Advances a sum over kLane zero bytes. That is linear over GF(2), so the effect of each of the four bytes
// of the sum is a table, and the tables are combined by exclusive or.
using Advance = std::array<Table, 4>;

constexpr std::uint32_t overZeros(std::uint32_t crc, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    crc = (crc >> 8) ^ kByteTable[crc & 0xFF];
  }
  return crc;
}

const Advance& advanceOneLane() noexcept {
  static const Advance advance = [] {
    std::array<std::uint32_t, 32> ofBit{};
    for (std::size_t bit = 0; bit < 32; ++bit) {
      ofBit[bit] = overZeros(1u << bit, kLane);
    }
    Advance tables{};
    for (std::size_t position = 0; position < 4; ++position) {
      for (std::size_t value = 0; value < 256; ++value) {
        for (std::size_t bit = 0; bit < 8; ++bit) {
          if (((value >> bit) & 1) != 0) {
            tables[position][value] ^= ofBit[position * 8 + bit];
          }
        }
      }
    }
    return tables;
  }();
  return advance;
}

std::uint64_t loadWord(const std::byte* from) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

__attribute__((target("sse4.2"))) std::uint32_t crc32cHardware(const std::byte* data, std::size_t size,
                                                               std::uint32_t crc) noexcept {
  const Advance& advance = advanceOneLane();
  const auto shifted = [&advance](std::uint32_t sum) {
    return advance[0][sum & 0xFF] ^ advance[1][(sum >> 8) & 0xFF] ^ advance[2][(sum >> 16) & 0xFF] ^
           advance[3][sum >> 24];
  };
  while (size >= 3 * kLane) {
    std::uint64_t first = crc;
    std::uint64_t second = 0;
    std::uint64_t third = 0;
    for (std::size_t i = 0; i < kLane; i += 8) {
      first = _mm_crc32_u64(first, loadWord(data + i));
      second = _mm_crc32_u64(second, loadWord(data + kLane + i));
      third = _mm_crc32_u64(third, loadWord(data + 2 * kLane + i));
    }
    crc = shifted(static_cast<std::uint32_t>(first)) ^ static_cast<std::uint32_t>(second);
    crc = shifted(crc) ^ static_cast<std::uint32_t>(third);
    data += 3 * kLane;
    size -= 3 * kLane;
  }
  std::uint64_t sum = crc;
  for (; size >= 8; size -= 8, data += 8) {
    sum = _mm_crc32_u64(sum, loadWord(data));
  }
  crc = static_cast<std::uint32_t>(sum);
  for (; size > 0; --size, ++data) {
    crc = _mm_crc32_u8(crc, std::to_integer<std::uint8_t>(*data));
  }
  return crc;
}

#endif

}  // namespace

std::uint32_t crc32cPortable(std::span<const std::byte> data, std::uint32_t seed) noexcept {
  std::uint32_t crc = ~seed;
  for (const std::byte byte : data) {
    crc = (crc >> 8) ^ kByteTable[(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xFF];
  }
  return ~crc;
}

std::uint32_t crc32c(std::span<const std::byte> data, std::uint32_t seed) noexcept {
#if defined(__x86_64__)
  static const bool hasInstruction = __builtin_cpu_supports("sse4.2") != 0;
  if (hasInstruction) {
    return ~crc32cHardware(data.data(), data.size(), ~seed);
  }
#endif
  return crc32cPortable(data, seed);
}

}  // namespace transship
