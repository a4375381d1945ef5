#pragma once

#include <cerrno>
#include <cstddef>

#include "common/error.hh"

namespace transship::migration {

/// Bytes of one segment of a v2 stream, at most: large, since drivers exist that want their whole state in
/// one write(2) (V2-10), and bounded, since it is what a session holds in memory (V2-38).
inline constexpr std::size_t kStreamSegment = 1024 * 1024;

/// Does one transfer again while signals interrupt it (V2-12), within reason.
template <typename Transfer>
Result<std::size_t> uninterrupted(const Transfer& transfer) {
  constexpr int kMaxInterrupts = 100;
  for (int interrupts = 0;; ++interrupts) {
    auto moved = transfer();
    if (moved || moved.error().errorNumber != EINTR || interrupts == kMaxInterrupts) {
      return moved;
    }
  }
}

}  // namespace transship::migration
