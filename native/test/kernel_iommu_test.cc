// Opening devices of the kernel, by both of its ways, and what it refuses.
#include "vfio/kernel_iommu.hh"

#include <gtest/gtest.h>

#include "support/driver.hh"
#include "support/kernel_machine.hh"
#include "vfio/kernel_abi.hh"

namespace transship::test {
namespace {

using vfio::Interface;
namespace request = vfio::request;
using Trace = std::vector<std::string>;

const std::string kFirst = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
const std::string kSecond = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002";

struct Rig {
  KernelMachine machine = {};
  vfio::KernelIommu iommu{machine, machine.paths()};

  explicit Rig(const KernelMachine::DeviceShape& shape = {}) { machine.add(kFirst, shape); }

  Result<vfio::OpenedDevice> open(Interface interface, const std::string& name = kFirst) {
    auto place = vfio::locateDevice(machine.paths(), name);
    if (!place) {
      return std::move(place.error());
    }
    return iommu.open(*place, interface);
  }

  // Opening fails with `code`, says each of `words`, and leaves nothing open.
  void refuses(Interface interface, const std::string& code, std::initializer_list<const char*> words) {
    const std::size_t before = openDescriptors();
    const auto opened = open(interface);
    ASSERT_EQ(codeOf(opened), code);
    for (const char* const word : words) {
      EXPECT_NE(opened.error().message.find(word), std::string::npos)
          << word << " in " << opened.error().message;
    }
    EXPECT_EQ(openDescriptors(), before);
  }
};

TEST(KernelIommu, OpensACharacterDeviceAndAttachesItToAnAddressSpace) {
  Rig rig;
  const auto opened = rig.open(Interface::kCdev);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->interface, Interface::kCdev);
  EXPECT_EQ(opened->iommu->ioas, 3u);
  EXPECT_EQ(opened->group, nullptr);
  EXPECT_EQ(rig.machine.calls, (Trace{"open vfio/devices/vfio0", "open iommu", "ioas iommu",
                                      "bind vfio/devices/vfio0", "attach vfio/devices/vfio0"}));
}

TEST(KernelIommu, DevicesOfOneWorkloadShareAnAddressSpaceForAsLongAsOneIsOpen) {
  Rig rig;
  rig.machine.add(kSecond, {.group = 8, .vfioDevice = "vfio1"});
  {
    const auto first = rig.open(Interface::kCdev);
    const auto second = rig.open(Interface::kCdev, kSecond);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->iommu, second->iommu);
    EXPECT_EQ(rig.machine.count("open iommu"), 1u);
  }
  const auto again = rig.open(Interface::kCdev);
  ASSERT_TRUE(again);
  EXPECT_EQ(rig.machine.count("open iommu"), 2u);
}

TEST(KernelIommu, OpensADeviceByItsGroup) {
  Rig rig;
  const auto opened = rig.open(Interface::kGroup);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->interface, Interface::kGroup);
  EXPECT_EQ(opened->iommu->ioas, 0u);
  EXPECT_EQ(rig.machine.calls, (Trace{"open vfio/7", "status vfio/7", "open vfio/vfio", "api vfio/vfio",
                                      "set-container vfio/7", "set-iommu vfio/vfio", "device-fd vfio/7"}));
}

TEST(KernelIommu, AGroupIsOpenedOnceForAllItsDevicesAndTheContainerOnceForAllGroups) {
  Rig rig;
  rig.machine.add(kSecond, {.group = 7, .vfioDevice = "vfio1"});
  const std::string third = "0000:3b:00.1";
  rig.machine.add(third, {.group = 9, .vfioDevice = "vfio2"});
  const auto first = rig.open(Interface::kGroup);
  const auto second = rig.open(Interface::kGroup, kSecond);
  const auto other = rig.open(Interface::kGroup, third);
  ASSERT_TRUE(first && second && other);
  EXPECT_EQ(rig.machine.count("open vfio/7"), 1u);
  EXPECT_EQ(rig.machine.count("open vfio/vfio"), 1u);
  EXPECT_EQ(rig.machine.count("set-iommu vfio/vfio"), 1u);
  EXPECT_EQ(rig.machine.count("set-container vfio/9"), 1u);
  EXPECT_EQ(first->iommu, other->iommu);
}

