// From an address to a device, and on to a session.
#include "vfio/kernel_door.hh"

#include <gtest/gtest.h>

#include <thread>

#include "migration/open_session.hh"
#include "support/driver.hh"
#include "support/kernel_machine.hh"
#include "vfio/kernel_abi.hh"

namespace transship::test {
namespace {

using std::chrono::milliseconds;

const std::string kName = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";

struct Rig {
  KernelMachine machine = {};
  std::shared_ptr<Cancellation> cancellation = std::make_shared<Cancellation>();

  Rig() { machine.add(kName); }
  Result<std::unique_ptr<vfio::Device>> open(milliseconds timeout, const std::string& address = kName) {
    return vfio::openKernelDevice(machine, cancellation, address,
                                  {.timeout = timeout, .paths = machine.paths()});
  }
};

TEST(KernelDoor, OpensADeviceAndLetsGoOfEverything) {
  Rig rig;
  const std::size_t before = openDescriptors();
  {
    const auto device = rig.open(milliseconds{100});
    ASSERT_TRUE(device) << device.error().message;
    EXPECT_TRUE((*device)->facts().resetSupported);
    EXPECT_EQ((*device)->facts().regions, 10u);
  }
  EXPECT_EQ(openDescriptors(), before);
}

TEST(KernelDoor, ABusyDeviceIsTriedAgainUntilItsHolderHasGone) {
  Rig rig;
  rig.machine.fail(vfio::request::kDeviceBindIommufd, {EINVAL, EINVAL, EBUSY});
  EXPECT_TRUE(rig.open(milliseconds{10000}));
  EXPECT_EQ(rig.machine.count("bind vfio/devices/vfio0"), 4u);
}

TEST(KernelDoor, ADeviceThatStaysBusyFailsAtTheDeadline) {
  Rig rig;
  rig.machine.failOpen("vfio/devices/vfio0", EBUSY);
  EXPECT_EQ(codeOf(rig.open(milliseconds{30})), "TRANSSHIP_DEVICE_BUSY");
}

TEST(KernelDoor, AnythingButBusyFailsAtOnce) {
  Rig rig;
  EXPECT_EQ(codeOf(rig.open(milliseconds{60000}, "0000:00:00.0")), "TRANSSHIP_DEVICE_NOT_FOUND");
  rig.machine.failOpen("iommu", ENXIO);
  rig.machine.failOpen("vfio/devices/vfio0", EACCES);
  EXPECT_EQ(codeOf(rig.open(milliseconds{60000})), "TRANSSHIP_NOT_ALLOWED");
}

TEST(KernelDoor, CancellationEndsTheTries) {
  Rig rig;
  rig.machine.failOpen("vfio/devices/vfio0", EBUSY);
  std::jthread closer{[&] {
    std::this_thread::sleep_for(milliseconds{20});
    rig.cancellation->cancel();
  }};
  EXPECT_EQ(codeOf(rig.open(milliseconds{60000})), "TRANSSHIP_CLOSED");
}

TEST(KernelDoor, ADeviceOfPlainVfioPciCannotBeMigrated) {
  Rig rig;  // answers VFIO_DEVICE_FEATURE with ENOTTY, and has no region of the migration's type
  for (std::uint32_t index = 0; index < 10; ++index) {
    const vfio::RegionInfo plain{.argsz = sizeof(plain),
                                 .flags = 3,
                                 .index = index,
                                 .cap_offset = 0,
                                 .size = 4096,
                                 .offset = std::uint64_t{index} << 40};
    const auto bytes = std::as_bytes(std::span{&plain, 1});
    rig.machine.regions[index].assign(bytes.begin(), bytes.end());
  }
  auto device = rig.open(milliseconds{100});
  ASSERT_TRUE(device);
  EXPECT_EQ(codeOf(migration::openSession(std::move(*device), true)), "TRANSSHIP_NOT_MIGRATABLE");
}

}  // namespace
}  // namespace transship::test
