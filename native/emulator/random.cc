#include "random.hh"

#include <algorithm>
#include <cstring>

namespace transship::emulator {
namespace {

// Eight independent xorshift generators side by side: shifts and exclusive ors only, which every vector unit
// has, so that one block costs a handful of instructions.
typedef std::uint64_t Lanes __attribute__((vector_size(64)));

}  // namespace

void fillRandom(std::span<std::byte> bytes, std::uint64_t seed) noexcept {
  Lanes lanes;
  for (std::size_t i = 0; i < 8; ++i) {
    lanes[i] = mix(seed, i) | 1;  // an xorshift generator must not start at zero
  }
  std::byte* to = bytes.data();
  std::size_t left = bytes.size();
  while (left > 0) {
    lanes ^= lanes << 13;
    lanes ^= lanes >> 7;
    lanes ^= lanes << 17;
    const std::size_t length = std::min(left, sizeof(lanes));
    std::memcpy(to, &lanes, length);
    to += length;
    left -= length;
  }
}

}  // namespace transship::emulator
