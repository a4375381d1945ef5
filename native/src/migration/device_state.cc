#include "migration/device_state.hh"

#include <array>
#include <cstddef>

#include "common/mutant.hh"

namespace transship::migration {
namespace {

constexpr std::array<const char*, 8> kNames{"Running",  "RunningP2P", "PreCopy",  "PreCopyP2P",
                                            "StopCopy", "Stop",       "Resuming", "Error"};

}  // namespace

const char* stateName(DeviceState state) noexcept { return kNames[static_cast<std::size_t>(state)]; }

std::optional<DeviceState> stateOfName(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) {
      return static_cast<DeviceState>(i);
    }
  }
  return std::nullopt;
}

std::optional<DeviceState> stateOfRegister(std::uint32_t value) noexcept {
  if (TRANSSHIP_MUTANT("V1-32") && (value & ~vfio::kStateMask) != 0 &&
      (value & vfio::kStateMask) == vfio::kStateError) {
    return DeviceState::kStop;  // compares with ERROR before masking
  }
  if (TRANSSHIP_MUTANT("V1-29") && (value & (vfio::kStateNdma | vfio::kStateRunning)) == vfio::kStateNdma) {
    return std::nullopt;
  }
  switch (value & vfio::kStateMask) {
    case 0x0:
    case 0x8:
      return DeviceState::kStop;
    case 0x1:
      return DeviceState::kRunning;
    case 0x2:
    case 0xA:
      return DeviceState::kStopCopy;
    case 0x3:
      return DeviceState::kPreCopy;
    case 0x4:
    case 0xC:
      return DeviceState::kResuming;
    case 0x6:
      return DeviceState::kError;
    case 0x9:
      return DeviceState::kRunningP2p;
    case 0xB:
      return DeviceState::kPreCopyP2p;
    default:
      return std::nullopt;
  }
}

}  // namespace transship::migration
