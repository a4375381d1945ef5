#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/error.hh"
#include "vfio/device.hh"

namespace transship::migration {

/// The log of the pages that a device writes (VFIO_DEVICE_FEATURE_DMA_LOGGING_*), for who saves that memory.
/// It is apart from the device's own state and the same for both migration protocols.
///
/// kAccessFailed with ENOTTY from a device without the feature.
class DmaLog {
 public:
  explicit DmaLog(vfio::Device& device) : device_(device) {}
  DmaLog(const DmaLog&) = delete;
  DmaLog& operator=(const DmaLog&) = delete;
  /// Stops a log that runs: it belongs to the open device, which others may hold too.
  ~DmaLog();

  /// Whether the device has the feature.
  static Result<bool> offered(vfio::Device& device);

  /// Starts logging `ranges`, of which there are at most 256, with pages of about `pageSize` bytes. Returns
  /// the page size that the device uses, which is the one that counts (V2-31). When the device refuses, a log
  /// that another process left running is stopped and the start tried once more.
  ///
  /// Errors: kInvalidArgument, also for a log that runs already; kDriverViolation for a page size that is
  /// none.
  Result<std::uint64_t> start(std::span<const vfio::IovaRange> ranges, std::uint64_t pageSize);

  /// The pages of `range` that were written since it was reported last: bit n of the bytes is page n, so the
  /// bytes are little-endian words of 64 pages (V2-32). `range` starts and ends at a page.
  ///
  /// Errors: kInvalidArgument without a log or for a range that cannot be. Any other error means that the log
  /// is corrupt and all memory counts as written; later calls are kSessionFailed until stop() (V2-33).
  Result<std::vector<std::byte>> report(vfio::IovaRange range);

  /// Ends the log. Without one it does nothing.
  Status stop();

 private:
  vfio::Device& device_;
  /// Page size in use; 0 while no log runs.
  std::uint64_t pageSize_ = 0;
  bool corrupt_ = false;
};

}  // namespace transship::migration
