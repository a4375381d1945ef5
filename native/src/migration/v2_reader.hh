#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/error.hh"
#include "migration/session.hh"
#include "vfio/device.hh"

namespace transship::migration {

/// The data of one saving session of a v2 device, from the arc that opened its stream until the device leaves
/// the saving group, over the switch from pre-copy to stop-copy (V2-08).
///
/// The stream has no segments of its own: each one here is what the device gave without a pause, in memory,
/// at most kStreamSegment bytes of it. A segment therefore stays readable whatever the device does next.
class StreamReader {
 public:
  explicit StreamReader(std::unique_ptr<vfio::MigrationData> data) : data_(std::move(data)) {}

  /// Reads the next segment. `running` says whether the device is in pre-copy, where having nothing is no
  /// end: some drivers say so with ENOMSG, some with a read of nothing (V2-13). In stop-copy a read of
  /// nothing is the end, and ENOMSG a driver's fault (V2-14).
  ///
  /// Errors: kSegmentOpen while pieces of the previous segment are left; kDriverViolation; those of the
  /// stream, which has then ended.
  Result<NextSegment> next(bool running);

  /// Copies out the next piece of the current segment. kNoSegment when there is none.
  Result<Piece> read(std::span<std::byte> into);

  /// VFIO_MIG_GET_PRECOPY_INFO on this stream; nothing where the device or the way to it has no such request,
  /// or when the device has left pre-copy (V2-16).
  Result<std::optional<vfio::PrecopyInfo>> precopyInfo();

  /// Bytes that came while the device was stopped.
  [[nodiscard]] std::uint64_t stopCopyBytes() const noexcept { return stopCopyBytes_; }

  /// Whether the stream has ended by a fault.
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  enum class Pause : std::uint8_t { kNone, kNothingNow, kEnd };

  /// Fills the buffer as far as it goes and tells what stopped it.
  Result<Pause> fill(bool running);
  Error ended(Error error);

  std::unique_ptr<vfio::MigrationData> data_;
  std::vector<std::byte> buffer_;
  /// The segment is buffer_[0 .. size_), read up to taken_.
  std::size_t size_ = 0;
  std::size_t taken_ = 0;
  std::uint64_t stopCopyBytes_ = 0;
  bool complete_ = false;
  bool failed_ = false;
};

}  // namespace transship::migration
