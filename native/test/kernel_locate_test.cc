// Finding a device of the kernel in sysfs.
#include "vfio/kernel_locate.hh"

#include <gtest/gtest.h>

#include "support/driver.hh"
#include "support/kernel_machine.hh"

namespace transship::test {
namespace {

const std::string kPci = "0000:3b:00.1";
const std::string kUuid = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";

TEST(KernelLocate, FindsAPciDeviceWhateverTheCaseOfItsAddress) {
  KernelMachine machine;
  machine.add(kPci, {.driver = "mlx5_vfio_pci", .group = 12, .vfioDevice = "vfio3"});
  for (const std::string& address : {kPci, std::string{"0000:3B:00.1"}}) {
    const auto place = vfio::locateDevice(machine.paths(), address);
    ASSERT_TRUE(place) << place.error().message;
    EXPECT_EQ(place->name, kPci);
    EXPECT_EQ(place->folder, machine.path("/sys/devices/parent/" + kPci));
    EXPECT_EQ(place->driver, "mlx5_vfio_pci");
    EXPECT_EQ(place->group, 12u);
    EXPECT_EQ(place->vfioDevice, "vfio3");
  }
}

TEST(KernelLocate, FindsAMediatedDeviceByUuidAndAnyDeviceByItsFolder) {
  KernelMachine machine;
  machine.add(kUuid);
  for (const std::string& address : {kUuid, machine.path("/sys/bus/mdev/devices/" + kUuid),
                                     machine.path("/sys/devices/parent/" + kUuid)}) {
    const auto place = vfio::locateDevice(machine.paths(), address);
    ASSERT_TRUE(place) << place.error().message;
    EXPECT_EQ(place->name, kUuid);
    EXPECT_EQ(place->group, 7u);
  }
}

TEST(KernelLocate, ADeviceMayHaveNeitherDriverNorGroup) {
  KernelMachine machine;
  machine.add(kPci, {.driver = "", .group = {}, .vfioDevice = ""});
  const auto place = vfio::locateDevice(machine.paths(), kPci);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->driver, "");
  EXPECT_FALSE(place->group);
  EXPECT_EQ(place->vfioDevice, "");
}

TEST(KernelLocate, AnAbsentDeviceIsNotFound) {
  KernelMachine machine;
  machine.add(kPci);
  for (const std::string& address :
       {std::string{"0000:3b:00.2"}, kUuid, machine.path("/sys/devices/other")}) {
    EXPECT_EQ(codeOf(vfio::locateDevice(machine.paths(), address)), "TRANSSHIP_DEVICE_NOT_FOUND") << address;
  }
}

TEST(KernelLocate, AnythingElseIsNoAddress) {
  KernelMachine machine;
  for (const std::string address :
       {"", "vfio0", "3b:00.1", "0000:3b:00.g", "/etc/passwd", "..", "0000:3b:00.1x"}) {
    EXPECT_EQ(codeOf(vfio::locateDevice(machine.paths(), address)), "TRANSSHIP_INVALID_ARGUMENT") << address;
  }
  EXPECT_EQ(codeOf(vfio::locateDevice(machine.paths(), machine.path("/sys/") + std::string(5000, 'a'))),
            "TRANSSHIP_INVALID_ARGUMENT");
}

TEST(KernelLocate, ADeviceIsPresentUntilVfioLetsItGo) {
  KernelMachine machine;
  machine.add(kPci);
  const auto place = vfio::locateDevice(machine.paths(), kPci);
  ASSERT_TRUE(place);
  EXPECT_TRUE(vfio::devicePresent(*place));
  machine.removeFile("/sys/devices/parent/" + kPci + "/vfio-dev/vfio0");
  EXPECT_FALSE(vfio::devicePresent(*place));
}

TEST(KernelLocate, WithoutARegistrationTheFolderCounts) {
  KernelMachine machine;
  machine.add(kPci, {.vfioDevice = ""});
  const auto place = vfio::locateDevice(machine.paths(), kPci);
  ASSERT_TRUE(place);
  EXPECT_TRUE(vfio::devicePresent(*place));
  machine.removeFile("/sys/devices/parent/" + kPci);
  EXPECT_FALSE(vfio::devicePresent(*place));
}

}  // namespace
}  // namespace transship::test
