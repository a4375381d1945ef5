// Resuming: segments go in whole, in size and order, or the load is refused.
#include <gtest/gtest.h>

#include <cerrno>

#include "support/driver.hh"

namespace transship::test {
namespace {

using enum DeviceState;

const std::vector<Bytes> kSegments{patternBytes(300, 1), patternBytes(5, 2), patternBytes(64, 3)};

FakeDevice::Fault failing(std::string access) {
  return [access = std::move(access)](const std::string& seen) -> std::optional<int> {
    return seen == access ? std::optional{EIO} : std::nullopt;
  };
}

TEST(RegionV1Resuming, V1_49_EachSegmentIsOffsetThenDataThenSize) {
  Driver driver;
  driver.toResuming();
  driver.device->trace.clear();
  driver.load({patternBytes(100, 1)});
  EXPECT_EQ(driver.device->trace, (Trace{"read 16/8", "write data", "write data", "write data_size"}));
}

TEST(RegionV1Resuming, V1_50_SegmentsKeepTheirSizes) {
  Driver driver;
  driver.toResuming();
  driver.load(kSegments);
  EXPECT_EQ(driver.device->loaded, kSegments);
  driver.walk({kStop});
}

TEST(RegionV1Resuming, V1_44_TheOffsetIsReadForEachSegment) {
  Driver driver;
  driver.toResuming();
  driver.load(kSegments);
  EXPECT_EQ(driver.count("read 16/8"), kSegments.size());
  EXPECT_EQ(driver.device->loaded, kSegments);
}

TEST(RegionV1Resuming, V1_46_MappedUnmappedAndMixedAreTheSame) {
  const std::vector<std::vector<vfio::SparseMmapArea>> mappings{
      {}, {{4096, 8192}}, {{4096, 100}, {4096 + 200, 300}}, {{4096 + 550, 7000}}};
  for (const auto& areas : mappings) {
    Driver driver{{.mmapAreas = areas}};
    driver.toResuming();
    driver.load(kSegments);
    EXPECT_EQ(driver.device->loaded, kSegments) << areas.size();
  }
}

TEST(RegionV1Resuming, V1_55_WithMappingTheFieldsAreStillAccessed) {
  Driver driver{{.mmapAreas = {{4096, 8192}}}};
  driver.toResuming();
  driver.device->trace.clear();
  driver.load(kSegments);
  EXPECT_EQ(driver.device->trace, (Trace{"read 16/8", "write data_size", "read 16/8", "write data_size",
                                         "read 16/8", "write data_size"}));
}

TEST(RegionV1Resuming, V1_52_ASegmentLargerThanTheWindowIsRefusedNotSplit) {
  Driver driver;
  driver.toResuming();
  EXPECT_EQ(codeOf(driver.session->beginSegment(8193)), "TRANSSHIP_SEGMENT_TOO_LARGE");
  EXPECT_EQ(codeOf(driver.session->beginSegment(~std::uint64_t{0})), "TRANSSHIP_SEGMENT_TOO_LARGE");
  EXPECT_EQ(driver.count("write data"), 0u);
  EXPECT_EQ(driver.count("write data_size"), 0u);
}

TEST(RegionV1Resuming, AnOffsetOutsideOfTheRegionIsAViolation) {
  Driver driver;
  driver.toResuming();
  driver.device->offsetLie = 1 << 20;
  EXPECT_EQ(codeOf(driver.session->beginSegment(1)), "TRANSSHIP_DRIVER_VIOLATION");
  driver.device->offsetLie = ~std::uint64_t{0} - 4096 - 512;  // wraps into the registers
  EXPECT_EQ(codeOf(driver.session->beginSegment(1)), "TRANSSHIP_SESSION_FAILED");
}

TEST(RegionV1Resuming, V1_23_AnIncompleteSegmentIsNotCommittedAndResumingNotLeft) {
  Driver driver;
  driver.toResuming();
  ASSERT_TRUE(driver.session->beginSegment(10));
  ASSERT_TRUE(driver.session->writeSegment(patternBytes(9, 1)));
  EXPECT_EQ(codeOf(driver.session->commitSegment()), "TRANSSHIP_SEGMENT_INCOMPLETE");
  EXPECT_EQ(codeOf(driver.session->arc(kStop)), "TRANSSHIP_SEGMENT_OPEN");
  EXPECT_EQ(driver.device->stateRegister, 0x4u);
  EXPECT_EQ(driver.count("write data_size"), 0u);
  ASSERT_TRUE(driver.session->writeSegment(patternBytes(1, 2)));
  EXPECT_TRUE(driver.session->commitSegment());
  driver.walk({kStop});
}

TEST(RegionV1Resuming, MoreThanTheSegmentIsRefusedWithoutTouchingTheDevice) {
  Driver driver;
  driver.toResuming();
  ASSERT_TRUE(driver.session->beginSegment(10));
  EXPECT_EQ(codeOf(driver.session->writeSegment(patternBytes(11, 1))), "TRANSSHIP_INVALID_ARGUMENT");
  EXPECT_EQ(codeOf(driver.session->beginSegment(5)), "TRANSSHIP_SEGMENT_OPEN");
  EXPECT_EQ(driver.count("write data"), 0u);
}

TEST(RegionV1Resuming, OutsideOfASegmentOrOfResumingNothingIsTaken) {
  Driver driver;
  EXPECT_EQ(codeOf(driver.session->beginSegment(1)), "TRANSSHIP_NOT_RESUMING");
  driver.toResuming();
  EXPECT_EQ(codeOf(driver.session->beginSegment(0)), "TRANSSHIP_INVALID_ARGUMENT");
  EXPECT_EQ(codeOf(driver.session->writeSegment(patternBytes(1, 1))), "TRANSSHIP_NO_SEGMENT");
  EXPECT_EQ(codeOf(driver.session->commitSegment()), "TRANSSHIP_NO_SEGMENT");
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_NOT_SAVING");
}

TEST(RegionV1Resuming, V1_54_AFaultOfAnyAccessEndsTheLoadAndNeedsAReset) {
  for (const std::string access : {"read 16/8", "write data", "write data_size"}) {
    Driver driver;
    driver.toResuming();
    driver.device->fault = failing(access);
    Status failed = driver.session->beginSegment(10);
    if (failed) {
      failed = driver.session->writeSegment(patternBytes(10, 1));
    }
    if (failed) {
      failed = driver.session->commitSegment();
    }
    EXPECT_EQ(codeOf(failed), "TRANSSHIP_ACCESS_FAILED") << access;
    driver.device->fault = {};
    EXPECT_EQ(codeOf(driver.session->beginSegment(10)), "TRANSSHIP_SESSION_FAILED") << access;
    EXPECT_EQ(codeOf(driver.session->arc(kStop)), "TRANSSHIP_SESSION_FAILED") << access;
    EXPECT_TRUE(driver.session->reset()) << access;
    driver.toResuming();
    driver.load(kSegments);
    EXPECT_EQ(driver.device->loaded, kSegments) << access;
  }
}

}  // namespace
}  // namespace transship::test
