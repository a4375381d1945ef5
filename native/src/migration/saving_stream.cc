#include "migration/saving_stream.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "common/crc32c.hh"
#include "common/mutant.hh"
#include "migration/registers_v1.hh"

namespace transship::migration {
namespace {

// A device may hand out an empty segment; one that does so again and again would hold the user for ever.
constexpr int kMaxEmptySegments = 3;

Error segmentOpen() {
  return {.code = ErrorCode::kSegmentOpen,
          .message = "the current segment is not fully read; read it to its last piece first"};
}

}  // namespace

std::optional<Error> SavingStream::refusal() const {
  if (!failed_) {
    return std::nullopt;
  }
  return Error{
      .code = ErrorCode::kSessionFailed,
      .message = "this saving stream ended by a fault or was begun by another client; begin a new one"};
}

Error SavingStream::ended(Error error) {
  if (!TRANSSHIP_MUTANT("V1-54")) {
    failed_ = true;
  }
  return error;
}

Result<std::uint64_t> SavingStream::readPending() {
  auto pending = readRegister64(device_, region_, kPendingBytes);
  if (!pending) {
    return ended(std::move(pending.error()));
  }
  segment_.reset();  // the read acknowledged it
  return pending;
}

Result<SavingStream::Segment> SavingStream::readExtent() {
  // The read of data_offset is what makes the segment available; data_size means nothing before it (V1-41).
  Segment segment{};
  std::array<Register, 2> order{kDataOffset, kDataSize};
  if (TRANSSHIP_MUTANT("V1-41")) {
    std::swap(order[0], order[1]);
  }
  for (const Register from : order) {
    auto value = readRegister64(device_, region_, from);
    if (!value) {
      return ended(std::move(value.error()));
    }
    (from.offset == kDataOffset.offset ? segment.offset : segment.size) = *value;
  }
  return segment;
}

Result<SavingStream::Segment> SavingStream::makeAvailable() {
  auto segment = readExtent();
  if (segment && !window_.holds(segment->offset, segment->size) && !TRANSSHIP_MUTANT("V1-47")) {
    return ended({.code = ErrorCode::kDriverViolation,
                  .message = "the device offers a segment of " + std::to_string(segment->size) +
                             " bytes at " + std::to_string(segment->offset) + ", outside of its region of " +
                             std::to_string(window_.size()),
                  .field = kDataSize.name});
  }
  return segment;
}

Result<NextSegment> SavingStream::next(bool running) {
  if (auto refused = refusal()) {
    return *refused;
  }
  if (overflowRead_ < overflow_.size() || (segment_ && segment_->collected < segment_->size)) {
    return segmentOpen();
  }
  if (complete_) {
    return NextSegment{.size = 0, .ended = true};
  }
  for (;;) {
    auto pending = readPending();
    if (!pending) {
      return std::move(pending.error());
    }
    if (*pending == 0 || (TRANSSHIP_MUTANT("V1-38") && !running && *pending <= window_.size())) {
      emptySegments_ = 0;
      complete_ = !running || TRANSSHIP_MUTANT("V1-37");
      return NextSegment{.size = 0, .ended = complete_};
    }
    auto segment = makeAvailable();
    if (!segment) {
      return std::move(segment.error());
    }
    if (TRANSSHIP_MUTANT("V1-35")) {  // takes the estimate for the size
      segment->size = std::min(segment->size, *pending);
    }
    if (segment->size > 0) {
      emptySegments_ = 0;
      segment_ = *segment;
      return NextSegment{.size = segment->size, .ended = false};
    }
    if (++emptySegments_ == kMaxEmptySegments && !TRANSSHIP_MUTANT("V1-47")) {
      return ended({.code = ErrorCode::kNoProgress,
                    .message = "the device says that it has data but hands out empty segments",
                    .field = kDataSize.name});
    }
  }
}

Result<Piece> SavingStream::read(std::span<std::byte> into) {
  if (auto refused = refusal()) {
    return *refused;
  }
  if (overflowRead_ < overflow_.size()) {
    return readOverflow(into);
  }
  if (!segment_ || segment_->collected == segment_->size) {
    return Error{.code = ErrorCode::kNoSegment,
                 .message = "there is no segment to read; ask for the next one"};
  }
  const std::uint64_t left = segment_->size - segment_->collected;
  const auto piece = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left)));
  std::uint32_t crc = 0;
  if (Status read = window_.read(segment_->offset + segment_->collected, piece, crc); !read) {
    return ended(std::move(read.error()));
  }
  segment_->collected += piece.size();
  if (TRANSSHIP_MUTANT("V1-45")) {
    segment_->collected = segment_->size;  // believes that one piece is the whole segment
  }
  return Piece{.length = piece.size(), .crc32c = crc, .last = segment_->collected == segment_->size};
}

Result<Piece> SavingStream::readOverflow(std::span<std::byte> into) {
  const std::span<const std::byte> left = std::span{overflow_}.subspan(overflowRead_);
  const auto piece = into.first(std::min(into.size(), left.size()));
  std::memcpy(piece.data(), left.data(), piece.size());
  overflowRead_ += piece.size();
  const bool last = overflowRead_ == overflow_.size();
  if (last) {
    overflow_ = {};
    overflowRead_ = 0;
  }
  return Piece{.length = piece.size(), .crc32c = crc32c(piece), .last = last};
}

Result<std::uint64_t> SavingStream::pending() {
  if (auto refused = refusal()) {
    return *refused;
  }
  if (segment_ && segment_->collected < segment_->size && !TRANSSHIP_MUTANT("V1-43")) {
    return segmentOpen();
  }
  auto pending = readPending();
  if (pending && TRANSSHIP_MUTANT("V1-36") && *pending > window_.size()) {
    return ended({.code = ErrorCode::kDriverViolation, .message = "the estimate grew"});
  }
  if (pending && *pending != 0 && TRANSSHIP_MUTANT("V1-42")) {  // looks further than the estimate
    [[maybe_unused]] auto lost = readExtent();
  }
  return pending;
}

Status SavingStream::collectRemainder() {
  if (failed_ || !segment_ || TRANSSHIP_MUTANT("V1-43")) {
    return Done{};  // after a fault there is nothing that could still be collected
  }
  const auto left = static_cast<std::size_t>(segment_->size - segment_->collected);
  try {
    overflow_.resize(left);
  } catch (const std::bad_alloc&) {
    return Error{.code = ErrorCode::kOutOfMemory,
                 .message = "no memory to collect the " + std::to_string(left) + " bytes left of a segment",
                 .errorNumber = ENOMEM};
  }
  overflowRead_ = 0;
  std::uint32_t unused = 0;
  if (Status read = window_.read(segment_->offset + segment_->collected, overflow_, unused); !read) {
    overflow_ = {};
    return ended(std::move(read.error()));
  }
  auto acknowledged = readPending();
  return acknowledged ? Status{Done{}} : Status{std::move(acknowledged.error())};
}

}  // namespace transship::migration
