#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "common/error.hh"
#include "migration/region_window.hh"
#include "vfio/device.hh"

namespace transship::migration {

/// The data of one resuming session of a v1 device, from the moment RESUMING is set until it is cleared.
/// Each segment goes in whole, in the size it had at the source (RFC L393-405, V1-49 to V1-52):
///
///   data_offset -> data ... -> data_size
class ResumingSink {
 public:
  ResumingSink(vfio::Device& device, std::uint32_t region, RegionWindow& window)
      : device_(device), region_(region), window_(window) {}

  /// Asks where a segment of `size` bytes goes. kSegmentTooLarge when the window does not take it: nothing
  /// was written, and it must not be split. kSegmentOpen while another one is not committed.
  Status begin(std::uint64_t size);

  /// Writes the next piece. kNoSegment outside of one, kInvalidArgument for more than the segment takes;
  /// both without touching the device.
  Status write(std::span<const std::byte> data);

  /// Tells the device that the segment is complete; it has accepted the data when this succeeds.
  /// kSegmentIncomplete, without touching the device, when bytes are missing.
  Status commit();

  /// Whether a segment was begun and not committed.
  [[nodiscard]] bool segmentOpen() const noexcept { return segment_.has_value(); }

  /// After a fault the device may hold any part of the data: only a reset and a new load help.
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  void fail() noexcept { failed_ = true; }

 private:
  struct Segment {
    std::uint64_t offset;
    std::uint64_t size;
    std::uint64_t written;
  };

  Result<std::uint64_t> readOffset();
  Error ended(Error error);

  vfio::Device& device_;
  std::uint32_t region_;
  RegionWindow& window_;
  std::optional<Segment> segment_;
  bool failed_ = false;
};

/// What every call on a failed resuming session returns.
[[nodiscard]] Error resumingFailed();

}  // namespace transship::migration
