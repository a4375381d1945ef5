#include "vfio/kernel_door.hh"

#include "vfio/kernel_device.hh"
#include "vfio/user_socket.hh"

namespace transship::vfio {

Result<std::unique_ptr<Device>> openKernelDevice(SystemCalls& system,
                                                 std::shared_ptr<Cancellation> cancellation,
                                                 const std::string& address, const KernelOptions& options) {
  const auto end = std::chrono::steady_clock::now() + options.timeout;
  KernelIommu iommu{system, options.paths};
  for (int attempt = 0;; ++attempt) {
    if (cancellation->cancelled()) {
      return Error{.code = ErrorCode::kClosed, .message = "the device was closed"};
    }
    auto place = locateDevice(options.paths, address);
    if (!place) {
      return std::move(place.error());
    }
    auto opened = iommu.open(*place, options.interface);
    if (opened) {
      auto device = KernelDevice::open(system, std::move(cancellation), std::move(*opened));
      return device ? Result<std::unique_ptr<Device>>{std::move(*device)} : std::move(device.error());
    }
    // Whoever held it may be on the way out: the kernel closes the descriptors of a killed process a little
    // later.
    if (opened.error().code != ErrorCode::kDeviceBusy || std::chrono::steady_clock::now() >= end) {
      return std::move(opened.error());
    }
    vfio_user::pauseBeforeRetry(system, *cancellation, attempt);
  }
}

}  // namespace transship::vfio
