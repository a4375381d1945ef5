#include "devices.hh"

#include <algorithm>

namespace transship::broker {

void Devices::add(DeviceSpec spec, std::unique_ptr<Keeper> keeper) {
  std::string name = spec.name;
  const vfio::Interface interface = spec.interface;
  devices_.try_emplace(std::move(name),
                       Device{.spec = std::move(spec), .keeper = std::move(keeper), .interface = interface});
}

Device* Devices::find(std::string_view name, const Asker& asker) {
  const auto found = devices_.find(name);
  const bool known =
      found != devices_.end() && (asker.agent() || found->second.spec.workload == asker.workload);
  return known ? &found->second : nullptr;
}

std::vector<Device*> Devices::visible(const Asker& asker) {
  std::vector<Device*> devices;
  for (auto& [name, device] : devices_) {
    if (asker.agent() || device.spec.workload == asker.workload) {
      devices.push_back(&device);
    }
  }
  return devices;
}

std::vector<Device*> Devices::sharing(const Device& device) {
  std::vector<Device*> devices;
  for (auto& [name, other] : devices_) {
    if (!device.spec.workload.empty() && other.spec.workload == device.spec.workload) {
      devices.push_back(&other);
    }
  }
  return devices;
}

bool Devices::stop(std::chrono::milliseconds patience) {
  for (auto& [name, device] : devices_) {
    device.keeper->stop();
  }
  const auto end = std::chrono::steady_clock::now() + patience;
  return std::ranges::all_of(devices_, [&](auto& entry) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    return entry.second.keeper->ended(std::max(left, std::chrono::milliseconds{0}));
  });
}

}  // namespace transship::broker
