#pragma once

#include <cstdint>

#include "vfio/abi.hh"

namespace transship::emulator {

/// Whether a user may write this nibble to device_state: RESUMING excludes SAVING and RUNNING, everything
/// else goes (NDMA specification L236-246). ERROR is none of them.
[[nodiscard]] constexpr bool isValidState(std::uint32_t nibble) noexcept {
  return (nibble & vfio::kStateResuming) == 0 || (nibble & (vfio::kStateSaving | vfio::kStateRunning)) == 0;
}

}  // namespace transship::emulator
