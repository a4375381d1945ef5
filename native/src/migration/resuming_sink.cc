#include "migration/resuming_sink.hh"

#include <string>

#include "common/mutant.hh"
#include "migration/registers_v1.hh"

namespace transship::migration {

Error resumingFailed() {
  return {.code = ErrorCode::kSessionFailed,
          .message = "loading failed or was begun by another client; reset the device and load it anew"};
}

Error ResumingSink::ended(Error error) {
  if (!TRANSSHIP_MUTANT("V1-54")) {
    failed_ = true;
  }
  segment_.reset();
  return error;
}

// The offset may move from segment to segment, and its read is where the device can raise a fault, whether
// the data section is mapped or not (V1-44, V1-55).
Result<std::uint64_t> ResumingSink::readOffset() {
  if (TRANSSHIP_MUTANT("V1-44")) {
    return std::uint64_t{sizeof(vfio::MigrationInfo)};
  }
  if (TRANSSHIP_MUTANT("V1-55") && !window_.mappedAreas().empty()) {
    return window_.mappedAreas().front().offset;
  }
  return readRegister64(device_, region_, kDataOffset);
}

Status ResumingSink::begin(std::uint64_t size) {
  if (failed_) {
    return resumingFailed();
  }
  if (segment_) {
    return Error{.code = ErrorCode::kSegmentOpen, .message = "the current segment is not committed"};
  }
  if (size == 0) {
    return Error{.code = ErrorCode::kInvalidArgument, .message = "a segment has bytes"};
  }
  auto offset = readOffset();
  if (!offset) {
    return ended(std::move(offset.error()));
  }
  if (!window_.holds(*offset, 0)) {
    return ended({.code = ErrorCode::kDriverViolation,
                  .message = "the device wants data at " + std::to_string(*offset) +
                             ", outside of its region of " + std::to_string(window_.size()),
                  .field = kDataOffset.name});
  }
  if (!window_.holds(*offset, size) && !TRANSSHIP_MUTANT("V1-52")) {
    return Error{.code = ErrorCode::kSegmentTooLarge,
                 .message = "the device takes segments of up to " + std::to_string(window_.size() - *offset) +
                            " bytes, not " + std::to_string(size) + "; a segment must not be split",
                 .field = kDataOffset.name};
  }
  segment_ = Segment{.offset = *offset, .size = size, .written = 0};
  if (TRANSSHIP_MUTANT("V1-49")) {  // announces the size before the data is there
    return writeRegister64(device_, region_, kDataSize, size);
  }
  return Done{};
}

Status ResumingSink::write(std::span<const std::byte> data) {
  if (failed_) {
    return resumingFailed();
  }
  if (!segment_) {
    return Error{.code = ErrorCode::kNoSegment, .message = "no segment was begun"};
  }
  if (data.size() > segment_->size - segment_->written) {
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = "the segment takes " + std::to_string(segment_->size - segment_->written) +
                            " more bytes, not " + std::to_string(data.size())};
  }
  if (Status written = window_.write(segment_->offset + segment_->written, data); !written) {
    return ended(std::move(written.error()));
  }
  segment_->written += data.size();
  return Done{};
}

Status ResumingSink::commit() {
  if (failed_) {
    return resumingFailed();
  }
  if (!segment_) {
    return Error{.code = ErrorCode::kNoSegment, .message = "no segment was begun"};
  }
  if (segment_->written != segment_->size) {
    return Error{.code = ErrorCode::kSegmentIncomplete,
                 .message = std::to_string(segment_->written) + " of " + std::to_string(segment_->size) +
                            " bytes of the segment were written"};
  }
  const std::uint64_t size = TRANSSHIP_MUTANT("V1-50") ? segment_->size - 1 : segment_->size;
  if (TRANSSHIP_MUTANT("V1-49")) {
    segment_.reset();
    return Done{};
  }
  if (Status written = writeRegister64(device_, region_, kDataSize, size); !written) {
    return ended(std::move(written.error()));
  }
  segment_.reset();
  return Done{};
}

}  // namespace transship::migration
