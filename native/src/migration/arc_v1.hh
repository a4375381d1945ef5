// The legal arcs of a v1 device and the register writes that each of them takes.
//
//   Running ---- RunningP2P ---- Stop ---- Resuming          one bit per write, except Stop -> RunningP2P:
//      |             |           | |                         0x0 -> 0x9 in one write, since either single bit
//   PreCopy ---- PreCopyP2P -> StopCopy                      would let DMA out or not exist (V1-06, V1-30)
//
// A lone device without NDMA also has Running <-> Stop and PreCopy -> StopCopy.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "common/error.hh"
#include "migration/device_state.hh"

namespace transship::migration {

/// The writes of one arc in order, as values of the state nibble.
struct ArcPlan {
  std::array<std::uint8_t, 3> nibbles{};
  std::uint8_t count = 0;
  /// When the first write is refused and the state is what it was, the last value may be written at once
  /// (V1-33): a device need not know NDMA without RUNNING.
  bool directFallback = false;

  [[nodiscard]] std::span<const std::uint8_t> writes() const noexcept { return {nibbles.data(), count}; }
};

/// Plans the way from the value `registerValue` of device_state to `to`. Being there already is a plan
/// without writes, or with the one that takes off a superfluous NDMA bit.
///
/// Errors: kIllegalArc when `to` is not one arc away; kNoP2p when the arc needs NDMA and the device has none.
Result<ArcPlan> planArc(std::uint32_t registerValue, DeviceState to, bool hasNdma);

}  // namespace transship::migration
