// What a device is, found out when it is opened.
#include <gtest/gtest.h>

#include "support/driver.hh"

namespace transship::test {
namespace {

TEST(RegionV1Open, V1_01_FindsTheRegionByItsTypeWhateverItsIndex) {
  Driver driver{{.migrationIndex = 11}};
  ASSERT_NE(driver.session, nullptr);
  EXPECT_EQ(driver.session->info().regionSize, 4096u + 8192u);
  EXPECT_TRUE(driver.session->state());
}

TEST(RegionV1Open, V1_01_ADeviceWithoutTheRegionIsNotMigratable) {
  auto opened = migration::RegionV1::open(
      std::make_unique<FakeDevice>(FakeDevice::Options{.migrationIndex = 99}), true);
  EXPECT_EQ(codeOf(opened), "TRANSSHIP_NOT_MIGRATABLE");
}

TEST(RegionV1Open, ARegionTooSmallForItsRegistersIsRefused) {
  auto opened =
      migration::RegionV1::open(std::make_unique<FakeDevice>(FakeDevice::Options{.regionSize = 32}), true);
  EXPECT_EQ(codeOf(opened), "TRANSSHIP_BAD_REGION_INFO");
}

TEST(RegionV1Open, V1_02_RegistersAreAccessedAtTheirNativeWidth) {
  Driver driver;
  driver.device->preCopy.push_back(patternBytes(10, 1));
  driver.walk({DeviceState::kPreCopy});
  EXPECT_EQ(driver.drain().size(), 1u);
  driver.walk({DeviceState::kRunning});
  for (const std::string& access : driver.device->trace) {
    EXPECT_TRUE(!access.starts_with("read ") || access == "read 0/4" || access == "read 8/8" ||
                access == "read 16/8" || access == "read 24/8" || access == "read data" ||
                access == "read region 7")
        << access;
  }
}

TEST(RegionV1Open, V1_24_NdmaIsKnownByItsCapabilityOnly) {
  EXPECT_TRUE(Driver{}.session->info().p2p);
  Driver without{{.ndma = false}};
  EXPECT_FALSE(without.session->info().p2p);
  EXPECT_EQ(codeOf(without.session->arc(DeviceState::kRunningP2p)), "TRANSSHIP_NO_P2P");
  EXPECT_TRUE(without.stateWrites().empty());
}

TEST(RegionV1Open, V1_12_SaysWhetherTheDeviceCanBeReset) {
  EXPECT_TRUE(Driver{}.session->info().resetSupported);
  Driver without{{.reset = false}};
  EXPECT_FALSE(without.session->info().resetSupported);
  EXPECT_EQ(codeOf(without.session->reset()), "TRANSSHIP_RESET_UNSUPPORTED");
  EXPECT_EQ(without.count("reset"), 0u);
}

TEST(RegionV1Open, V1_34_TheReservedFieldIsIgnored) {
  Driver driver{{.reservedField = 7}};
  ASSERT_NE(driver.session, nullptr);
  EXPECT_EQ(driver.count("read 4/4"), 0u);
}

TEST(RegionV1Open, ReadsTheIdentityFromConfigurationSpace) {
  const Driver driver;
  // The fake fills a read with its offset plus one.
  EXPECT_EQ(driver.session->info().vendorId, 0x0101);
  EXPECT_EQ(driver.session->info().deviceId, 0x0101);
  EXPECT_EQ(driver.session->info().revisionId, 0x09);
  EXPECT_EQ(driver.session->info().subsystemId, 0x2D2D);
}

TEST(RegionV1Open, V1_19_AStreamFoundOpenIsNotTakenOver) {
  Driver saving{{.initialState = vfio::kStateSaving}};
  EXPECT_EQ(codeOf(saving.session->nextSegment()), "TRANSSHIP_SESSION_FAILED");
  saving.walk({DeviceState::kStop, DeviceState::kStopCopy});
  EXPECT_TRUE(saving.session->nextSegment());

  Driver resuming{{.initialState = vfio::kStateResuming}};
  EXPECT_EQ(codeOf(resuming.session->beginSegment(1)), "TRANSSHIP_SESSION_FAILED");
  EXPECT_EQ(codeOf(resuming.session->arc(DeviceState::kStop)), "TRANSSHIP_SESSION_FAILED");
  EXPECT_TRUE(resuming.session->reset());
}

TEST(RegionV1Open, V1_16_ConfigurationSpaceStaysUsableWhileStopped) {
  Driver driver;
  driver.walk({DeviceState::kRunningP2p, DeviceState::kStop});
  Bytes config(200);
  EXPECT_TRUE(driver.session->readConfig(0, config));
  EXPECT_TRUE(driver.session->writeConfig(4, std::span{config}.first(2)));
  EXPECT_GT(driver.count("read region 7"), 3u);  // in accesses that the door can carry
}

}  // namespace
}  // namespace transship::test
