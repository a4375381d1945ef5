#pragma once

#include <string_view>

#include "common/system_calls.hh"
#include "vfio/kernel_iommu.hh"

namespace transship::broker {

/// Devices on one bus that are looked at; a list that is longer is refused.
inline constexpr std::uint32_t kMaxBusDevices = 256;

/// Resets the PCI bus, or slot, that a device is on (VFIO_DEVICE_PCI_HOT_RESET): what may help where
/// resetting its function did not. Only where the kernel says that this touches no other device
/// (VFIO_DEVICE_GET_PCI_HOT_RESET_INFO): another one may hold the state of another migration or of a
/// workload, and would lose it.
///
/// `address`: as in DevicePlace::name. Errors: kNotAllowed when it is not tried (no PCI device, others on the
/// bus, a group that another broker has opened), kAccessFailed with the errno when the kernel refuses.
Status resetBus(SystemCalls& system, const vfio::OpenedDevice& device, std::string_view address);

}  // namespace transship::broker
