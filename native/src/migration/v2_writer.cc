#include "migration/v2_writer.hh"

#include <algorithm>
#include <cerrno>
#include <string>

#include "common/mutant.hh"
#include "migration/resuming_sink.hh"
#include "migration/v2_transfer.hh"

namespace transship::migration {
namespace {

constexpr const char* kField = "data";
// Writes that the device is not ready for, one after the other: a device waits a moment with each.
constexpr int kMaxNotReady = 25;

}  // namespace

Status StreamWriter::begin(std::uint64_t size) {
  if (failed_) {
    return resumingFailed();
  }
  if (segmentOpen()) {
    return Error{.code = ErrorCode::kSegmentOpen, .message = "the current segment is not committed"};
  }
  if (size == 0) {
    return Error{.code = ErrorCode::kInvalidArgument, .message = "a segment has bytes"};
  }
  if (size > kStreamSegment) {
    return Error{.code = ErrorCode::kSegmentTooLarge,
                 .message = "a segment has at most " + std::to_string(kStreamSegment) + " bytes, not " +
                            std::to_string(size)};
  }
  buffer_.clear();
  buffer_.reserve(static_cast<std::size_t>(size));
  announced_ = size;
  return Done{};
}

Status StreamWriter::write(std::span<const std::byte> data) {
  if (failed_) {
    return resumingFailed();
  }
  if (!segmentOpen()) {
    return Error{.code = ErrorCode::kNoSegment, .message = "no segment was begun"};
  }
  if (data.size() > announced_ - buffer_.size()) {
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = "the segment takes " + std::to_string(announced_ - buffer_.size()) +
                            " more bytes, not " + std::to_string(data.size())};
  }
  buffer_.insert(buffer_.end(), data.begin(), data.end());
  return Done{};
}

Status StreamWriter::commit() {
  if (failed_) {
    return resumingFailed();
  }
  if (!segmentOpen()) {
    return Error{.code = ErrorCode::kNoSegment, .message = "no segment was begun"};
  }
  if (buffer_.size() != announced_) {
    return Error{.code = ErrorCode::kSegmentIncomplete,
                 .message = std::to_string(buffer_.size()) + " of " + std::to_string(announced_) +
                            " bytes of the segment were written"};
  }
  announced_ = 0;
  std::span<const std::byte> left = buffer_;
  int notReady = 0;
  while (!left.empty()) {
    const auto offered =
        TRANSSHIP_MUTANT("V2-10") ? left.first(std::min<std::size_t>(left.size(), 16)) : left;
    auto taken = uninterrupted([&] { return data_->write(offered); });
    if (!taken && taken.error().errorNumber == EAGAIN && ++notReady < kMaxNotReady) {
      continue;
    }
    if (!taken || *taken == 0 || *taken > offered.size()) {
      failed_ = true;
      Error error = taken
                        ? Error{.code = ErrorCode::kAccessFailed, .message = "the device takes no more data"}
                        : std::move(taken.error());
      error.field = kField;
      return error;
    }
    notReady = 0;
    left = left.subspan(*taken);
    if (TRANSSHIP_MUTANT("V2-12")) {
      break;  // believes that one write takes everything
    }
  }
  return Done{};
}

}  // namespace transship::migration
