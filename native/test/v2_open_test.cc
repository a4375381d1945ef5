// What opening a v2 device asks, and what it is taken for.
#include <gtest/gtest.h>

#include <cerrno>

#include "migration/open_session.hh"
#include "support/v2_driver.hh"

namespace transship::test {
namespace {

using enum DeviceState;
using migration::Protocol;

constexpr std::uint64_t kStopCopyFlag = vfio::kMigrationStopCopy;

std::string openError(FakeV2Device::Options options) {
  return codeOf(migration::openSession(std::make_unique<FakeV2Device>(std::move(options)), true));
}

TEST(SessionV2Open, TellsWhatTheDeviceIs) {
  const V2Driver driver;
  const auto& info = driver.session->info();
  EXPECT_EQ(info.protocol, Protocol::kV2);
  EXPECT_TRUE(info.p2p);
  EXPECT_TRUE(info.preCopy);
  EXPECT_TRUE(info.resetSupported);
  EXPECT_TRUE(info.dmaLogging);
  EXPECT_EQ(info.migrationFlags, 7u);
  EXPECT_EQ(info.regionSize, 0u);
  EXPECT_EQ(info.dataWindowSize, 1024u * 1024);
  EXPECT_EQ(info.vendorId, 0x0101);
  EXPECT_FALSE(V2Driver{{.dmaLogging = false}}.session->info().dmaLogging);
}

TEST(SessionV2Open, OpeningConfiguresNothing) {
  const V2Driver driver{{.reinitReports = true}};
  for (const std::string& request : driver.device->trace) {
    EXPECT_TRUE(request == "get" || request == "feature 0x10001" || request == "feature 0x60006") << request;
  }
}

TEST(SessionV2Open, V2_01_ADeviceWithoutTheFeatureIsAskedForTheV1Region) {
  EXPECT_EQ(openError({.flags = 0}), "TRANSSHIP_NOT_MIGRATABLE");
  auto v1 = migration::openSession(std::make_unique<FakeDevice>(FakeDevice::Options{}), true);
  ASSERT_TRUE(v1);
  EXPECT_EQ((*v1)->info().protocol, Protocol::kV1);
  EXPECT_EQ((*v1)->info().migrationFlags, 0u);
}

TEST(SessionV2Open, V2_01_FlagsThatMeanNothingYetAreRefused) {
  EXPECT_EQ(openError({.flags = vfio::kMigrationP2p}), "TRANSSHIP_NOT_MIGRATABLE");
  EXPECT_EQ(openError({.flags = vfio::kMigrationP2p | vfio::kMigrationPreCopy}), "TRANSSHIP_NOT_MIGRATABLE");
  EXPECT_EQ(openError({.flags = kStopCopyFlag | (1u << 3)}), "TRANSSHIP_NOT_MIGRATABLE");
  EXPECT_EQ(openError({.flags = kStopCopyFlag}), "no error");
}

TEST(SessionV2Open, AFailureThatIsNoAbsenceIsReported) {
  auto fake = std::make_unique<FakeV2Device>(FakeV2Device::Options{});
  fake->fault = [](const std::string& request) -> std::optional<int> {
    return request == "feature 0x10001" ? std::optional{EIO} : std::nullopt;
  };
  EXPECT_EQ(codeOf(migration::openSession(std::move(fake), true)), "TRANSSHIP_ACCESS_FAILED");
}

TEST(SessionV2Open, V2_22_OnlyTheFlagMakesADeviceFitForASet) {
  const V2Driver alone{{.flags = kStopCopyFlag | vfio::kMigrationPreCopy}};
  EXPECT_FALSE(alone.session->info().p2p);
  EXPECT_TRUE(alone.session->info().preCopy);
  const V2Driver peer{{.flags = kStopCopyFlag | vfio::kMigrationP2p}};
  EXPECT_TRUE(peer.session->info().p2p);
  EXPECT_FALSE(peer.session->info().preCopy);
}

TEST(SessionV2Open, AStreamOfAnotherClientCanOnlyBeEnded) {
  V2Driver saving{{.initialState = vfio::MigState::kPreCopy}};
  EXPECT_EQ(codeOf(saving.session->nextSegment()), "TRANSSHIP_SESSION_FAILED");
  saving.walk({kRunning, kPreCopy});
  EXPECT_TRUE(saving.session->nextSegment());

  V2Driver resuming{{.initialState = vfio::MigState::kResuming}};
  EXPECT_EQ(codeOf(resuming.session->beginSegment(10)), "TRANSSHIP_SESSION_FAILED");
  EXPECT_EQ(codeOf(resuming.session->arc(kStop)), "TRANSSHIP_SESSION_FAILED");
  EXPECT_TRUE(resuming.requests().empty());
  EXPECT_TRUE(resuming.session->reset());
}

TEST(SessionV2Open, AStateWithoutANameLeavesOnlyAReset) {
  V2Driver driver{{.initialState = vfio::MigState{11}}};
  EXPECT_EQ(codeOf(driver.session->state()), "TRANSSHIP_DRIVER_VIOLATION");
  EXPECT_EQ(codeOf(driver.session->arc(kRunningP2p)), "TRANSSHIP_DRIVER_VIOLATION");
  auto raw = driver.session->rawState();
  ASSERT_TRUE(raw);
  EXPECT_EQ(*raw, 11u);
  EXPECT_TRUE(driver.session->reset());
  driver.walk({kRunningP2p});
}

}  // namespace
}  // namespace transship::test
