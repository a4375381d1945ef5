#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace transship::emulator {

/// Bijective mixing of a 64-bit value (the finalizer of SplitMix64): neighbouring inputs give unrelated
/// outputs.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t value) noexcept {
  value += 0x9E3779B97F4A7C15ull;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ull;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBull;
  return value ^ (value >> 31);
}

/// Mixes two values into one; the order matters.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t first, std::uint64_t second) noexcept {
  return mix(mix(first) ^ second);
}

/// Fills `bytes` with the pseudo-random sequence of `seed`: incompressible, the same for the same seed and
/// length, several GB/s on one core.
void fillRandom(std::span<std::byte> bytes, std::uint64_t seed) noexcept;

}  // namespace transship::emulator
