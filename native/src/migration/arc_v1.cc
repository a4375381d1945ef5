#include "migration/arc_v1.hh"

#include <string>

#include "common/mutant.hh"
#include "vfio/abi.hh"

namespace transship::migration {
namespace {

struct Arc {
  DeviceState from;
  DeviceState to;
  ArcPlan plan;
};

using enum DeviceState;

constexpr std::array kArcs{
    Arc{kRunning, kRunningP2p, {{0x9}, 1}},
    Arc{kRunningP2p, kRunning, {{0x1}, 1}},
    Arc{kRunning, kPreCopy, {{0x3}, 1}},
    Arc{kPreCopy, kRunning, {{0x1}, 1}},
    Arc{kPreCopy, kPreCopyP2p, {{0xB}, 1}},
    Arc{kPreCopyP2p, kPreCopy, {{0x3}, 1}},
    Arc{kRunningP2p, kPreCopyP2p, {{0xB}, 1}},
    Arc{kPreCopyP2p, kRunningP2p, {{0x9}, 1}},
    // RUNNING goes first while NDMA holds, so that no DMA gets out in between (V1-30).
    Arc{kPreCopyP2p, kStopCopy, {{0xA, 0x2}, 2}},
    Arc{kRunningP2p, kStop, {{0x8, 0x0}, 2, true}},
    Arc{kStop, kStopCopy, {{0x2}, 1}},
    Arc{kStopCopy, kStop, {{0x0}, 1}},
    Arc{kStop, kRunningP2p, {{0x9}, 1}},
    Arc{kStop, kResuming, {{0x4}, 1}},
    Arc{kResuming, kStop, {{0x0}, 1}},
    // For a lone device without NDMA; whether it is alone is the caller's to know.
    Arc{kPreCopy, kStopCopy, {{0x2}, 1}},
    Arc{kRunning, kStop, {{0x0}, 1}},
    Arc{kStop, kRunning, {{0x1}, 1}},
};

const Arc* find(DeviceState from, DeviceState to) {
  for (const Arc& arc : kArcs) {
    if (arc.from == from && arc.to == to) {
      return &arc;
    }
  }
  return nullptr;
}

// The plans that a broken client would follow, for the tests of V1-05, V1-06, V1-17, V1-30 and V1-33.
ArcPlan broken(DeviceState from, DeviceState to, ArcPlan plan) {
  if (TRANSSHIP_MUTANT("V1-05") && to == kResuming) {
    return {{0x5, 0x4}, 2};
  }
  if (TRANSSHIP_MUTANT("V1-17") && to == kResuming) {
    return {{0x2, 0x6, 0x4}, 3};
  }
  if (TRANSSHIP_MUTANT("V1-06") && from == kPreCopyP2p && to == kStopCopy) {
    return {{0x2}, 1};
  }
  if (TRANSSHIP_MUTANT("V1-30") && from == kRunningP2p && to == kStop) {
    return {{0x1, 0x0}, 2};
  }
  if (TRANSSHIP_MUTANT("V1-30") && from == kStop && to == kRunningP2p) {
    return {{0x1, 0x9}, 2};
  }
  if (TRANSSHIP_MUTANT("V1-33")) {
    plan.directFallback = false;
  }
  return plan;
}

}  // namespace

Result<ArcPlan> planArc(std::uint32_t registerValue, DeviceState to, bool hasNdma) {
  const auto from = stateOfRegister(registerValue);
  const auto nibble = static_cast<std::uint8_t>(registerValue & vfio::kStateMask);
  const bool superfluousNdma = (nibble & (vfio::kStateNdma | vfio::kStateRunning)) == vfio::kStateNdma;
  const auto canonical = static_cast<std::uint8_t>(superfluousNdma ? nibble & ~vfio::kStateNdma : nibble);
  if (from == to) {
    return superfluousNdma ? ArcPlan{{canonical}, 1} : ArcPlan{};
  }
  if (!hasNdma && isP2p(to)) {
    return Error{.code = ErrorCode::kNoP2p,
                 .message = "the device cannot be quiesced: it has no NDMA capability",
                 .field = "device_state",
                 .state = from ? stateName(*from) : nullptr};
  }
  if (TRANSSHIP_MUTANT("V1-10") && from == kError) {
    return ArcPlan{{0x1}, 1};  // tries to get out by a state write
  }
  const Arc* const arc = from ? find(*from, to) : nullptr;
  if (arc == nullptr) {
    return Error{.code = ErrorCode::kIllegalArc,
                 .message = std::string("there is no single arc from ") +
                            (from ? stateName(*from) : "this state") + " to " + stateName(to),
                 .field = "device_state",
                 .state = from ? stateName(*from) : nullptr};
  }
  ArcPlan plan = broken(*from, to, arc->plan);
  if (superfluousNdma) {  // first back to the value that this client relies on; only one-write arcs start
                          // here
    plan.nibbles = {canonical, plan.nibbles[0], plan.nibbles[1]};
    ++plan.count;
  }
  return plan;
}

}  // namespace transship::migration
