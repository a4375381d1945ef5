// The log of the pages that a device writes.
#include <gtest/gtest.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "support/v2_driver.hh"

namespace transship::test {
namespace {

constexpr vfio::IovaRange kMemory{.iova = 0x10000, .length = 1024 * 1024};
constexpr std::uint64_t kPage = 4096;

Result<std::uint64_t> start(V2Driver& driver, std::uint64_t pageSize = kPage) {
  return driver.session->startDmaLogging(std::span{&kMemory, 1}, pageSize);
}

TEST(DmaLog, V2_31_ThePageSizeThatTheDeviceChoseCounts) {
  V2Driver driver;
  driver.device->pageSize = 65536;
  auto used = start(driver);
  ASSERT_TRUE(used);
  EXPECT_EQ(*used, 65536u);
  auto bits = driver.session->reportDmaLogging({.iova = 0x10000, .length = 0x100000});
  ASSERT_TRUE(bits);
  EXPECT_EQ(bits->size(), 8u);  // 16 pages in one word
  EXPECT_EQ(driver.device->reportedPageSizes, std::vector<std::uint64_t>{65536});
  EXPECT_EQ(codeOf(driver.session->reportDmaLogging({.iova = 0x11000, .length = 0x10000})),
            "TRANSSHIP_INVALID_ARGUMENT");
}

TEST(DmaLog, V2_31_OneStartOneStop) {
  V2Driver driver;
  ASSERT_TRUE(start(driver));
  EXPECT_EQ(codeOf(start(driver)), "TRANSSHIP_INVALID_ARGUMENT");
  EXPECT_EQ(driver.count("log start"), 1u);
  EXPECT_TRUE(driver.session->stopDmaLogging());
  EXPECT_TRUE(driver.session->stopDmaLogging());
  EXPECT_EQ(driver.count("log stop"), 1u);
  EXPECT_TRUE(start(driver));
}

TEST(DmaLog, ALogThatAKilledProcessLeftRunningIsStopped) {
  bool running = true;
  V2Driver driver;
  driver.device->fault = [&](const std::string& request) -> std::optional<int> {
    if (request == "log start") {
      return std::exchange(running, true) ? std::optional{EINVAL} : std::nullopt;
    }
    running = running && request != "log stop";
    return std::nullopt;
  };
  ASSERT_TRUE(start(driver));
  EXPECT_EQ(driver.count("log start"), 2u);
  EXPECT_EQ(driver.count("log stop"), 1u);
}

TEST(DmaLog, AStartThatIsRefusedAgainIsNotTriedForEver) {
  V2Driver driver;
  driver.refuse("log start", EINVAL);
  auto refused = start(driver);
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_ACCESS_FAILED");
  EXPECT_EQ(refused.error().errorNumber, EINVAL);
  EXPECT_EQ(driver.count("log start"), 2u);
  EXPECT_EQ(driver.count("log stop"), 1u);
}

TEST(DmaLog, V2_31_ALogEndsWithTheSession) {
  auto trace = std::make_shared<Trace>();
  {
    V2Driver driver;
    ASSERT_TRUE(start(driver));
    driver.device->fault = [trace](const std::string& request) -> std::optional<int> {
      trace->push_back(request);
      return std::nullopt;
    };
  }
  EXPECT_EQ(*trace, Trace{"log stop"});
}

TEST(DmaLog, V2_31_NoMoreRangesThanFitAPage) {
  V2Driver driver;
  std::vector<vfio::IovaRange> ranges(257, kMemory);
  EXPECT_EQ(codeOf(driver.session->startDmaLogging(ranges, kPage)), "TRANSSHIP_INVALID_ARGUMENT");
  EXPECT_EQ(codeOf(driver.session->startDmaLogging({}, kPage)), "TRANSSHIP_INVALID_ARGUMENT");
  EXPECT_EQ(codeOf(start(driver, 3000)), "TRANSSHIP_INVALID_ARGUMENT");
  const vfio::IovaRange beyond{.iova = ~0ull, .length = 2};
  EXPECT_EQ(codeOf(driver.session->startDmaLogging(std::span{&beyond, 1}, kPage)),
            "TRANSSHIP_INVALID_ARGUMENT");
  EXPECT_EQ(driver.count("log start"), 0u);
  ranges.resize(256);
  EXPECT_TRUE(driver.session->startDmaLogging(ranges, kPage));
}

TEST(DmaLog, APageSizeThatIsNoneIsADriversFault) {
  V2Driver driver;
  driver.device->pageSize = 3000;
  EXPECT_EQ(codeOf(start(driver)), "TRANSSHIP_DRIVER_VIOLATION");
  EXPECT_EQ(driver.count("log stop"), 1u);
}

TEST(DmaLog, V2_32_EveryReportStartsFromZero) {
  V2Driver driver;
  ASSERT_TRUE(start(driver));
  driver.device->dirty = {std::byte{0x10}, std::byte{0}, std::byte{0x80}};
  auto first = driver.session->reportDmaLogging(kMemory);
  ASSERT_TRUE(first);
  Bytes expected(32);
  expected[0] = std::byte{0x10};
  expected[2] = std::byte{0x80};
  EXPECT_EQ(*first, expected);
  driver.device->dirty.clear();
  auto second = driver.session->reportDmaLogging(kMemory);
  ASSERT_TRUE(second);
  EXPECT_EQ(*second, Bytes(32));
}

TEST(DmaLog, V2_33_AFailedReportSpoilsTheLog) {
  V2Driver driver;
  ASSERT_TRUE(start(driver));
  driver.refuse("log report", EIO);
  auto refused = driver.session->reportDmaLogging(kMemory);
  ASSERT_EQ(codeOf(refused), "TRANSSHIP_ACCESS_FAILED");
  EXPECT_EQ(refused.error().errorNumber, EIO);
  driver.device->fault = {};
  EXPECT_EQ(codeOf(driver.session->reportDmaLogging(kMemory)), "TRANSSHIP_SESSION_FAILED");
  EXPECT_EQ(driver.count("log report"), 1u);
  EXPECT_TRUE(driver.session->stopDmaLogging());
  ASSERT_TRUE(start(driver));
  EXPECT_TRUE(driver.session->reportDmaLogging(kMemory));
}

TEST(DmaLog, NothingToReportWithoutALog) {
  V2Driver driver;
  EXPECT_EQ(codeOf(driver.session->reportDmaLogging(kMemory)), "TRANSSHIP_INVALID_ARGUMENT");
  ASSERT_TRUE(start(driver));
  EXPECT_EQ(codeOf(driver.session->reportDmaLogging({.iova = 0, .length = 0})), "TRANSSHIP_INVALID_ARGUMENT");
  EXPECT_EQ(codeOf(driver.session->reportDmaLogging({.iova = 0, .length = 1ull << 52})),
            "TRANSSHIP_INVALID_ARGUMENT");
  EXPECT_EQ(driver.count("log report"), 0u);
}

TEST(DmaLog, ADeviceWithoutItSaysSo) {
  V2Driver driver;
  driver.refuse("log start", ENOTTY);
  auto refused = start(driver);
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_ACCESS_FAILED");
  EXPECT_EQ(refused.error().errorNumber, ENOTTY);
  EXPECT_EQ(driver.count("log stop"), 0u);
  EXPECT_EQ(codeOf(driver.session->reportDmaLogging(kMemory)), "TRANSSHIP_INVALID_ARGUMENT");
}

}  // namespace
}  // namespace transship::test
