#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "attachment.hh"
#include "memory.hh"
#include "segment.hh"
#include "window.hh"

namespace transship::emulator {

/// One SAVING session: what is still to be told of a device, cut into segments in the window.
class SaveStream {
 public:
  /// What the final segment says, asked when it is made.
  using FinalState = std::function<std::vector<std::byte>()>;

  struct Place {
    std::uint64_t offset;  // in the region
    std::uint64_t size;
  };

  /// `segmentBytes` bounds every segment. All pages of `memory` count as dirty from here on.
  SaveStream(Memory& memory, Window& window, std::size_t segmentBytes, std::uint64_t session,
             Identity identity, FinalState finalState);

  /// Estimate of the bytes to come; zero when there is nothing at the moment (and, in a stopped device, for
  /// good).
  [[nodiscard]] std::uint64_t pending(bool running) const;
  /// Makes the next segment in the window. Nothing when pending() is zero.
  std::optional<Place> next(bool running);
  /// The device runs again in the same session: its final state has to be told anew.
  void reopen() noexcept { finalTold_ = false; }
  [[nodiscard]] std::uint64_t made() const noexcept { return index_; }
  /// Of pending(), what was not told yet in this session at all (v2: initial_bytes).
  [[nodiscard]] std::uint64_t initial() const noexcept;
  /// Everything has to be told anew; it counts as initial() again if `asInitial`.
  void reinit(bool asInitial);

 private:
  Place seal(SegmentHeader header, std::uint64_t offset, std::size_t size, const Hasher& payload);
  Place plain(SegmentKind kind, std::span<const std::byte> payload);
  Place memorySegment();

  Memory& memory_;
  Window& window_;
  const std::size_t segmentBytes_;
  const std::uint64_t session_;
  const Identity identity_;
  const FinalState finalState_;
  std::uint64_t index_ = 0;
  std::size_t untold_;  // pages that the first sweep over the memory has not reached
  bool finalTold_ = false;
};

/// Sum over a segment's header (its digest fields taken as zero) joined with the sum over what follows it.
[[nodiscard]] Digest segmentDigest(SegmentHeader header, const Digest& payload) noexcept;

/// Smallest segment limit that fits one page and the final state of a device with `devices` peers.
[[nodiscard]] std::size_t smallestSegment(std::size_t devices) noexcept;

}  // namespace transship::emulator