TEST(KernelIommu, AutoTakesTheCharacterDeviceOnlyWhereThereIsAnIommufdToo) {
  Rig both;
  EXPECT_EQ(both.open(Interface::kAuto)->interface, Interface::kCdev);
  Rig without;
  without.machine.removeFile("/dev/iommu");
  EXPECT_EQ(without.open(Interface::kAuto)->interface, Interface::kGroup);
  Rig older({.cdev = false});
  EXPECT_EQ(older.open(Interface::kAuto)->interface, Interface::kGroup);
  Rig oldest({.vfioDevice = ""});
  EXPECT_EQ(oldest.open(Interface::kAuto)->interface, Interface::kGroup);
}

TEST(KernelIommu, FallsBackToTheOlderType1) {
  Rig rig;
  rig.machine.fail(request::kSetIommu, {ENODEV});
  EXPECT_TRUE(rig.open(Interface::kGroup));
  EXPECT_EQ(rig.machine.count("set-iommu vfio/vfio"), 2u);
}

TEST(KernelIommuRefusals, ADeviceWithoutADriverOrWithAForeignOne) {
  Rig none({.driver = ""});
  none.refuses(Interface::kAuto, "TRANSSHIP_DEVICE_NOT_FOUND", {"bound to no driver", "driverctl"});
  Rig foreign({.driver = "mlx5_core", .vfioDevice = "", .cdev = false});
  foreign.machine.removeFile("/dev/vfio/7");
  for (const Interface interface : {Interface::kAuto, Interface::kCdev, Interface::kGroup}) {
    foreign.refuses(interface, "TRANSSHIP_DEVICE_NOT_FOUND",
                    {"mlx5_core", "driverctl set-override " /* and name */});
  }
  // Another device of its group is with VFIO, this one is not.
  Rig member({.driver = "nvme", .vfioDevice = ""});
  member.machine.fail(request::kGroupGetDeviceFd, {ENODEV});
  member.refuses(Interface::kGroup, "TRANSSHIP_DEVICE_NOT_FOUND", {"nvme"});
}

TEST(KernelIommuRefusals, ABusyDevice) {
  Rig bound;
  bound.machine.fail(request::kDeviceBindIommufd, {EINVAL, EBUSY});
  bound.refuses(Interface::kCdev, "TRANSSHIP_DEVICE_BUSY", {"another process holds"});
  bound.refuses(Interface::kCdev, "TRANSSHIP_DEVICE_BUSY", {"another process holds"});
  Rig group;
  group.machine.failOpen("vfio/7", EBUSY);
  group.refuses(Interface::kGroup, "TRANSSHIP_DEVICE_BUSY", {"/dev/vfio/7", "another process"});
  Rig device;
  device.machine.fail(request::kGroupGetDeviceFd, {EBUSY});
  device.refuses(Interface::kGroup, "TRANSSHIP_DEVICE_BUSY", {"another process"});
}

TEST(KernelIommuRefusals, NoPermission) {
  Rig rig;
  rig.machine.failOpen("vfio/7", EPERM);
  rig.machine.failOpen("vfio/devices/vfio0", EACCES);
  rig.refuses(Interface::kGroup, "TRANSSHIP_NOT_ALLOWED", {"/dev/vfio/7"});
  rig.refuses(Interface::kCdev, "TRANSSHIP_NOT_ALLOWED", {"vfio0"});
}

TEST(KernelIommuRefusals, ADeviceThatGoesAwayMeanwhile) {
  Rig rig;
  rig.machine.fail(request::kDeviceBindIommufd, {ENODEV});
  rig.refuses(Interface::kCdev, "TRANSSHIP_DEVICE_NOT_FOUND", {"has gone"});
  rig.machine.failOpen("vfio/devices/vfio0", ENODEV);
  rig.refuses(Interface::kCdev, "TRANSSHIP_DEVICE_NOT_FOUND", {"has gone"});
}

