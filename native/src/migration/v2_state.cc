#include "migration/v2_state.hh"

#include <cerrno>
#include <string>

#include "common/mutant.hh"
#include "migration/v2_states.hh"

namespace transship::migration {
namespace {

constexpr const char* kField = "device_state";

Error unknownState(std::uint32_t value) {
  return {.code = ErrorCode::kDriverViolation,
          .message = "the device is in state " + std::to_string(value) +
                     ", which this client does not know; reset the device",
          .field = kField};
}

Error inError(int errorNumber) {
  return {.code = ErrorCode::kDeviceError,
          .message = "the device is in its error state; only a reset leaves it",
          .errorNumber = errorNumber,
          .field = kField,
          .state = stateName(DeviceState::kError)};
}

Error foreign(DeviceState found, std::optional<DeviceState> known) {
  return {.code = ErrorCode::kForeignStateChange,
          .message = std::string("the device is in ") + stateName(found) + " but was last brought to " +
                     (known ? stateName(*known) : "none") +
                     "; somebody else drives it or it was reset, so its state is lost",
          .field = kField,
          .state = stateName(found)};
}

}  // namespace

Error StateV2::giveUp(Error error) {
  known_.reset();
  doubt_ = error;
  return error;
}

Result<std::uint32_t> StateV2::readRaw() {
  auto raw = device_.migrationState();
  if (!raw) {
    raw.error().field = kField;
  }
  return raw;
}

Result<DeviceState> StateV2::read() {
  auto raw = readRaw();
  if (!raw) {
    return std::move(raw.error());
  }
  const auto state = stateOfMigState(*raw);
  return state ? Result<DeviceState>{*state} : Result<DeviceState>{unknownState(*raw)};
}

Status StateV2::adopt() {
  auto raw = readRaw();
  if (!raw) {
    return std::move(raw.error());
  }
  known_ = stateOfMigState(*raw);
  if (!known_) {
    giveUp(unknownState(*raw));
  }
  return Done{};
}

Result<DeviceState> StateV2::verify() {
  if (doubt_) {
    return *doubt_;
  }
  auto raw = readRaw();
  if (!raw) {
    return std::move(raw.error());
  }
  const auto state = stateOfMigState(*raw);
  if (!state) {
    return giveUp(unknownState(*raw));
  }
  if (state == DeviceState::kError) {
    known_ = state;
    return inError(0);
  }
  if (state != known_) {
    return giveUp(foreign(*state, known_));
  }
  return *state;
}

Result<std::unique_ptr<vfio::MigrationData>> StateV2::request(DeviceState to, bool opensStream) {
  const auto value = static_cast<std::uint32_t>(migStateOf(to));
  auto reply = device_.setMigrationState(value);
  if (!reply) {
    // Where the way to the device is gone there is nothing to read.
    return reply.error().code == ErrorCode::kAccessFailed ? refused(std::move(reply.error()))
                                                          : std::move(reply.error());
  }
  if (reply->state != value) {
    return giveUp({.code = ErrorCode::kDriverViolation,
                   .message = std::string("the device was asked for ") + stateName(to) +
                              " and agreed, but names state " + std::to_string(reply->state),
                   .field = kField});
  }
  if (opensStream != (reply->data != nullptr) && !TRANSSHIP_MUTANT("V2-06")) {
    // What came unasked is closed with the reply.
    return giveUp(
        {.code = ErrorCode::kDriverViolation,
         .message = std::string("the device went to ") + stateName(to) +
                    (opensStream ? " without a data stream" : " with a data stream that nobody asked for"),
         .field = kField,
         .state = stateName(to)});
  }
  known_ = to;
  return std::move(reply->data);
}

Error StateV2::refused(Error error) {
  error.field = kField;
  if (TRANSSHIP_MUTANT("V2-04")) {
    error.code = ErrorCode::kArcRefused;
    return error;
  }
  auto raw = readRaw();
  if (!raw) {
    return giveUp(std::move(error));  // the first error tells most; where the device is, nobody knows
  }
  known_ = stateOfMigState(*raw);
  if (!known_) {
    return giveUp(unknownState(*raw));
  }
  if (known_ == DeviceState::kError) {
    return inError(error.errorNumber);
  }
  return {.code = ErrorCode::kArcRefused,
          .message = std::string("the device refused to change its state and is in ") + stateName(*known_),
          .errorNumber = error.errorNumber,
          .field = kField,
          .state = stateName(*known_)};
}

Error StateV2::explain(Error refused) {
  if (refused.code != ErrorCode::kAccessFailed || TRANSSHIP_MUTANT("V2-15")) {
    return refused;
  }
  auto now = verify();
  if (!now) {
    // A device that does not even tell its state adds nothing to what is known.
    return now.error().code == ErrorCode::kAccessFailed ? refused : std::move(now.error());
  }
  if (refused.errorNumber == ENODEV) {
    refused.code = ErrorCode::kSessionFailed;
    refused.message = "the device has ended this stream; begin a new one";
  }
  refused.state = stateName(*now);
  return refused;
}

Status StateV2::verifyReset() {
  if (TRANSSHIP_MUTANT("V2-27")) {
    doubt_.reset();
    known_ = DeviceState::kRunning;
    return Done{};
  }
  auto raw = readRaw();
  if (!raw) {
    return std::move(raw.error());
  }
  const auto state = stateOfMigState(*raw);
  if (state != DeviceState::kRunning) {
    return giveUp({.code = ErrorCode::kResetFailed,
                   .message = "the device is in state " + std::to_string(*raw) +
                              " after a reset, not in Running; it must not be handed out",
                   .field = kField,
                   .state = state ? stateName(*state) : nullptr});
  }
  doubt_.reset();
  known_ = state;
  return Done{};
}

}  // namespace transship::migration
