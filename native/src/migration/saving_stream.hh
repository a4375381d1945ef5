#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/error.hh"
#include "migration/region_window.hh"
#include "migration/session.hh"
#include "vfio/device.hh"

namespace transship::migration {

/// The data of one saving session of a v1 device, from the moment SAVING is set until it is cleared
/// (V1-18, V1-19), over the step from running to stopped (V1-20). RFC L366-391, step by step:
///
///   pending_bytes != 0 -> data_offset -> data_size -> data ... -> pending_bytes (acknowledges) -> ...
///
/// From the read of data_offset until the acknowledging read nothing else may happen to the device (V1-43).
class SavingStream {
 public:
  SavingStream(vfio::Device& device, std::uint32_t region, RegionWindow& window)
      : device_(device), region_(region), window_(window) {}

  /// Acknowledges the previous segment and asks for the next one. `running` says whether the device is: zero
  /// pending bytes are the end of the stream only when it is not (V1-37, V1-38).
  ///
  /// Errors: kSegmentOpen while pieces of the previous segment are left; kDriverViolation for a segment
  /// outside of the region (V1-47); kNoProgress when a device that has data keeps handing out empty segments.
  Result<NextSegment> next(bool running);

  /// Reads the next piece of the current segment. kNoSegment when there is none.
  Result<Piece> read(std::span<std::byte> into);

  /// The device's estimate. kSegmentOpen while a segment is committed, since the read would acknowledge it.
  Result<std::uint64_t> pending();

  /// Collects into memory what is left of a committed segment and acknowledges it, so that the state may
  /// change. Later read() calls are served from there. At most one segment, so at most the window.
  Status collectRemainder();

  /// Ends the stream here: every later call returns kSessionFailed.
  void fail() noexcept { failed_ = true; }

 private:
  struct Segment {
    std::uint64_t offset;
    std::uint64_t size;
    std::uint64_t collected;
  };

  [[nodiscard]] std::optional<Error> refusal() const;
  Result<std::uint64_t> readPending();
  Result<Segment> makeAvailable();
  Result<Segment> readExtent();
  Result<Piece> readOverflow(std::span<std::byte> into);
  /// Marks the stream as failed and hands the error on.
  Error ended(Error error);

  vfio::Device& device_;
  std::uint32_t region_;
  RegionWindow& window_;
  /// Made available by the device and not acknowledged yet.
  std::optional<Segment> segment_;
  /// Rest of a segment that was collected ahead of a change of state.
  std::vector<std::byte> overflow_;
  std::size_t overflowRead_ = 0;
  int emptySegments_ = 0;
  bool complete_ = false;
  bool failed_ = false;
};

}  // namespace transship::migration
