#include "bus_reset.hh"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "vfio/kernel_abi.hh"
#include "vfio/kernel_errors.hh"

namespace transship::broker {
namespace {

namespace request = vfio::request;

// The list may grow while it is asked for.
constexpr int kTries = 3;

Error notTried(std::string why) { return {.code = ErrorCode::kNotAllowed, .message = std::move(why)}; }

std::string addressOf(const vfio::PciDependentDevice& device) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04x:%02x:%02x.%x", device.segment, device.bus, device.devfn >> 3,
                device.devfn & 7u);
  return text.data();
}

int ioctlAgain(SystemCalls& system, int fd, unsigned long number, void* argument) {
  for (;;) {
    const int done = system.ioctl(fd, number, argument);
    if (done == 0 || errno != EINTR) {
      return done;
    }
  }
}

// Everything that a reset of the bus would reset. The kernel says how many there are, with ENOSPC, when there
// is no room for them.
Result<std::vector<vfio::PciDependentDevice>> onTheBus(SystemCalls& system, int device) {
  std::uint32_t room = 0;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    vfio::PciHotResetInfo header{
        .argsz = static_cast<std::uint32_t>(sizeof(header) + room * sizeof(vfio::PciDependentDevice)),
        .flags = 0,
        .count = 0};
    std::vector<std::byte> buffer(header.argsz);
    std::memcpy(buffer.data(), &header, sizeof(header));
    const int done = ioctlAgain(system, device, request::kDeviceGetPciHotResetInfo, buffer.data());
    const int why = errno;
    std::memcpy(&header, buffer.data(), sizeof(header));
    if (done != 0 && why != ENOSPC) {
      return vfio::systemError(ErrorCode::kNotAllowed, "the kernel does not say what is on its bus", why);
    }
    if (header.count > kMaxBusDevices) {
      return notTried("there are " + std::to_string(header.count) + " devices on its bus");
    }
    if (done == 0 && header.count == 0) {
      return notTried("the kernel names no device that a reset of its bus would reset");
    }
    if (done == 0 && header.count <= room) {
      std::vector<vfio::PciDependentDevice> devices(header.count);
      std::memcpy(devices.data(), buffer.data() + sizeof(header),
                  devices.size() * sizeof(vfio::PciDependentDevice));
      return devices;
    }
    room = header.count;
  }
  return notTried("the kernel does not say what is on its bus: the list keeps changing");
}

}  // namespace

Status resetBus(SystemCalls& system, const vfio::OpenedDevice& device, std::string_view address) {
  const auto affected = onTheBus(system, device.fd.get());
  if (!affected) {
    return affected.error();
  }
  for (const vfio::PciDependentDevice& one : *affected) {
    if (const std::string other = addressOf(one); other != address) {
      return notTried("a reset of its bus would reset " + other + " as well");
    }
  }
  // A device that was opened by its group is owned by whoever has the group; one with a character device by
  // its iommufd, and then no group is named.
  const bool byGroup = device.interface == vfio::Interface::kGroup;
  if (byGroup && !device.group) {
    return notTried("its IOMMU group was opened by another process, which alone may reset its bus");
  }
  vfio::PciHotReset order{
      .argsz = static_cast<std::uint32_t>(sizeof(order) - (byGroup ? 0 : sizeof(order.group))),
      .flags = 0,
      .count = byGroup ? 1u : 0u,
      .group = byGroup ? device.group->fd.get() : -1,
  };
  if (ioctlAgain(system, device.fd.get(), request::kDevicePciHotReset, &order) != 0) {
    return vfio::deviceRefused("VFIO_DEVICE_PCI_HOT_RESET", errno);
  }
  return Done{};
}

}  // namespace transship::broker
