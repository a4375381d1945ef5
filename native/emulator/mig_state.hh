#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "vfio/abi.hh"

namespace transship::emulator {

/// The v1 nibbles of the v2 states, by their number in enum vfio_device_mig_state. Each v2 state is one of
/// the things that the nibble's bits name (see DeviceCore).
inline constexpr std::array<std::uint32_t, 8> kNibbles{
    vfio::kStateError,                                            // ERROR
    0,                                                            // STOP
    vfio::kStateRunning,                                          // RUNNING
    vfio::kStateSaving,                                           // STOP_COPY
    vfio::kStateResuming,                                         // RESUMING
    vfio::kStateNdma | vfio::kStateRunning,                       // RUNNING_P2P
    vfio::kStateSaving | vfio::kStateRunning,                     // PRE_COPY
    vfio::kStateNdma | vfio::kStateSaving | vfio::kStateRunning,  // PRE_COPY_P2P
};

/// A nibble that is no state of either protocol; stands for numbers that name none.
inline constexpr std::uint32_t kNoState = 0x7;

/// kNoState for a number that vfio.h does not know.
[[nodiscard]] constexpr std::uint32_t nibbleOf(std::uint32_t number) noexcept {
  return number < kNibbles.size() ? kNibbles[number] : kNoState;
}

/// Inverse of nibbleOf(); superfluous NDMA is dropped first.
[[nodiscard]] constexpr std::uint32_t numberOf(std::uint32_t nibble) noexcept {
  const std::uint32_t plain = (nibble & vfio::kStateRunning) != 0 ? nibble : nibble & ~vfio::kStateNdma;
  for (std::uint32_t number = 0; number < kNibbles.size(); ++number) {
    if (kNibbles[number] == plain) {
      return number;
    }
  }
  return 0;
}

/// Which of the optional states of v2 a device has.
struct MigFeatures {
  bool p2p = false;
  bool preCopy = false;
};

/// Whether the device has the state at all (vfio.h, VFIO_DEVICE_FEATURE_MIGRATION). ERROR is none to go to.
[[nodiscard]] bool offersState(MigFeatures features, std::uint32_t nibble) noexcept;

/// The states that a SET passes through, the last one being `to`: the shortest path of arcs that the device
/// has (vfio.h, enum vfio_device_mig_state). Empty when `to` is `from`; nothing when the SET is refused.
/// States are given as nibbles.
[[nodiscard]] std::optional<std::vector<std::uint32_t>> migPath(MigFeatures features, std::uint32_t from,
                                                                std::uint32_t to);

}  // namespace transship::emulator
