#include "vfio/kernel_iommu.hh"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>
#include <limits>

#include "common/folder.hh"
#include "vfio/kernel_abi.hh"
#include "vfio/kernel_errors.hh"

namespace transship::vfio {
namespace {

namespace fs = std::filesystem;

bool exists(const std::string& path) {
  std::error_code failed;
  return fs::exists(path, failed);
}

// What the kernel means by EPERM here, on machines where it is not a matter of users.
Error refusedByIommu(const std::string& what, int errorNumber) {
  Error error = systemError(ErrorCode::kIommuRefused, what, errorNumber);
  if (errorNumber == EPERM) {
    error.message +=
        "; the IOMMU does not isolate interrupts: turn interrupt remapping on in the firmware, or accept the "
        "risk with "
        "allow_unsafe_interrupts=1 of the module vfio_iommu_type1 or iommufd";
  }
  return error;
}

std::string name(const char* what, const DevicePlace& place) { return std::string(what) + " " + place.name; }

}  // namespace

std::string_view interfaceName(Interface interface) noexcept {
  switch (interface) {
    case Interface::kCdev:
      return "cdev";
    case Interface::kGroup:
      return "group";
    case Interface::kAuto:
      break;
  }
  return "auto";
}

std::optional<Interface> interfaceOfName(std::string_view text) noexcept {
  for (const Interface interface : {Interface::kAuto, Interface::kCdev, Interface::kGroup}) {
    if (text == interfaceName(interface)) {
      return interface;
    }
  }
  return std::nullopt;
}

Status unmapAll(SystemCalls& system, const IommuFile& space) {
  if (space.ioas == 0) {
    IommuUnmapDma all{.argsz = sizeof(all), .flags = kUnmapAll, .iova = 0, .size = 0};
    return system.ioctl(space.fd.get(), request::kIommuUnmapDma, &all) == 0
               ? Status{Done{}}
               : systemError(ErrorCode::kIommuRefused, "the container did not unmap the memory", errno);
  }
  IoasUnmap all{.size = sizeof(all),
                .ioas_id = space.ioas,
                .iova = 0,
                .length = std::numeric_limits<std::uint64_t>::max()};
  // ENOENT: nothing was mapped.
  return system.ioctl(space.fd.get(), request::kIoasUnmap, &all) == 0 || errno == ENOENT
             ? Status{Done{}}
             : systemError(ErrorCode::kIommuRefused, "the iommufd did not unmap the memory", errno);
}

bool KernelIommu::hasCdev(const DevicePlace& place) const {
  return !place.vfioDevice.empty() && exists(paths_.dev + "/vfio/devices/" + place.vfioDevice);
}

Result<OpenedDevice> KernelIommu::open(const DevicePlace& place, Interface interface) {
  if (place.driver.empty()) {
    return notVfio(place);
  }
  const std::lock_guard lock{mutex_};
  if (interface == Interface::kAuto) {
    interface = hasCdev(place) && exists(paths_.dev + "/iommu") ? Interface::kCdev : Interface::kGroup;
  }
  return interface == Interface::kCdev ? openCdev(place) : openGroup(place);
}

Result<OpenedDevice> KernelIommu::openCdev(const DevicePlace& place) {
  if (place.vfioDevice.empty()) {
    return notVfio(place);
  }
  if (!hasCdev(place)) {
    return Error{.code = ErrorCode::kIommuRefused,
                 .message = "this kernel has no VFIO character device for " + place.name +
                            "; open it by its group (interface group)"};
  }
  const std::string path = paths_.dev + "/vfio/devices/" + place.vfioDevice;
  OpenedDevice opened{.fd = UniqueFd{system_.open(path.c_str(), O_RDWR | O_CLOEXEC)},
                      .interface = Interface::kCdev,
                      .iommu = nullptr,
                      .group = nullptr};
  if (!opened.fd) {
    return cannotOpen(path, errno, ErrorCode::kNotFound);
  }
  auto space = addressSpace();
  if (!space) {
    return std::move(space.error());
  }
  opened.iommu = *space;
  BindIommufd bind{.argsz = sizeof(bind), .flags = 0, .iommufd = opened.iommu->fd.get(), .out_devid = 0};
  if (system_.ioctl(opened.fd.get(), request::kDeviceBindIommufd, &bind) != 0) {
    const int why = errno;
    if (why == ENODEV) {
      return cannotOpen(path, why, ErrorCode::kNotFound);
    }
    // A second file of a bound device opens, but binding it is refused with EINVAL.
    return why == EINVAL || why == EBUSY
               ? systemError(ErrorCode::kDeviceBusy,
                             name("another process holds", place) + " and must close it first", why)
               : refusedByIommu(name("the iommufd refused to bind", place), why);
  }
  AttachIommufdPt attach{.argsz = sizeof(attach), .flags = 0, .pt_id = opened.iommu->ioas};
  if (system_.ioctl(opened.fd.get(), request::kDeviceAttachIommufdPt, &attach) != 0) {
    return refusedByIommu(name("the iommufd refused to attach", place), errno);
  }
  return opened;
}

Result<std::shared_ptr<IommuFile>> KernelIommu::addressSpace() {
  if (auto shared = iommufd_.lock()) {
    return shared;
  }
  const std::string path = paths_.dev + "/iommu";
  auto created = std::make_shared<IommuFile>();
  created->fd.reset(system_.open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!created->fd) {
    return cannotOpen(path, errno, ErrorCode::kIommuRefused);
  }
  IoasAlloc alloc{.size = sizeof(alloc), .flags = 0, .out_ioas_id = 0};
  if (system_.ioctl(created->fd.get(), request::kIoasAlloc, &alloc) != 0) {
    return systemError(ErrorCode::kIommuRefused, "the iommufd refused an address space", errno);
  }
  created->ioas = alloc.out_ioas_id;
  iommufd_ = created;
  return created;
}

Result<OpenedDevice> KernelIommu::openGroup(const DevicePlace& place) {
  auto group = groupFile(place);
  if (!group) {
    return std::move(group.error());
  }
  std::string wanted = place.name;
  OpenedDevice opened{
      .fd = UniqueFd{system_.ioctl((*group)->fd.get(), request::kGroupGetDeviceFd, wanted.data())},
      .interface = Interface::kGroup,
      .iommu = (*group)->container,
      .group = *group};
  if (!opened.fd) {
    const int why = errno;
    if (why == ENODEV) {
      return notVfio(place);
    }
    return why == EBUSY
               ? systemError(ErrorCode::kDeviceBusy, name("another process holds", place), why)
               : systemError(ErrorCode::kIommuRefused, name("the group did not give out", place), why);
  }
  return opened;
}

Result<std::shared_ptr<GroupFile>> KernelIommu::groupFile(const DevicePlace& place) {
  if (!place.group) {
    return Error{.code = ErrorCode::kIommuRefused,
                 .message = place.name +
                            " has no IOMMU group: turn the IOMMU on (firmware, intel_iommu=on), or on a "
                            "kernel without groups open it by its character device (interface cdev)"};
  }
  if (auto shared = groups_[*place.group].lock()) {
    return shared;
  }
  const std::string number = std::to_string(*place.group);
  const std::string path = paths_.dev + "/vfio/" + number;
  auto opened = std::make_shared<GroupFile>();
  opened->fd.reset(system_.open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!opened->fd) {
    const int why = errno;
    if (why == ENOENT && exists(paths_.dev + "/vfio/noiommu-" + number)) {
      return systemError(ErrorCode::kIommuRefused,
                         place.name + " has no IOMMU, only the unsafe no-IOMMU mode", why);
    }
    return why == ENOENT ? notVfio(place) : cannotOpen(path, why, ErrorCode::kNotFound);
  }
  auto space = container(place, opened->fd.get());
  if (!space) {
    return std::move(space.error());
  }
  opened->container = *space;
  groups_[*place.group] = opened;
  return opened;
}

Error KernelIommu::notViable(const DevicePlace& place) const {
  std::string others;
  std::error_code failed;
  const fs::path members =
      fs::path(paths_.sysfs) / "kernel/iommu_groups" / std::to_string(*place.group) / "devices";
  for (const std::string& member : folderEntries(members.string(), failed)) {
    const std::string driver = fs::read_symlink(members / member / "driver", failed).filename().string();
    others += " " + member + (driver.empty() ? "" : " (" + driver + ")");
  }
  return {.code = ErrorCode::kIommuRefused,
          .message = "not every device of the IOMMU group of " + place.name +
                     " is with a VFIO driver; bind all of them to one:" + others};
}

// Puts a group into the container that the devices share.
Result<std::shared_ptr<IommuFile>> KernelIommu::container(const DevicePlace& place, int group) {
  GroupStatus status{.argsz = sizeof(status), .flags = 0};
  if (system_.ioctl(group, request::kGroupGetStatus, &status) != 0) {
    return systemError(ErrorCode::kIommuRefused, name("no answer from the IOMMU group of", place), errno);
  }
  if ((status.flags & kGroupViable) == 0) {
    return notViable(place);
  }
  std::shared_ptr<IommuFile> space = container_.lock();
  const bool fresh = !space;
  if (fresh) {
    auto created = newContainer();
    if (!created) {
      return created;
    }
    space = *created;
  }
  int number = space->fd.get();
  if (system_.ioctl(group, request::kGroupSetContainer, &number) != 0) {
    return systemError(ErrorCode::kIommuRefused, name("the container refused the IOMMU group of", place),
                       errno);
  }
  if (fresh) {
    int why = 0;
    for (const int wanted : {kType1v2Iommu, kType1Iommu}) {
      // The request takes the number itself, not its address.
      void* const argument = reinterpret_cast<void*>(static_cast<std::uintptr_t>(wanted));
      if (system_.ioctl(space->fd.get(), request::kSetIommu, argument) == 0) {
        container_ = space;
        return space;
      }
      why = errno;
      if (why == EPERM) {
        break;
      }
    }
    return refusedByIommu("the container took no type1 IOMMU (module vfio_iommu_type1)", why);
  }
  return space;
}

Result<std::shared_ptr<IommuFile>> KernelIommu::newContainer() {
  const std::string path = paths_.dev + "/vfio/vfio";
  auto created = std::make_shared<IommuFile>();
  created->fd.reset(system_.open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!created->fd) {
    return cannotOpen(path, errno, ErrorCode::kIommuRefused);
  }
  if (system_.ioctl(created->fd.get(), request::kGetApiVersion, nullptr) != kVfioApiVersion) {
    return Error{.code = ErrorCode::kIommuRefused, .message = path + " speaks another version of VFIO"};
  }
  return created;
}

}  // namespace transship::vfio
