#include "support/kernel_machine.hh"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "vfio/abi.hh"
#include "vfio/kernel_abi.hh"

namespace transship::test {
namespace {

namespace fs = std::filesystem;
namespace request = vfio::request;

const std::map<unsigned long, std::string> kNames{
    {request::kGetApiVersion, "api"},
    {request::kSetIommu, "set-iommu"},
    {request::kGroupGetStatus, "status"},
    {request::kGroupSetContainer, "set-container"},
    {request::kGroupGetDeviceFd, "device-fd"},
    {request::kDeviceGetInfo, "info"},
    {request::kDeviceGetRegionInfo, "region"},
    {request::kDeviceGetIrqInfo, "irq-info"},
    {request::kDeviceSetIrqs, "set-irqs"},
    {request::kDeviceReset, "reset"},
    {request::kDeviceGetPciHotResetInfo, "hot-reset-info"},
    {request::kDevicePciHotReset, "hot-reset"},
    {request::kDeviceFeature, "feature"},
    {request::kDeviceBindIommufd, "bind"},
    {request::kDeviceAttachIommufdPt, "attach"},
    {request::kMigGetPrecopyInfo, "precopy-info"},
    {request::kIoasAlloc, "ioas"},
    {request::kIoasUnmap, "ioas-unmap"},
    {request::kIommuUnmapDma, "unmap-dma"},
};

}  // namespace

std::size_t openDescriptors() {
  const auto folder = fs::directory_iterator("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(folder), end(folder)));
}

bool closesDownTo(std::size_t most) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  while (openDescriptors() > most) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

KernelMachine::KernelMachine() {
  std::string name = (fs::temp_directory_path() / "transship-machine-XXXXXX").string();
  root_ = ::mkdtemp(name.data());
  fs::create_directories(root_ + "/dev/vfio/devices");
  addFile("/dev/vfio/vfio");
  addFile("/dev/iommu");
}

KernelMachine::~KernelMachine() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

void KernelMachine::addFile(const std::string& file) {
  fs::create_directories(fs::path(root_ + file).parent_path());
  std::ofstream{root_ + file};
}

void KernelMachine::removeFile(const std::string& file) { fs::remove_all(root_ + file); }

void KernelMachine::add(const std::string& name, const DeviceShape& shape) {
  const std::string bus = name.size() == 36 ? "mdev" : "pci";
  const fs::path folder = root_ + "/sys/devices/parent/" + name;
  fs::create_directories(folder);
  fs::create_directories(root_ + "/sys/bus/" + bus + "/devices");
  fs::create_directory_symlink("../../../devices/parent/" + name,
                               root_ + "/sys/bus/" + bus + "/devices/" + name);
  if (!shape.driver.empty()) {
    fs::create_directory_symlink("../../../bus/" + bus + "/drivers/" + shape.driver, folder / "driver");
  }
  if (shape.group) {
    const std::string number = std::to_string(*shape.group);
    const fs::path members = root_ + "/sys/kernel/iommu_groups/" + number + "/devices";
    fs::create_directories(members);
    fs::create_directory_symlink(folder, members / name);
    fs::create_directory_symlink("../../../kernel/iommu_groups/" + number, folder / "iommu_group");
    addFile("/dev/vfio/" + number);
  }
  if (!shape.vfioDevice.empty()) {
    fs::create_directories(folder / "vfio-dev" / shape.vfioDevice);
    if (shape.cdev) {
      addFile("/dev/vfio/devices/" + shape.vfioDevice);
    }
  }
}

std::size_t KernelMachine::count(const std::string& call) const {
  return static_cast<std::size_t>(std::ranges::count(calls, call));
}

int KernelMachine::newFile(const std::string& kind) {
  const int fd = ::memfd_create("machine", MFD_CLOEXEC);
  kinds_[fd] = kind;
  return fd;
}

int KernelMachine::open(const char* path, int flags) {
  EXPECT_TRUE((flags & O_CLOEXEC) != 0) << path;
  const std::string kind = std::string(path).substr((root_ + "/dev/").size());
  calls.push_back("open " + kind);
  if (const auto failing = failingOpens_.find(kind); failing != failingOpens_.end()) {
    errno = failing->second;
    return -1;
  }
  if (!fs::exists(path)) {
    errno = ENOENT;
    return -1;
  }
  const int fd = newFile(kind);
  lastDevice = kind.starts_with("vfio/devices/") ? fd : lastDevice;
  return fd;
}

int KernelMachine::ioctl(int fd, unsigned long number, void* argument) {
  const auto name = kNames.find(number);
  const auto kind = kinds_.find(fd);
  EXPECT_NE(name, kNames.end()) << number;
  calls.push_back(name->second + " " + (kind == kinds_.end() ? "other" : kind->second));
  auto& failures = failing_[number];
  if (!failures.empty()) {
    const int error = failures.front();
    failures.pop_front();
    if (error != 0) {
      errno = error;
      return -1;
    }
  }
  return answer(fd, number, argument);
}

int KernelMachine::answer(int fd, unsigned long number, void* argument) {
  switch (number) {
    case request::kGroupGetStatus:
      static_cast<vfio::GroupStatus*>(argument)->flags = groupFlags;
      return 0;
    case request::kGroupGetDeviceFd:
      lastDevice = newFile("device " + std::string(static_cast<const char*>(argument)));
      return lastDevice;
    case request::kIoasAlloc:
      static_cast<vfio::IoasAlloc*>(argument)->out_ioas_id = nextIoas_++;
      return 0;
    case request::kDeviceBindIommufd:
      EXPECT_EQ(kinds_[static_cast<vfio::BindIommufd*>(argument)->iommufd], "iommu");
      return 0;
    case request::kGroupSetContainer:
      EXPECT_EQ(kinds_[*static_cast<int*>(argument)], "vfio/vfio");
      return 0;
    case request::kDeviceGetInfo: {
      auto* const info = static_cast<vfio::DeviceInfo*>(argument);
      EXPECT_EQ(info->argsz, sizeof(*info));
      *info = {.argsz = info->argsz,
               .flags = vfio::kDeviceFlagsReset | vfio::kDeviceFlagsPci,
               .num_regions = 10,
               .num_irqs = 5};
      return 0;
    }
    case request::kDeviceGetRegionInfo:
      return regionInfo(argument);
    case request::kDeviceGetIrqInfo: {
      auto* const info = static_cast<vfio::IrqInfo*>(argument);
      info->count = info->index == vfio::kPciReqIrqIndex ? 1 : 0;
      info->flags = vfio::kIrqInfoEventfd;
      return 0;
    }
    case request::kDeviceGetPciHotResetInfo:
      return hotResetInfo(argument);
    case request::kDevicePciHotReset:
      return hotReset(argument);
    case request::kDeviceFeature:
      errno = feature ? feature(argument) : ENOTTY;
      return errno == 0 ? 0 : -1;
    default:
      static_cast<void>(fd);
      return 0;
  }
}

// As the kernel does: ENOSPC with the number of devices when there is no room for all of them.
int KernelMachine::hotResetInfo(void* argument) {
  if (!onBus) {
    errno = ENOTTY;
    return -1;
  }
  if (!appearing.empty()) {
    onBus->push_back(appearing.front());
    appearing.pop_front();
  }
  auto* const info = static_cast<vfio::PciHotResetInfo*>(argument);
  info->count = static_cast<std::uint32_t>(onBus->size());
  if (info->argsz < sizeof(*info) + onBus->size() * sizeof(vfio::PciDependentDevice)) {
    errno = ENOSPC;
    return -1;
  }
  auto* into = static_cast<std::byte*>(argument) + sizeof(*info);
  for (const std::string& address : *onBus) {
    unsigned segment = 0;
    unsigned bus = 0;
    unsigned slot = 0;
    unsigned function = 0;
    EXPECT_EQ(std::sscanf(address.c_str(), "%4x:%2x:%2x.%1x", &segment, &bus, &slot, &function), 4);
    const vfio::PciDependentDevice device{.id = 7,
                                          .segment = static_cast<std::uint16_t>(segment),
                                          .bus = static_cast<std::uint8_t>(bus),
                                          .devfn = static_cast<std::uint8_t>(slot << 3 | function)};
    std::memcpy(into, &device, sizeof(device));
    into += sizeof(device);
  }
  return 0;
}

int KernelMachine::hotReset(const void* argument) {
  vfio::PciHotReset order{};
  std::memcpy(&order, argument, sizeof(vfio::PciHotResetInfo));
  EXPECT_EQ(order.argsz, sizeof(vfio::PciHotResetInfo) + order.count * sizeof(std::int32_t));
  if (order.count == 0) {
    busResets.emplace_back("no group");
    return 0;
  }
  EXPECT_EQ(order.count, 1u);
  std::memcpy(&order, argument, sizeof(order));
  busResets.push_back(kinds_[order.group]);
  return 0;
}

// As the kernel does: the whole size in argsz, the capabilities only when there is room for them.
int KernelMachine::regionInfo(void* argument) {
  vfio::RegionInfo asked{};
  std::memcpy(&asked, argument, sizeof(asked));
  const auto known = regions.find(asked.index);
  if (known == regions.end()) {
    errno = EINVAL;
    return -1;
  }
  std::memcpy(argument, known->second.data(), std::min<std::size_t>(asked.argsz, known->second.size()));
  static_cast<vfio::RegionInfo*>(argument)->argsz = static_cast<std::uint32_t>(known->second.size());
  return 0;
}

}  // namespace transship::test
