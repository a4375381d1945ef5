#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "vfio/abi.hh"

namespace transship::migration {

/// The migration states of a device, one vocabulary for all protocols.
enum class DeviceState : std::uint8_t {
  kRunning,
  kRunningP2p,  // v1: NDMA | RUNNING
  kPreCopy,     // v1: SAVING | RUNNING
  kPreCopyP2p,  // v1: NDMA | SAVING | RUNNING
  kStopCopy,    // v1: SAVING
  kStop,        // v1: no bit
  kResuming,    // v1: RESUMING
  kError,       // v1: SAVING | RESUMING
};

/// The name that TypeScript, the API and people use: "PreCopyP2P". A static string.
[[nodiscard]] const char* stateName(DeviceState state) noexcept;

/// The state of that name, none for any other text.
[[nodiscard]] std::optional<DeviceState> stateOfName(std::string_view name) noexcept;

/// The state that a value of device_state shows. Reserved bits 31:4 are masked off first, so 0x16 is Error
/// as well (V1-32). NDMA without RUNNING means the same as without NDMA (V1-29). None for the five values
/// that are never valid: 0x5, 0x7, 0xD, 0xE, 0xF (RFC L236-246).
[[nodiscard]] std::optional<DeviceState> stateOfRegister(std::uint32_t value) noexcept;

[[nodiscard]] constexpr bool isRunning(DeviceState state) noexcept {
  return state == DeviceState::kRunning || state == DeviceState::kRunningP2p ||
         state == DeviceState::kPreCopy || state == DeviceState::kPreCopyP2p;
}

[[nodiscard]] constexpr bool isSaving(DeviceState state) noexcept {
  return state == DeviceState::kPreCopy || state == DeviceState::kPreCopyP2p ||
         state == DeviceState::kStopCopy;
}

[[nodiscard]] constexpr bool isP2p(DeviceState state) noexcept {
  return state == DeviceState::kRunningP2p || state == DeviceState::kPreCopyP2p;
}

}  // namespace transship::migration
