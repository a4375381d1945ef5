#include "migration/state_register.hh"

#include <array>
#include <cstddef>
#include <cstdio>
#include <string>

#include "common/mutant.hh"
#include "migration/registers_v1.hh"

namespace transship::migration {
namespace {

constexpr const char* kField = "device_state";

std::string hex(std::uint32_t value) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%x", value);
  return text.data();
}

Error neverValid(std::uint32_t value) {
  return {.code = ErrorCode::kDriverViolation,
          .message = "device_state reads " + hex(value) + ", which is never valid; reset the device",
          .field = kField};
}

Error inError(int errorNumber) {
  return {.code = ErrorCode::kDeviceError,
          .message = "the device is in its error state; only a reset leaves it",
          .errorNumber = errorNumber,
          .field = kField,
          .state = stateName(DeviceState::kError)};
}

}  // namespace

Error StateRegister::giveUp(Error error) {
  known_.reset();
  doubt_ = error;
  return error;
}

Result<std::uint32_t> StateRegister::readRaw() { return readRegister32(device_, region_, kDeviceState); }

Result<DeviceState> StateRegister::read() {
  auto raw = readRaw();
  if (!raw) {
    return std::move(raw.error());
  }
  const auto state = stateOfRegister(*raw);
  return state ? Result<DeviceState>{*state} : Result<DeviceState>{neverValid(*raw)};
}

Status StateRegister::adopt() {
  auto raw = readRaw();
  if (!raw) {
    return std::move(raw.error());
  }
  known_ = stateOfRegister(*raw);
  if (!known_) {
    giveUp(neverValid(*raw));
  }
  return Done{};
}

Result<std::uint32_t> StateRegister::verify() {
  if (doubt_) {
    return *doubt_;
  }
  auto raw = readRaw();
  if (!raw) {
    return raw;
  }
  const auto state = stateOfRegister(*raw);
  if (!state) {
    return giveUp(neverValid(*raw));
  }
  if (state == DeviceState::kError && !TRANSSHIP_MUTANT("V1-10")) {
    known_ = state;
    return inError(0);
  }
  if (state != known_ && !TRANSSHIP_MUTANT("V1-07")) {
    return giveUp({.code = ErrorCode::kForeignStateChange,
                   .message = std::string("the device is in ") + stateName(*state) +
                              " but was last brought to " + (known_ ? stateName(*known_) : "none") +
                              "; somebody else drives it or it was reset, so its state is lost",
                   .field = kField,
                   .state = stateName(*state)});
  }
  return raw;
}

Status StateRegister::write(std::uint32_t current, std::uint8_t nibble) {
  const std::uint32_t kept = TRANSSHIP_MUTANT("V1-31") ? 0 : current & ~vfio::kStateMask;
  const std::uint32_t value = kept | nibble;
  Status written = writeRegister32(device_, region_, kDeviceState, value);
  if (written) {
    known_ = stateOfRegister(nibble);
    if (TRANSSHIP_MUTANT("V1-04")) {  // polls for what the write has already said
      [[maybe_unused]] auto again = readRaw();
    }
    return Done{};
  }
  if (written.error().code != ErrorCode::kAccessFailed) {
    return written;  // the way to the device is gone, there is nothing to re-read
  }
  return refused(std::move(written.error()), current);
}

Error StateRegister::refused(Error writeError, std::uint32_t before) {
  if (TRANSSHIP_MUTANT("V1-08")) {
    writeError.code = ErrorCode::kArcRefused;
    return writeError;
  }
  auto raw = readRaw();
  if (!raw) {
    return writeError;  // the first error is the one that tells most
  }
  const auto state = stateOfRegister(*raw);
  if (state == DeviceState::kError) {
    known_ = state;
    return inError(writeError.errorNumber);
  }
  if (state && TRANSSHIP_MUTANT("V1-09")) {
    known_ = state;
  } else if (!state || state != stateOfRegister(before)) {
    return giveUp({.code = ErrorCode::kDriverViolation,
                   .message = "a refused write left device_state at " + hex(*raw) + " instead of " +
                              hex(before) + " or the error state; reset the device",
                   .errorNumber = writeError.errorNumber,
                   .field = kField,
                   .state = state ? stateName(*state) : nullptr});
  }
  return {.code = ErrorCode::kArcRefused,
          .message = std::string("the device refused to change its state and stays in ") + stateName(*state),
          .errorNumber = writeError.errorNumber,
          .field = kField,
          .state = stateName(*state)};
}

Status StateRegister::verifyReset() {
  if (TRANSSHIP_MUTANT("V1-11")) {
    doubt_.reset();
    known_ = DeviceState::kRunning;
    return Done{};
  }
  auto raw = readRaw();
  if (!raw) {
    return std::move(raw.error());
  }
  const auto state = stateOfRegister(*raw);
  if ((*raw & vfio::kStateMask) != vfio::kStateRunning) {
    return giveUp({.code = ErrorCode::kResetFailed,
                   .message = "device_state reads " + hex(*raw) +
                              " after a reset, not Running; the device must not "
                              "be handed out",
                   .field = kField,
                   .state = state ? stateName(*state) : nullptr});
  }
  doubt_.reset();
  known_ = DeviceState::kRunning;
  return Done{};
}

}  // namespace transship::migration
