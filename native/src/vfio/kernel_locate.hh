#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/error.hh"

namespace transship::vfio {

/// Where the kernel shows its devices. Tests name folders of their own.
struct KernelPaths {
  std::string sysfs = "/sys";
  std::string dev = "/dev";
};

/// What sysfs says of one device.
struct DevicePlace {
  /// Name on its bus, which is the one that a group knows it by: "0000:3b:00.1" or an mdev UUID.
  std::string name;
  /// Its folder in sysfs, free of links.
  std::string folder;
  /// The driver it is bound to; empty when it is bound to none.
  std::string driver;
  /// Number of its IOMMU group; absent without an IOMMU and for emulated devices on a kernel without groups.
  std::optional<std::uint32_t> group;
  /// "vfioN" when a VFIO driver registered it (kernel 6.1 and later); empty otherwise.
  std::string vfioDevice;
};

/// Finds a device by its PCI address ("0000:3b:00.1"), mdev UUID, or a path in sysfs.
///
/// Errors: kInvalidArgument for anything else, kNotFound when there is no such device.
Result<DevicePlace> locateDevice(const KernelPaths& paths, const std::string& address);

/// Whether the device is still registered with VFIO. False from the moment when its removal begins, which
/// then waits until every descriptor of the device is closed.
[[nodiscard]] bool devicePresent(const DevicePlace& place);

}  // namespace transship::vfio
