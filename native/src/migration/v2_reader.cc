#include "migration/v2_reader.hh"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/crc32c.hh"
#include "common/mutant.hh"
#include "migration/v2_transfer.hh"

namespace transship::migration {
namespace {

constexpr const char* kField = "data";

}  // namespace

Error StreamReader::ended(Error error) {
  failed_ = true;
  size_ = taken_ = 0;
  error.field = kField;
  return error;
}

Result<StreamReader::Pause> StreamReader::fill(bool running) {
  buffer_.resize(kStreamSegment);
  while (size_ < buffer_.size()) {
    const auto room = std::span{buffer_}.subspan(size_);
    auto got = uninterrupted([&] { return data_->read(room); });
    if (!got) {
      const bool access = got.error().code == ErrorCode::kAccessFailed;
      if (access && got.error().errorNumber == EAGAIN) {
        return Pause::kNothingNow;
      }
      if (access && got.error().errorNumber == ENOMSG) {
        if (running) {
          return Pause::kNothingNow;
        }
        if (TRANSSHIP_MUTANT("V2-14")) {
          return Pause::kEnd;
        }
        return ended({.code = ErrorCode::kDriverViolation,
                      .message =
                          "the device says that it has nothing now, but stopped it can only have reached the "
                          "end of its data",
                      .errorNumber = ENOMSG});
      }
      return ended(std::move(got.error()));
    }
    if (*got == 0) {
      return running && !TRANSSHIP_MUTANT("V2-13") ? Pause::kNothingNow : Pause::kEnd;
    }
    size_ += *got;
    stopCopyBytes_ += running ? 0 : *got;
  }
  return Pause::kNone;
}

Result<NextSegment> StreamReader::next(bool running) {
  if (failed_) {
    return Error{.code = ErrorCode::kSessionFailed,
                 .message = "this saving stream ended by a fault; begin a new one"};
  }
  if (taken_ < size_) {
    return Error{.code = ErrorCode::kSegmentOpen,
                 .message = "the current segment is not fully read; read it to its last piece first"};
  }
  size_ = taken_ = 0;
  if (!complete_) {
    auto pause = fill(running);
    if (!pause) {
      return std::move(pause.error());
    }
    complete_ = *pause == Pause::kEnd;
  }
  return NextSegment{.size = size_, .ended = size_ == 0 && complete_};
}

Result<Piece> StreamReader::read(std::span<std::byte> into) {
  if (taken_ == size_) {
    return Error{.code = failed_ ? ErrorCode::kSessionFailed : ErrorCode::kNoSegment,
                 .message = failed_ ? "this saving stream ended by a fault; begin a new one"
                                    : "there is no segment to read; ask for the next one"};
  }
  const auto left = std::span<const std::byte>{buffer_}.first(size_).subspan(taken_);
  const auto piece = into.first(std::min(into.size(), left.size()));
  std::memcpy(piece.data(), left.data(), piece.size());
  taken_ += piece.size();
  return Piece{.length = piece.size(), .crc32c = crc32c(piece), .last = taken_ == size_};
}

Result<std::optional<vfio::PrecopyInfo>> StreamReader::precopyInfo() {
  if (failed_) {
    return Error{.code = ErrorCode::kSessionFailed,
                 .message = "this saving stream ended by a fault; begin a new one"};
  }
  auto info = data_->precopyInfo();
  if (info) {
    return std::optional{*info};
  }
  const int why = info.error().errorNumber;
  if (info.error().code == ErrorCode::kAccessFailed && (why == EINVAL || why == ENOTTY)) {
    return std::optional<vfio::PrecopyInfo>{};
  }
  info.error().field = "precopy_info";
  return std::move(info.error());
}

}  // namespace transship::migration
