// What a v2 device says of the data to come.
#include <gtest/gtest.h>

#include <cerrno>

#include "support/v2_driver.hh"

namespace transship::test {
namespace {

using enum DeviceState;

std::uint64_t pending(V2Driver& driver) {
  auto bytes = driver.session->pendingBytes();
  EXPECT_TRUE(bytes) << bytes.error().message;
  return bytes ? *bytes : 0;
}

TEST(SessionV2Estimate, V2_16_PreCopyInfoIsAskedForInPreCopyOnly) {
  V2Driver driver;
  driver.device->info = {.initialBytes = 100, .dirtyBytes = 20, .reinit = false};
  EXPECT_EQ(codeOf(driver.session->precopyInfo()), "TRANSSHIP_NOT_SAVING");
  driver.walk({kPreCopy});
  auto info = driver.session->precopyInfo();
  ASSERT_TRUE(info && *info);
  EXPECT_EQ((*info)->initialBytes, 100u);
  EXPECT_EQ((*info)->dirtyBytes, 20u);
  EXPECT_EQ(pending(driver), 120u);
  driver.walk({kPreCopyP2p});
  EXPECT_TRUE(driver.session->precopyInfo());
  driver.walk({kStopCopy});
  EXPECT_EQ(codeOf(driver.session->precopyInfo()), "TRANSSHIP_NOT_SAVING");
  EXPECT_EQ(driver.count("info"), 3u);
}

TEST(SessionV2Estimate, V2_16_ARefusalOfPreCopyInfoIsNotFatal) {
  V2Driver driver;
  driver.device->preCopy.push_back(patternBytes(10, 1));
  driver.walk({kPreCopy});
  for (const int why : {EINVAL, ENOTTY}) {
    driver.refuse("info", why);
    auto info = driver.session->precopyInfo();
    ASSERT_TRUE(info);
    EXPECT_FALSE(*info);
    EXPECT_EQ(pending(driver), 0u);
  }
  driver.refuse("info", EIO);
  EXPECT_EQ(codeOf(driver.session->precopyInfo()), "TRANSSHIP_ACCESS_FAILED");
  driver.device->fault = {};
  EXPECT_EQ(driver.drain().bytes.size(), 10u);
}

TEST(SessionV2Estimate, V2_18_StopCopyIsEstimatedByTheDataSize) {
  V2Driver driver{{.dataSize = 5000}};
  driver.device->info = {.initialBytes = 100, .dirtyBytes = 20, .reinit = false};
  driver.device->preCopy.push_back(patternBytes(300, 1));
  driver.device->stopCopy.push_back(patternBytes(1000, 2));
  auto ahead = driver.session->stopCopySize();
  ASSERT_TRUE(ahead && *ahead);
  EXPECT_EQ(**ahead, 5000u);
  driver.walk({kPreCopy});
  EXPECT_EQ(driver.drain().bytes.size(), 300u);
  EXPECT_EQ(pending(driver), 120u);
  driver.walk({kPreCopyP2p, kStopCopy});
  EXPECT_EQ(pending(driver), 5000u);
  ASSERT_TRUE(driver.session->nextSegment());
  EXPECT_EQ(pending(driver), 4000u);
}

TEST(SessionV2Estimate, AnEstimateThatWasTooSmallEndsAtZero) {
  V2Driver driver{{.dataSize = 10}};
  driver.device->stopCopy.push_back(patternBytes(1000, 2));
  driver.toStopCopy();
  ASSERT_TRUE(driver.session->nextSegment());
  EXPECT_EQ(pending(driver), 0u);
}

TEST(SessionV2Estimate, V2_19_AnUnknownDataSizeIsNoFault) {
  V2Driver driver;
  auto unknown = driver.session->stopCopySize();
  ASSERT_TRUE(unknown);
  EXPECT_FALSE(*unknown);
  driver.toStopCopy();
  EXPECT_EQ(pending(driver), 0u);
  driver.refuse("feature 0x10009", EIO);
  auto failed = driver.session->stopCopySize();
  ASSERT_TRUE(failed);
  EXPECT_FALSE(*failed);
}

TEST(SessionV2Estimate, V2_20_TheFlagsMeanNothingUntilTheyWereChosen) {
  for (const bool offered : {false, true}) {
    V2Driver driver{{.reinitReports = offered}};
    driver.device->info = {.initialBytes = 1, .dirtyBytes = 2, .reinit = true};
    EXPECT_EQ(driver.count("feature 0x2000c"), 0u);
    driver.walk({kPreCopy});
    auto info = driver.session->precopyInfo();
    ASSERT_TRUE(info && *info);
    EXPECT_EQ((*info)->reinit, offered);
    // Chosen before the stream was opened, and for another stream again.
    EXPECT_EQ(driver.device->trace.at(driver.device->trace.size() - 3), "feature 0x2000c");
    driver.walk({kRunning, kPreCopy});
    EXPECT_EQ(driver.count("feature 0x2000c"), 2u);
  }
}

}  // namespace
}  // namespace transship::test
