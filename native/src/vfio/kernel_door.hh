#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "common/cancellation.hh"
#include "common/system_calls.hh"
#include "vfio/device.hh"
#include "vfio/kernel_iommu.hh"
#include "vfio/kernel_locate.hh"

namespace transship::vfio {

struct KernelOptions {
  Interface interface = Interface::kAuto;
  /// A device that somebody else holds is tried again for so long.
  std::chrono::milliseconds timeout{5000};
  KernelPaths paths = {};
};

/// Opens a device of this machine (see locateDevice for `address`) in an address space of its own. The kernel
/// resets most devices at their first open and at their last close. `system` must outlive the device.
///
/// Errors: those of locateDevice and KernelIommu::open; kClosed after cancellation.
Result<std::unique_ptr<Device>> openKernelDevice(SystemCalls& system,
                                                 std::shared_ptr<Cancellation> cancellation,
                                                 const std::string& address, const KernelOptions& options);

}  // namespace transship::vfio
