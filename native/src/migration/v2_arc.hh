// The single arcs of a v2 device, by what it supports (vfio_mig_get_next_state() of the kernel):
//
//   Running -- RunningP2P -- Stop -- Resuming        without P2P: Running -- Stop, PreCopy -> StopCopy
//      |           |          |
//   PreCopy -- PreCopyP2P -> StopCopy                without PRE_COPY: no PreCopy, no PreCopyP2P
//
// The kernel also walks several arcs for one request. Nobody else could hold the set's devices together on
// the states it passes through, so this client never asks for that (V2-05).
#pragma once

#include <cstdint>

#include "common/error.hh"
#include "migration/device_state.hh"

namespace transship::migration {

/// What one request for a state does.
struct ArcV2 {
  /// The device is there already: nothing to ask for.
  bool none = false;
  /// The reply brings a stream (V2-06).
  bool opensStream = false;
};

/// Plans the way from `from` to `to` for a device with these flags of VFIO_DEVICE_FEATURE_MIGRATION.
///
/// Errors: kNoP2p when the arc needs P2P and the device has none; kIllegalArc when `to` is not one arc away
/// or needs PRE_COPY that the device has not.
Result<ArcV2> planArcV2(DeviceState from, DeviceState to, std::uint64_t flags);

/// Whether the states share a stream: those of the saving group do (V2-08).
[[nodiscard]] bool sameStream(DeviceState a, DeviceState b) noexcept;

}  // namespace transship::migration
