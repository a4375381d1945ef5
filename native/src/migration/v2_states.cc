#include "migration/v2_states.hh"

#include <array>
#include <utility>

namespace transship::migration {
namespace {

constexpr std::array kPairs{
    std::pair{DeviceState::kRunning, vfio::MigState::kRunning},
    std::pair{DeviceState::kRunningP2p, vfio::MigState::kRunningP2p},
    std::pair{DeviceState::kPreCopy, vfio::MigState::kPreCopy},
    std::pair{DeviceState::kPreCopyP2p, vfio::MigState::kPreCopyP2p},
    std::pair{DeviceState::kStopCopy, vfio::MigState::kStopCopy},
    std::pair{DeviceState::kStop, vfio::MigState::kStop},
    std::pair{DeviceState::kResuming, vfio::MigState::kResuming},
    std::pair{DeviceState::kError, vfio::MigState::kError},
};

}  // namespace

std::optional<DeviceState> stateOfMigState(std::uint32_t value) noexcept {
  for (const auto& [state, migState] : kPairs) {
    if (static_cast<std::uint32_t>(migState) == value) {
      return state;
    }
  }
  return std::nullopt;
}

vfio::MigState migStateOf(DeviceState state) noexcept {
  for (const auto& [known, migState] : kPairs) {
    if (known == state) {
      return migState;
    }
  }
  return vfio::MigState::kError;  // there is no other state
}

}  // namespace transship::migration
