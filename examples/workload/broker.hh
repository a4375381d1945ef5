#pragma once

#include <cstdint>
#include <string>

#include "fd.hh"

/// What a workload is given of its device: a duplicate of the broker's descriptor, and the address space that
/// all devices of the workload share.
struct DeviceFiles {
  Fd device;
  Fd iommu;
  /// An iommufd with this IOAS; else a VFIO container.
  bool iommufd = false;
  std::uint32_t ioas = 0;
};

/// Asks the broker's workload socket for a device (docs/broker.md). While it is absent or being opened, asks
/// again for up to 30 s. Throws std::runtime_error.
DeviceFiles deviceFromBroker(const std::string& socketPath, const std::string& name);

/// Opens a mediated or PCI device of an IOMMU group itself, without a broker. `name`: as
/// VFIO_GROUP_GET_DEVICE_FD takes it, such as an mdev's UUID.
DeviceFiles deviceFromGroup(int group, const std::string& name);
