// Errors as plain data. Nothing in this tree throws for a condition that a device, a peer or a caller can
// cause: functions return Result, and the binding hands the fields to JavaScript one by one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace transship {

/// What went wrong, by the action that helps. errorName() gives the stable name that users see; the same
/// names with what to do about each stand in native/lib/errors.ts.
enum class ErrorCode : std::uint8_t {
  kAccessFailed,
  kArcRefused,
  kBadRegionInfo,
  kClosed,
  kConnectFailed,
  kConnectTimeout,
  kConnectionLost,
  kDeviceBusy,
  kDeviceError,
  kDriverViolation,
  kForeignStateChange,
  kIllegalArc,
  kInternal,
  kInvalidArgument,
  kIommuRefused,
  kLoadRejected,
  kNoP2p,
  kNoProgress,
  kNoSegment,
  kNotAllowed,
  kNotFound,
  kNotMigratable,
  kNotResuming,
  kNotSaving,
  kOutOfMemory,
  kProtocolViolation,
  kQueueFull,
  kResetFailed,
  kResetUnsupported,
  kSegmentIncomplete,
  kSegmentOpen,
  kSegmentTooLarge,
  kSessionFailed,
  kVersionUnsupported,
};

/// The stable name of a code, "TRANSSHIP_CLOSED" for kClosed.
[[nodiscard]] std::string_view errorName(ErrorCode code) noexcept;

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  /// One sentence for people: what happened, and where it helps, what to do.
  std::string message = {};
  /// errno of the device, of the peer or of the system; 0 when none belongs to it.
  int errorNumber = 0;
  /// The register or field that was accessed ("device_state", "data"); nullptr when none was.
  const char* field = nullptr;
  /// Name of the device state read after the failure (V1-08); nullptr when it was not read.
  const char* state = nullptr;
};

/// A value or the error that kept it from being made.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : outcome_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Error error) : outcome_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] explicit operator bool() const noexcept { return outcome_.index() == 0; }
  [[nodiscard]] T& operator*() noexcept { return *std::get_if<0>(&outcome_); }
  [[nodiscard]] const T& operator*() const noexcept { return *std::get_if<0>(&outcome_); }
  [[nodiscard]] T* operator->() noexcept { return std::get_if<0>(&outcome_); }
  [[nodiscard]] const T* operator->() const noexcept { return std::get_if<0>(&outcome_); }
  [[nodiscard]] Error& error() noexcept { return *std::get_if<1>(&outcome_); }
  [[nodiscard]] const Error& error() const noexcept { return *std::get_if<1>(&outcome_); }

 private:
  std::variant<T, Error> outcome_;
};

/// The value of a Result that has none.
struct Done {};
using Status = Result<Done>;

}  // namespace transship
