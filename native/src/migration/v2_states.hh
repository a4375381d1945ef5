#pragma once

#include <cstdint>
#include <optional>

#include "migration/device_state.hh"
#include "vfio/abi.hh"

namespace transship::migration {

/// The state that a v2 device shows; none for a number that this client does not know, which a later kernel
/// may use (V2-04).
[[nodiscard]] std::optional<DeviceState> stateOfMigState(std::uint32_t value) noexcept;

/// The v2 value of a state.
[[nodiscard]] vfio::MigState migStateOf(DeviceState state) noexcept;

}  // namespace transship::migration
