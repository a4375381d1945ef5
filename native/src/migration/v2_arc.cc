#include "migration/v2_arc.hh"

#include <array>
#include <string>

#include "common/mutant.hh"
#include "vfio/abi.hh"

namespace transship::migration {
namespace {

using enum DeviceState;

struct Arc {
  DeviceState from;
  DeviceState to;
  /// Flags that the device must have, and those that put other states in between.
  std::uint64_t needs;
  std::uint64_t excludes = 0;
};

constexpr std::uint64_t kP2p = vfio::kMigrationP2p;
constexpr std::uint64_t kPre = vfio::kMigrationPreCopy;

constexpr std::array kArcs{
    Arc{kStop, kStopCopy, 0},
    Arc{kStopCopy, kStop, 0},
    Arc{kStop, kResuming, 0},
    Arc{kResuming, kStop, 0},
    Arc{kRunning, kStop, 0, kP2p},
    Arc{kStop, kRunning, 0, kP2p},
    Arc{kRunning, kRunningP2p, kP2p},
    Arc{kRunningP2p, kRunning, kP2p},
    Arc{kRunningP2p, kStop, kP2p},
    Arc{kStop, kRunningP2p, kP2p},
    Arc{kRunning, kPreCopy, kPre},
    Arc{kPreCopy, kRunning, kPre},
    Arc{kPreCopy, kStopCopy, kPre, kP2p},
    Arc{kPreCopy, kPreCopyP2p, kPre | kP2p},
    Arc{kPreCopyP2p, kPreCopy, kPre | kP2p},
    Arc{kRunningP2p, kPreCopyP2p, kPre | kP2p},
    Arc{kPreCopyP2p, kRunningP2p, kPre | kP2p},
    Arc{kPreCopyP2p, kStopCopy, kPre | kP2p},
};

bool allowed(DeviceState from, DeviceState to, std::uint64_t flags) {
  for (const Arc& arc : kArcs) {
    if (arc.from == from && arc.to == to) {
      const bool has = (flags & arc.needs) == arc.needs || TRANSSHIP_MUTANT("V2-02");
      return has && ((flags & arc.excludes) == 0 || TRANSSHIP_MUTANT("V2-05"));
    }
  }
  return false;
}

// What a client that does not keep the rules would ask for as well.
bool broken(DeviceState from, DeviceState to) {
  return (TRANSSHIP_MUTANT("V2-03") && to == kError) ||
         (TRANSSHIP_MUTANT("V2-05") && from == kRunning && to == kStopCopy) ||
         (TRANSSHIP_MUTANT("V2-09") && from == kStopCopy && isSaving(to)) ||
         (TRANSSHIP_MUTANT("V2-36") && from == kRunning && to == kResuming);
}

bool hasStream(DeviceState state) { return isSaving(state) || state == kResuming; }

}  // namespace

bool sameStream(DeviceState a, DeviceState b) noexcept {
  return (isSaving(a) && isSaving(b)) || (a == kResuming && b == kResuming);
}

Result<ArcV2> planArcV2(DeviceState from, DeviceState to, std::uint64_t flags) {
  if (from == to) {
    return ArcV2{.none = true};
  }
  if (isP2p(to) && (flags & kP2p) == 0 && !TRANSSHIP_MUTANT("V2-02")) {
    return Error{.code = ErrorCode::kNoP2p,
                 .message = "the device cannot be quiesced: its driver does not support P2P states",
                 .field = "device_state",
                 .state = stateName(from)};
  }
  if (!allowed(from, to, flags) && !broken(from, to)) {
    return Error{.code = ErrorCode::kIllegalArc,
                 .message = std::string("there is no single arc from ") + stateName(from) + " to " +
                            stateName(to) + " for this device",
                 .field = "device_state",
                 .state = stateName(from)};
  }
  return ArcV2{.opensStream = hasStream(to) && !sameStream(from, to)};
}

}  // namespace transship::migration
