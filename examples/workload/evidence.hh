#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

/// How this example finds out whether a move has lost anything. A workload of your own has no use for it.

/// The sequence repeats after a prime number of bytes, so it has no rhythm in common with FIFOs and pages.
inline constexpr std::uint64_t kCycle = 251;
constexpr std::uint8_t byteAt(std::uint64_t number) { return static_cast<std::uint8_t>(number % kCycle); }

/// Bytes of the sequence that are not as they came, in memory where byte n is kept at n % size.
std::uint64_t wrongInSequence(std::span<const std::byte> memory, std::uint64_t received);

/// What a device has written that writes growing numbers, one page after the other.
struct DeviceNumbers {
  std::uint64_t highest = 0;
  /// Pages in which not the number is that must be: a write that was not copied shows as an older one.
  std::uint64_t wrongPages = 0;
};
/// Only while the device is stopped.
DeviceNumbers checkNumbers(std::span<const std::byte> memory, std::size_t page);
