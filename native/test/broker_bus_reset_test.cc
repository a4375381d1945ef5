// The wider rung of a reset: the bus, where nothing else is on it.
#include <gtest/gtest.h>

#include "broker/bus_reset.hh"
#include "broker/kernel_opener.hh"
#include "support/broker_rig.hh"
#include "support/driver.hh"
#include "support/kernel_machine.hh"
#include "vfio/kernel_abi.hh"

namespace transship::test {
namespace {

using broker::ResetRung;

const std::string kAddress = "0000:3b:00.1";

// A PCI device whose function cannot be reset.
struct Rig {
  KernelMachine machine = {};
  std::unique_ptr<broker::KernelOpener> opener;
  Result<broker::HeldDevice> held{Error{}};

  explicit Rig(vfio::Interface interface, int why = EIO) {
    machine.add(kAddress);
    machine.onBus = {kAddress};
    opener = std::make_unique<broker::KernelOpener>(
        machine, machine.paths(),
        broker::DeviceSpec{.name = "gpu/0", .address = kAddress, .interface = interface},
        std::make_shared<vfio::KernelIommu>(machine, machine.paths()));
    held = opener->open();
    machine.fail(vfio::request::kDeviceReset, {why});
  }

  Result<broker::ResetDone> reset() { return opener->reset(*held); }
  // The reset has failed with the function's error, and says this of the bus.
  void expectKept(const std::string& said, int why = EIO) {
    const auto outcome = reset();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().errorNumber, why);
    EXPECT_EQ(codeOf(outcome), "TRANSSHIP_ACCESS_FAILED");
    EXPECT_EQ(outcome.error().message.find("the device refused VFIO_DEVICE_RESET"), 0u);
    EXPECT_NE(outcome.error().message.find(said), std::string::npos) << outcome.error().message;
  }
};

TEST(BrokerBusReset, IsNotTriedWhereTheFunctionWasReset) {
  Rig rig{vfio::Interface::kCdev, 0};
  const auto outcome = rig.reset();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->rung, ResetRung::kFunction);
  EXPECT_TRUE(rig.machine.busResets.empty());
}

TEST(BrokerBusReset, NamesNoGroupForADeviceThatWasOpenedByItsCharacterDevice) {
  Rig rig{vfio::Interface::kCdev};
  const auto outcome = rig.reset();
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->rung, ResetRung::kBus);
  EXPECT_EQ(outcome->first.find("the device refused VFIO_DEVICE_RESET"), 0u);
  EXPECT_EQ(rig.machine.busResets, (std::vector<std::string>{"no group"}));
}

TEST(BrokerBusReset, ProvesByTheGroupThatItOwnsADevice) {
  Rig rig{vfio::Interface::kGroup};
  ASSERT_TRUE(rig.reset());
  EXPECT_EQ(rig.machine.busResets, (std::vector<std::string>{"vfio/7"}));
}

TEST(BrokerBusReset, IsNotTriedWhereAnotherFunctionIsOnTheBus) {
  for (const std::string other : {"0000:3b:00.0", "0001:3b:00.1", "0000:3b:01.1", "0000:3c:00.1"}) {
    Rig rig{vfio::Interface::kCdev};
    rig.machine.onBus = {kAddress, other};
    rig.expectKept("not reset: a reset of its bus would reset " + other);
    EXPECT_TRUE(rig.machine.busResets.empty());
  }
}

TEST(BrokerBusReset, AsksAgainWhenTheListHasGrown) {
  Rig rig{vfio::Interface::kCdev};
  rig.machine.appearing = {"0000:3b:00.2"};
  rig.expectKept("would reset 0000:3b:00.2");
  EXPECT_EQ(rig.machine.count("hot-reset-info vfio/devices/vfio0"), 2u);
}

TEST(BrokerBusReset, GivesUpOnAListThatKeepsGrowing) {
  Rig rig{vfio::Interface::kCdev};
  rig.machine.appearing.assign(10, kAddress);
  rig.expectKept("keeps changing");
  EXPECT_TRUE(rig.machine.busResets.empty());
}

TEST(BrokerBusReset, IsNotTriedWhereTheListIsEmptyOrTooLong) {
  Rig empty{vfio::Interface::kCdev};
  empty.machine.onBus = std::vector<std::string>{};
  empty.expectKept("names no device");
  Rig large{vfio::Interface::kCdev};
  large.machine.onBus = std::vector<std::string>(broker::kMaxBusDevices + 1, kAddress);
  large.expectKept("there are 257 devices");
  EXPECT_TRUE(large.machine.busResets.empty());
}

TEST(BrokerBusReset, ADeviceWithoutTheRequestKeepsTheErrorOfItsFunction) {
  Rig rig{vfio::Interface::kCdev, ENOTTY};
  rig.machine.onBus.reset();
  rig.expectKept("does not say what is on its bus", ENOTTY);
}

TEST(BrokerBusReset, ThatFailsIsNoSecondChanceAndMayHaveLostTheState) {
  Rig rig{vfio::Interface::kCdev, ENOTTY};
  rig.machine.fail(vfio::request::kDevicePciHotReset, {EINTR, EPERM});
  rig.expectKept("reset in vain: the device refused VFIO_DEVICE_PCI_HOT_RESET", EIO);
  EXPECT_EQ(rig.machine.count("hot-reset vfio/devices/vfio0"), 2u);
}

TEST(BrokerBusReset, IsNotTriedOnADeviceThatIsUnplugged) {
  Rig rig{vfio::Interface::kCdev, ENODEV};
  EXPECT_EQ(codeOf(rig.reset()), "TRANSSHIP_CONNECTION_LOST");
  EXPECT_EQ(rig.machine.count("hot-reset-info vfio/devices/vfio0"), 0u);
}

TEST(BrokerBusReset, IsNotTriedOnADeviceWhoseGroupAnotherBrokerHasOpened) {
  Rig rig{vfio::Interface::kGroup};
  rig.held->file.group = nullptr;
  rig.expectKept("opened by another process");
  EXPECT_TRUE(rig.machine.busResets.empty());
}

TEST(BrokerBusReset, IsToldByItsNameAndAsAnotherIncarnation) {
  BrokerRig rig;
  rig.backend(0).resetErrno = EIO;
  rig.backend(0).busHelps = true;
  const RawClient client{rig.agent()};
  EXPECT_EQ(client.ask("reset gpu/0").text, R"({"ok":true,"resets":1,"rung":"bus"})");
  const BrokerMessage after = client.ask("info gpu/0");
  EXPECT_TRUE(has(after, R"("resets":1)"));
  EXPECT_TRUE(has(after, R"("rung":"bus")"));
  EXPECT_TRUE(has(client.ask("info gpu/1"), R"("rung":null)"));
}

}  // namespace
}  // namespace transship::test
