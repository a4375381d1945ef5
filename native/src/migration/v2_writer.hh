#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/error.hh"
#include "vfio/device.hh"

namespace transship::migration {

/// The data of one resuming session of a v2 device, from the arc that opened its stream until RESUMING is
/// left. A segment is collected in memory and given to the device in as few transfers as the device allows
/// (V2-10).
class StreamWriter {
 public:
  explicit StreamWriter(std::unique_ptr<vfio::MigrationData> data) : data_(std::move(data)) {}

  /// Begins a segment of `size` bytes. kSegmentTooLarge for more than kStreamSegment; kSegmentOpen while
  /// another one is not committed.
  Status begin(std::uint64_t size);

  /// Takes the next piece. kNoSegment outside of one, kInvalidArgument for more than the segment takes.
  Status write(std::span<const std::byte> data);

  /// Gives the segment to the device. kSegmentIncomplete, without touching the device, when bytes are
  /// missing. After any error of the device only a reset and a new load help.
  Status commit();

  /// Whether a segment was begun and not committed.
  [[nodiscard]] bool segmentOpen() const noexcept { return announced_ > 0; }

  [[nodiscard]] bool failed() const noexcept { return failed_; }
  void fail() noexcept { failed_ = true; }

 private:
  std::unique_ptr<vfio::MigrationData> data_;
  std::vector<std::byte> buffer_;
  /// Size of the segment, 0 for none; buffer_ has what was written of it.
  std::uint64_t announced_ = 0;
  bool failed_ = false;
};

}  // namespace transship::migration
