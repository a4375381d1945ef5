#include "kernel_opener.hh"

#include <sys/eventfd.h>

#include <cerrno>
#include <charconv>
#include <vector>

#include "bus_reset.hh"
#include "common/folder.hh"
#include "vfio/abi.hh"
#include "vfio/kernel_abi.hh"
#include "vfio/kernel_errors.hh"

namespace transship::broker {
namespace {

namespace request = vfio::request;

Error notIn(pid_t process, const vfio::DevicePlace& place) {
  return {.code = ErrorCode::kNotFound,
          .message = "process " + std::to_string(process) + " does not have " + place.name + " open"};
}

// The descriptor of the device in a process.
Result<Descriptor> findDescriptor(const std::string& procfs, pid_t process, const vfio::DevicePlace& place) {
  const std::string folder = procfs + "/" + std::to_string(process);
  std::vector<Descriptor> perhaps;
  std::error_code failed;
  for (const std::string& name : folderEntries(folder + "/fd", failed)) {
    int number = -1;
    if (std::from_chars(name.data(), name.data() + name.size(), number).ec != std::errc{}) {
      continue;
    }
    const Match match = matchDescriptor(folder, number, place);
    if (match == Match::kPerhapsGroup) {
      perhaps.push_back({number, match});
    } else if (match != Match::kNo) {
      return Descriptor{number, match};
    }
  }
  if (failed) {
    return vfio::systemError(failed.value() == EACCES ? ErrorCode::kNotAllowed : ErrorCode::kNotFound,
                             "cannot look into " + folder, failed.value());
  }
  if (perhaps.size() > 1) {
    return Error{
        .code = ErrorCode::kNotFound,
        .message = "process " + std::to_string(process) +
                   " has several VFIO devices open by their groups, and this kernel does not say which of "
                   "them is " +
                   place.name};
  }
  return perhaps.empty() ? Result<Descriptor>{notIn(process, place)} : perhaps.front();
}

}  // namespace

Result<HeldDevice> KernelOpener::open() {
  auto place = vfio::locateDevice(paths_, spec_.address);
  if (!place) {
    return std::move(place.error());
  }
  auto file = spec_.process == 0 ? iommu_->open(*place, spec_.interface) : takeFromProcess(*place);
  if (!file) {
    return std::move(file.error());
  }
  return held(*place, std::move(*file));
}

HeldDevice KernelOpener::held(const vfio::DevicePlace& place, vfio::OpenedDevice file) {
  // The interrupt belongs to the process that opened the device.
  UniqueFd removal = spec_.process == 0 ? removalNotice(file.fd.get()) : UniqueFd{};
  return {.file = std::move(file),
          .driver = place.driver,
          .removal = std::move(removal),
          .present = [place] { return vfio::devicePresent(place); },
          .process = spec_.process};
}

UniqueFd KernelOpener::removalNotice(int device) {
  vfio::DeviceInfo info{.argsz = sizeof(info), .flags = 0, .num_regions = 0, .num_irqs = 0};
  vfio::IrqInfo irq{.argsz = sizeof(irq), .flags = 0, .index = vfio::kPciReqIrqIndex, .count = 0};
  if (system_.ioctl(device, request::kDeviceGetInfo, &info) != 0 ||
      (info.flags & vfio::kDeviceFlagsPci) == 0 ||
      system_.ioctl(device, request::kDeviceGetIrqInfo, &irq) != 0 || irq.count != 1 ||
      (irq.flags & vfio::kIrqInfoEventfd) == 0) {
    return {};
  }
  UniqueFd notice{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  vfio::IrqSetEventfd set{.argsz = sizeof(set),
                          .flags = vfio::kIrqSetDataEventfd | vfio::kIrqSetActionTrigger,
                          .index = vfio::kPciReqIrqIndex,
                          .start = 0,
                          .count = 1,
                          .eventfd = notice.get()};
  return notice && system_.ioctl(device, request::kDeviceSetIrqs, &set) == 0 ? std::move(notice) : UniqueFd{};
}

Result<vfio::OpenedDevice> KernelOpener::takeFromProcess(const vfio::DevicePlace& place) {
  const std::string number = std::to_string(spec_.process);
  const UniqueFd process{system_.pidfdOpen(spec_.process)};
  if (!process) {
    return vfio::systemError(ErrorCode::kNotFound, "there is no process " + number, errno);
  }
  const auto theirs = findDescriptor(procfs_, spec_.process, place);
  if (!theirs) {
    return theirs.error();
  }
  UniqueFd duplicate{system_.pidfdGetFd(process.get(), theirs->number)};
  if (!duplicate) {
    const int why = errno;
    return vfio::systemError(why == EPERM ? ErrorCode::kNotAllowed : ErrorCode::kNotFound,
                             "cannot duplicate the device's descriptor of process " + number +
                                 (why == EPERM ? " (CAP_SYS_PTRACE is needed)" : ""),
                             why);
  }
  if (Status checked = checkTaken(place, duplicate.get(), *theirs); !checked) {
    return std::move(checked.error());
  }
  return vfio::OpenedDevice{
      .fd = std::move(duplicate),
      .interface = theirs->match == Match::kCdev ? vfio::Interface::kCdev : vfio::Interface::kGroup,
      .iommu = nullptr,
      .group = nullptr};
}

// The process may have closed the descriptor between the look at it and its duplication, and have got its
// number for another file, of another device even. So what was found is looked for once more, and has to be
// the duplicate's file.
Status KernelOpener::checkTaken(const vfio::DevicePlace& place, int duplicate, Descriptor theirs) {
  const auto again = findDescriptor(procfs_, spec_.process, place);
  if (!again) {
    return again.error();
  }
  const int compared = again->number == theirs.number && again->match == theirs.match
                           ? system_.sameFile(duplicate, spec_.process, theirs.number)
                           : 1;
  if (compared == 0) {
    return Done{};
  }
  const std::string process = std::to_string(spec_.process);
  return compared > 0
             ? Error{.code = ErrorCode::kNotFound,
                     .message = "process " + process + " was closing or opening " + place.name + " just now"}
             : vfio::systemError(ErrorCode::kNotFound,
                                 "cannot tell whether the duplicate is the file of process " + process,
                                 errno);
}

Result<ResetDone> KernelOpener::reset(const HeldDevice& device) {
  while (system_.ioctl(device.file.fd.get(), request::kDeviceReset, nullptr) != 0) {
    if (errno != EINTR) {
      return resetWider(device, vfio::deviceRefused("VFIO_DEVICE_RESET", errno));
    }
  }
  return ResetDone{};
}

Result<ResetDone> KernelOpener::resetWider(const HeldDevice& device, Error first) {
  if (first.code == ErrorCode::kConnectionLost) {
    return first;
  }
  const auto place = vfio::locateDevice(paths_, spec_.address);
  const Status wider = place ? resetBus(system_, device.file, place->name) : Status{place.error()};
  if (wider) {
    return ResetDone{.rung = ResetRung::kBus, .first = std::move(first.message)};
  }
  const bool tried = wider.error().code != ErrorCode::kNotAllowed;
  first.message += "; its bus was " + std::string(tried ? "reset in vain: " : "not reset: ");
  first.message += wider.error().message;
  if (tried && first.errorNumber == ENOTTY) {
    first.errorNumber = EIO;  // ENOTTY says that nothing has happened to the device
  }
  return first;
}

Result<HeldDevice> KernelOpener::adopt(vfio::OpenedDevice file) {
  auto place = vfio::locateDevice(paths_, spec_.address);
  if (!place) {
    return std::move(place.error());
  }
  const Match match = matchDescriptor(procfs_ + "/self", file.fd.get(), *place);
  if (match == Match::kNo) {
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = "the descriptor is not that of " + place->name};
  }
  file.interface = match == Match::kCdev ? vfio::Interface::kCdev : vfio::Interface::kGroup;
  return held(*place, std::move(file));
}

FileUsers KernelOpener::users(std::span<const std::shared_ptr<const HeldDevice>> devices) {
  std::vector<int> files;
  for (const auto& device : devices) {
    files.push_back(device->file.fd.get());
    if (device->file.iommu) {
      files.push_back(device->file.iommu->fd.get());
    }
  }
  return usersOf(system_, procfs_, files);
}

Status KernelOpener::unmapAll(const HeldDevice& device) {
  return device.file.iommu ? vfio::unmapAll(system_, *device.file.iommu) : Status{Done{}};
}

}  // namespace transship::broker
