#pragma once

#include <cstdint>
#include <optional>

#include "common/error.hh"
#include "migration/device_state.hh"
#include "vfio/device.hh"

namespace transship::migration {

/// device_state of a v1 migration region, and what this client knows about it: it is the only one who
/// writes the register, so each value read must be the one written last (V1-03, V1-07).
class StateRegister {
 public:
  StateRegister(vfio::Device& device, std::uint32_t region) : device_(device), region_(region) {}

  /// The whole register, uninterpreted.
  Result<std::uint32_t> readRaw();

  /// The state that the register shows. kDriverViolation for a value that is never valid.
  Result<DeviceState> read();

  /// Takes whatever state the device is in as the known one; for a device just opened. A state that is never
  /// valid is kept for verify() to report.
  Status adopt();

  /// Reads the register before a write and checks that a write may follow. Returns the whole value.
  ///
  /// Errors: kDeviceError in Error (V1-10); kForeignStateChange when the state is not the known one (V1-07)
  /// and from then on; kDriverViolation after a value that cannot be. Only a reset ends the last two.
  Result<std::uint32_t> verify();

  /// Writes `nibble`, keeping bits 31:4 of `current`, the value that verify() returned (V1-31). Success means
  /// that the device is in the new state; nothing is polled (V1-04).
  ///
  /// On an error reply the register is re-read before anything else (V1-08): kArcRefused when the state is
  /// unchanged, kDeviceError when the device went to Error, kDriverViolation for any other (V1-09).
  Status write(std::uint32_t current, std::uint8_t nibble);

  /// To be called after VFIO_DEVICE_RESET: exactly RUNNING is required (V1-11), else kResetFailed.
  Status verifyReset();

  /// The state known last; none before adopt() and while it is in doubt.
  [[nodiscard]] std::optional<DeviceState> known() const noexcept { return known_; }

  /// From here on only a reset helps: verify() returns `error` until one succeeds. Returns it too.
  Error giveUp(Error error);

  /// Why only a reset can help, once that is so (V1-07, V1-09).
  [[nodiscard]] const std::optional<Error>& doubt() const noexcept { return doubt_; }

 private:
  Error refused(Error writeError, std::uint32_t before);

  vfio::Device& device_;
  std::uint32_t region_;
  std::optional<DeviceState> known_;
  std::optional<Error> doubt_;
};

}  // namespace transship::migration
