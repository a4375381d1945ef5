#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>

#include "common/system_calls.hh"
#include "common/unique_fd.hh"
#include "vfio/kernel_locate.hh"

namespace transship::vfio {

/// Which of the kernel's two ways to a device: its own character device with an iommufd, or the older group
/// with a container. Auto takes the former where device and kernel have it.
enum class Interface : std::uint8_t { kAuto, kCdev, kGroup };

/// "auto", "cdev", "group"
[[nodiscard]] std::string_view interfaceName(Interface interface) noexcept;
[[nodiscard]] std::optional<Interface> interfaceOfName(std::string_view name) noexcept;

/// The file through which memory is mapped for devices: an iommufd or a type1 container.
struct IommuFile {
  UniqueFd fd = {};
  /// The address space of an iommufd; 0 for a container, which is one itself.
  std::uint32_t ioas = 0;
};

/// Takes everything out of an address space that was mapped into it. kIommuRefused with the errno.
Status unmapAll(SystemCalls& system, const IommuFile& space);

/// An open group. The kernel opens a group once, so all devices of it come from this descriptor.
struct GroupFile {
  UniqueFd fd = {};
  std::shared_ptr<IommuFile> container = {};
};

/// A device of the kernel, ready for use, with what must stay open beside it.
struct OpenedDevice {
  UniqueFd fd = {};
  /// kCdev or kGroup.
  Interface interface = Interface::kGroup;
  std::shared_ptr<IommuFile> iommu = {};
  /// Null for kCdev.
  std::shared_ptr<GroupFile> group = {};
};

/// One I/O address space and the opening of devices into it: all that it opens share one container or one
/// IOAS, for as long as one of them is open. May be used by several threads.
class KernelIommu {
 public:
  KernelIommu(SystemCalls& system, KernelPaths paths) : system_(system), paths_(std::move(paths)) {}

  /// Errors: kDeviceBusy when somebody else holds the device or its group, kNotFound when it is bound to no
  /// VFIO driver, kNotAllowed without permission, kIommuRefused for everything that the IOMMU side refuses.
  /// Messages say what to do.
  Result<OpenedDevice> open(const DevicePlace& place, Interface interface);

 private:
  [[nodiscard]] bool hasCdev(const DevicePlace& place) const;
  Result<OpenedDevice> openCdev(const DevicePlace& place);
  Result<std::shared_ptr<IommuFile>> addressSpace();
  Result<OpenedDevice> openGroup(const DevicePlace& place);
  Result<std::shared_ptr<GroupFile>> groupFile(const DevicePlace& place);
  Result<std::shared_ptr<IommuFile>> container(const DevicePlace& place, int group);
  Result<std::shared_ptr<IommuFile>> newContainer();
  Error notViable(const DevicePlace& place) const;

  SystemCalls& system_;
  KernelPaths paths_;
  std::mutex mutex_;
  std::weak_ptr<IommuFile> iommufd_;
  std::weak_ptr<IommuFile> container_;
  std::map<std::uint32_t, std::weak_ptr<GroupFile>> groups_;
};

}  // namespace transship::vfio