TEST(KernelIommuRefusals, TheIommufd) {
  Rig rig;
  rig.machine.fail(request::kIoasAlloc, {ENOMEM});
  rig.refuses(Interface::kCdev, "TRANSSHIP_IOMMU_REFUSED", {"address space"});
  rig.machine.fail(request::kDeviceBindIommufd, {ENOENT, EPERM});
  rig.refuses(Interface::kCdev, "TRANSSHIP_IOMMU_REFUSED", {"refused to bind"});
  rig.refuses(Interface::kCdev, "TRANSSHIP_IOMMU_REFUSED", {"allow_unsafe_interrupts"});
  rig.machine.fail(request::kDeviceAttachIommufdPt, {EINVAL});
  rig.refuses(Interface::kCdev, "TRANSSHIP_IOMMU_REFUSED", {"refused to attach"});
  rig.machine.removeFile("/dev/iommu");
  rig.refuses(Interface::kCdev, "TRANSSHIP_IOMMU_REFUSED", {"/dev/iommu"});
  Rig older({.cdev = false});
  older.refuses(Interface::kCdev, "TRANSSHIP_IOMMU_REFUSED", {"no VFIO character device", "interface group"});
}

TEST(KernelIommuRefusals, TheContainer) {
  Rig rig;
  rig.machine.fail(request::kGetApiVersion, {EINVAL});
  rig.refuses(Interface::kGroup, "TRANSSHIP_IOMMU_REFUSED", {"another version"});
  rig.machine.fail(request::kGroupSetContainer, {EINVAL});
  rig.refuses(Interface::kGroup, "TRANSSHIP_IOMMU_REFUSED", {"refused the IOMMU group"});
  rig.machine.fail(request::kSetIommu, {ENODEV, ENODEV});
  rig.refuses(Interface::kGroup, "TRANSSHIP_IOMMU_REFUSED", {"vfio_iommu_type1"});
  rig.machine.fail(request::kSetIommu, {EPERM});
  rig.refuses(Interface::kGroup, "TRANSSHIP_IOMMU_REFUSED", {"allow_unsafe_interrupts"});
  rig.machine.fail(request::kGroupGetStatus, {EIO});
  rig.refuses(Interface::kGroup, "TRANSSHIP_IOMMU_REFUSED", {"no answer"});
  rig.machine.fail(request::kGroupGetDeviceFd, {EINVAL});
  rig.refuses(Interface::kGroup, "TRANSSHIP_IOMMU_REFUSED", {"did not give out"});
  rig.machine.removeFile("/dev/vfio/vfio");
  rig.refuses(Interface::kGroup, "TRANSSHIP_IOMMU_REFUSED", {"/dev/vfio/vfio"});
}

TEST(KernelIommuRefusals, AGroupWithForeignDrivers) {
  Rig rig;
  rig.machine.add("0000:3b:00.7", {.driver = "snd_hda_intel", .group = 7, .vfioDevice = "", .cdev = false});
  rig.machine.groupFlags = 0;
  rig.refuses(Interface::kGroup, "TRANSSHIP_IOMMU_REFUSED", {"0000:3b:00.7 (snd_hda_intel)", "bind all"});
}

TEST(KernelIommuRefusals, NoIommu) {
  Rig none({.group = {}});
  none.refuses(Interface::kGroup, "TRANSSHIP_IOMMU_REFUSED", {"no IOMMU group", "intel_iommu=on"});
  Rig unsafe;
  unsafe.machine.removeFile("/dev/vfio/7");
  unsafe.machine.addFile("/dev/vfio/noiommu-7");
  unsafe.refuses(Interface::kGroup, "TRANSSHIP_IOMMU_REFUSED", {"no-IOMMU"});
}

}  // namespace
}  // namespace transship::test
