#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vfio/kernel_iommu.hh"

namespace transship::broker {

// Bounds that keep every reply below its limit.
inline constexpr std::size_t kMaxDevices = 64;
inline constexpr std::size_t kMaxWorkloads = 64;
inline constexpr std::size_t kMaxName = 64;
inline constexpr std::size_t kMaxAddress = 256;

/// --device
struct DeviceSpec {
  std::string name = {};
  /// PCI address, mdev UUID or folder in sysfs.
  std::string address = {};
  /// Empty for a device that only the agent gets.
  std::string workload = {};
  vfio::Interface interface = vfio::Interface::kAuto;
  /// Process that has opened the device itself; 0 when the broker opens it.
  pid_t process = 0;
};

/// --workload-socket
struct WorkloadSpec {
  std::string name = {};
  std::string path = {};
  /// The only user who is served there.
  uid_t uid = 0;
};

struct Options {
  std::string agentSocket = {};
  uid_t agentUid = 0;
  std::vector<DeviceSpec> devices = {};
  std::vector<WorkloadSpec> workloads = {};
};

/// Letters, digits and . _ / - , at most kMaxName.
[[nodiscard]] bool validName(std::string_view name);

/// Reads the program's arguments; empty, with `why`, when they are wrong.
std::optional<Options> parseOptions(const std::vector<std::string>& arguments, std::string& why);

const char* usage() noexcept;

}  // namespace transship::broker
