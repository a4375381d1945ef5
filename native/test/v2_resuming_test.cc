// The resuming stream of v2.
#include <gtest/gtest.h>

#include <cerrno>

#include "support/v2_driver.hh"

namespace transship::test {
namespace {

using enum DeviceState;

TEST(SessionV2Resuming, V2_10_ASegmentGoesInWithOneWrite) {
  V2Driver driver;
  driver.toResuming();
  const Bytes first = patternBytes(1000, 1);
  ASSERT_TRUE(driver.session->beginSegment(first.size()));
  for (std::size_t at = 0; at < first.size(); at += 100) {
    ASSERT_TRUE(driver.session->writeSegment(std::span{first}.subspan(at, 100)));
  }
  EXPECT_EQ(driver.device->loaded.size(), 0u);
  ASSERT_TRUE(driver.session->commitSegment());
  const Bytes second = patternBytes(500, 2);
  ASSERT_TRUE(driver.load(second));
  EXPECT_EQ(driver.count("write 1000"), 1u);
  EXPECT_EQ(driver.count("write 500"), 1u);
  Bytes all = first;
  all.insert(all.end(), second.begin(), second.end());
  EXPECT_EQ(driver.device->loaded, all);
  driver.walk({kStop, kRunningP2p, kRunning});
}

TEST(SessionV2Resuming, V2_12_ShortWritesGoOnWhereTheyStopped) {
  V2Driver driver;
  driver.toResuming();
  driver.device->takesAtMost = 300;
  int writes = 0;
  driver.device->fault = [&writes](const std::string& request) -> std::optional<int> {
    return request.starts_with("write") && ++writes == 2 ? std::optional{EINTR} : std::nullopt;
  };
  EXPECT_TRUE(driver.load(patternBytes(1000, 1)));
  EXPECT_EQ(driver.device->loaded, patternBytes(1000, 1));
  EXPECT_EQ(writes, 5);
}

TEST(SessionV2Resuming, V2_12_ADeviceThatIsNotReadyIsTriedAgainWithinReason) {
  V2Driver driver;
  driver.toResuming();
  int writes = 0;
  driver.device->fault = [&writes](const std::string& request) -> std::optional<int> {
    return request.starts_with("write") && ++writes < 4 ? std::optional{EAGAIN} : std::nullopt;
  };
  ASSERT_TRUE(driver.load(patternBytes(1000, 1)));
  EXPECT_EQ(driver.device->loaded, patternBytes(1000, 1));
  writes = -1000000;
  const Status refused = driver.load(patternBytes(1000, 2));
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_ACCESS_FAILED");
  EXPECT_EQ(refused.error().errorNumber, EAGAIN);
  EXPECT_LT(driver.count("write 1000"), 100u);
}

TEST(SessionV2Resuming, ADeviceThatTakesNothingHasFailed) {
  V2Driver driver;
  driver.toResuming();
  driver.device->takesAtMost = 0;
  EXPECT_EQ(codeOf(driver.load(patternBytes(10, 1))), "TRANSSHIP_ACCESS_FAILED");
  EXPECT_EQ(codeOf(driver.session->beginSegment(10)), "TRANSSHIP_SESSION_FAILED");
}

TEST(SessionV2Resuming, WhatIsNoSegmentIsRefusedWithoutTouchingTheDevice) {
  V2Driver driver;
  EXPECT_EQ(codeOf(driver.session->beginSegment(10)), "TRANSSHIP_NOT_RESUMING");
  driver.toResuming();
  const Bytes data(20);
  EXPECT_EQ(codeOf(driver.session->writeSegment(data)), "TRANSSHIP_NO_SEGMENT");
  EXPECT_EQ(codeOf(driver.session->commitSegment()), "TRANSSHIP_NO_SEGMENT");
  EXPECT_EQ(codeOf(driver.session->beginSegment(0)), "TRANSSHIP_INVALID_ARGUMENT");
  EXPECT_EQ(codeOf(driver.session->beginSegment(1024 * 1024 + 1)), "TRANSSHIP_SEGMENT_TOO_LARGE");
  ASSERT_TRUE(driver.session->beginSegment(10));
  EXPECT_EQ(codeOf(driver.session->beginSegment(10)), "TRANSSHIP_SEGMENT_OPEN");
  EXPECT_EQ(codeOf(driver.session->writeSegment(data)), "TRANSSHIP_INVALID_ARGUMENT");
  EXPECT_EQ(codeOf(driver.session->commitSegment()), "TRANSSHIP_SEGMENT_INCOMPLETE");
  EXPECT_EQ(codeOf(driver.session->arc(kStop)), "TRANSSHIP_SEGMENT_OPEN");
  EXPECT_EQ(driver.requests(), (Trace{"set 5", "set 1", "set 4"}));
  EXPECT_TRUE(driver.device->loaded.empty());
}

TEST(SessionV2Resuming, V2_24_ARefusedLoadLeavesOnlyAReset) {
  // Wherever the device says that it is afterwards: in Resuming still, stopped, or running.
  for (const std::uint32_t after : {4u, 1u, 2u}) {
    V2Driver driver;
    driver.toResuming();
    ASSERT_TRUE(driver.load(patternBytes(10, 1)));
    driver.refuse("set 1", EINVAL);
    driver.device->stateAfterFault = after;
    auto rejected = driver.session->arc(kStop);
    EXPECT_EQ(codeOf(rejected), "TRANSSHIP_LOAD_REJECTED");
    EXPECT_EQ(rejected.error().errorNumber, EINVAL);
    driver.device->fault = {};
    for (const DeviceState to : {kStop, kRunning, kRunningP2p}) {
      EXPECT_EQ(codeOf(driver.session->arc(to)), "TRANSSHIP_SESSION_FAILED") << migration::stateName(to);
    }
    EXPECT_EQ(codeOf(driver.session->beginSegment(10)), "TRANSSHIP_SESSION_FAILED");
    EXPECT_EQ(driver.requests().size(), 4u);
    EXPECT_TRUE(driver.session->reset());
    driver.toResuming();
  }
}

TEST(SessionV2Resuming, V2_24_ALoadThatEndsInErrorIsRejectedToo) {
  V2Driver driver;
  driver.toResuming();
  driver.refuse("set 1", EIO);
  driver.device->stateAfterFault = 0;
  EXPECT_EQ(codeOf(driver.session->arc(kStop)), "TRANSSHIP_LOAD_REJECTED");
  EXPECT_EQ(codeOf(driver.session->arc(kStop)), "TRANSSHIP_DEVICE_ERROR");
  EXPECT_TRUE(driver.session->reset());
}

TEST(SessionV2Resuming, V2_25_ALoadThatFailedIsLeftByAResetAlone) {
  V2Driver driver;
  driver.toResuming();
  driver.refuse("write 10", EFAULT);
  auto refused = driver.load(patternBytes(10, 1));
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_ACCESS_FAILED");
  EXPECT_EQ(refused.error().errorNumber, EFAULT);
  driver.device->fault = {};
  EXPECT_EQ(codeOf(driver.session->arc(kStop)), "TRANSSHIP_SESSION_FAILED");
  EXPECT_EQ(driver.requests(), (Trace{"set 5", "set 1", "set 4"}));
  EXPECT_TRUE(driver.session->reset());
  driver.toResuming();
  EXPECT_TRUE(driver.load(patternBytes(10, 1)));
}

TEST(SessionV2Resuming, V2_15_AWriteToAStreamThatIsGoneMakesTheStateAskedFor) {
  V2Driver driver;
  driver.toResuming();
  driver.device->state = 2;
  auto refused = driver.load(patternBytes(10, 1));
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_FOREIGN_STATE_CHANGE");
  EXPECT_STREQ(refused.error().state, "Running");
  EXPECT_EQ(codeOf(driver.session->arc(kStop)), "TRANSSHIP_FOREIGN_STATE_CHANGE");
}

TEST(SessionV2Resuming, V2_07_LeavingOrResettingClosesTheStreamOnce) {
  V2Driver driver;
  const auto streams = driver.device->streams;
  driver.toResuming();
  driver.walk({kStop, kResuming});
  EXPECT_EQ(streams->closed, 1);
  EXPECT_TRUE(driver.session->reset());
  EXPECT_EQ(streams->closed, 2);
  driver.toStopCopy();
  driver.walk({kStop});
  EXPECT_EQ(streams->closed, 3);
  EXPECT_EQ(streams->opened, 3);
}

}  // namespace
}  // namespace transship::test
