#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "attachment.hh"
#include "memory.hh"
#include "segment.hh"
#include "window.hh"

namespace transship::emulator {

/// What the device thinks of a segment that it was given.
enum class Verdict {
  kGood,
  kForeign,   // not data of this kind of device, or of another model
  kSize,      // another size than the segment was collected with
  kOrder,     // not the segment that follows the last one
  kSession,   // of another SAVING session than the ones before
  kContents,  // altered
};

/// One RESUMING session: takes segments from the window into the device.
class LoadStream {
 public:
  /// `gullible` devices take everything and complain of nothing.
  LoadStream(Memory& memory, Window& window, Identity self, bool gullible);

  /// Takes the segment of `size` bytes at `offset` (which lies in the window). After anything but kGood the
  /// session is lost: complete() will refuse it.
  Verdict take(std::uint64_t offset, std::uint64_t size);
  /// The session is lost for a reason that its segments do not show.
  void spoil() noexcept { spoilt_ = true; }
  /// Whether everything that makes up a device has arrived, and nothing was wrong.
  [[nodiscard]] bool complete() const;

  /// What the stream says the device is; nothing until its identity has arrived.
  [[nodiscard]] const std::optional<Identity>& identity() const noexcept { return identity_; }
  [[nodiscard]] const std::optional<Attachment>& attachment() const noexcept { return attachment_; }
  [[nodiscard]] FinalRegisters registers() const noexcept { return registers_; }
  [[nodiscard]] std::uint64_t taken() const noexcept { return taken_; }

 private:
  [[nodiscard]] Verdict check(const SegmentHeader& header, std::uint64_t size) const;
  [[nodiscard]] bool apply(const SegmentHeader& header, std::span<const std::byte> payload, Hasher& hasher);
  bool applyMemory(const SegmentHeader& header, std::span<const std::byte> payload, Hasher& hasher);

  Memory& memory_;
  Window& window_;
  const Identity self_;
  const bool gullible_;
  std::uint64_t taken_ = 0;
  std::uint64_t session_ = 0;
  std::uint64_t nextIndex_ = 0;
  bool spoilt_ = false;
  std::vector<bool> loaded_;
  std::size_t loadedCount_ = 0;
  std::optional<Identity> identity_;
  std::optional<Attachment> attachment_;
  FinalRegisters registers_;
};

}  // namespace transship::emulator
