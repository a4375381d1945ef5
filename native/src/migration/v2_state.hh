#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "common/error.hh"
#include "migration/device_state.hh"
#include "vfio/device.hh"

namespace transship::migration {

/// VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE of a v2 device, and what this client knows about it: it is the only
/// one who changes the state, so a device found elsewhere was driven or reset by somebody else.
class StateV2 {
 public:
  explicit StateV2(vfio::Device& device) : device_(device) {}

  /// The number that the device shows, uninterpreted.
  Result<std::uint32_t> readRaw();

  /// The state that the device shows. kDriverViolation for a number that this client does not know.
  Result<DeviceState> read();

  /// Takes whatever state the device is in as the known one; for a device just opened.
  Status adopt();

  /// Reads the state and checks that a request may follow.
  ///
  /// Errors: kDeviceError in Error; kForeignStateChange when the state is not the known one and from then on;
  /// kDriverViolation for an unknown number and from then on. Only a reset ends the last two.
  Result<DeviceState> verify();

  /// Asks for `to`, one arc away. Success means that the device is there; `opensStream` says whether the
  /// reply must bring a stream or must not (V2-06).
  ///
  /// When the device refuses, its state is read before anything else: it may be any (V2-04). kArcRefused
  /// tells in `state` where the device is now, which is then the known state; kDeviceError in Error.
  /// kDriverViolation when the reply contradicts the request or the state has no name; then only a reset
  /// helps.
  Result<std::unique_ptr<vfio::MigrationData>> request(DeviceState to, bool opensStream);

  /// To be called after VFIO_DEVICE_RESET: Running is required (V2-27), else kResetFailed.
  Status verifyReset();

  /// Tells what a refused transfer of data means: the device is in Error, somebody reset or drives it, or
  /// `refused` is all there is to say (V2-15). Other errors than kAccessFailed are handed back as they are.
  Error explain(Error refused);

  /// The state known last; none before adopt() and while it is in doubt.
  [[nodiscard]] std::optional<DeviceState> known() const noexcept { return known_; }

  /// From here on only a reset helps: verify() returns `error` until one succeeds. Returns it too.
  Error giveUp(Error error);

  /// Why only a reset can help, once that is so.
  [[nodiscard]] const std::optional<Error>& doubt() const noexcept { return doubt_; }

 private:
  Error refused(Error error);

  vfio::Device& device_;
  std::optional<DeviceState> known_;
  std::optional<Error> doubt_;
};

}  // namespace transship::migration
