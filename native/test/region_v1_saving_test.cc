// Saving: segments come out whole and in order, whatever happens in between.
#include <gtest/gtest.h>

#include <cerrno>

#include "support/driver.hh"

namespace transship::test {
namespace {

using enum DeviceState;

const std::vector<Bytes> kBefore{patternBytes(300, 1), patternBytes(5, 2)};
const std::vector<Bytes> kAfter{patternBytes(64, 3), patternBytes(500, 4)};

FakeDevice::Fault failing(std::string access) {
  return [access = std::move(access)](const std::string& seen) -> std::optional<int> {
    return seen == access ? std::optional{EIO} : std::nullopt;
  };
}

void give(Driver& driver) {
  driver.device->preCopy.assign(kBefore.begin(), kBefore.end());
  driver.device->stopCopy.assign(kAfter.begin(), kAfter.end());
}

std::vector<Bytes> joined(std::vector<Bytes> first, const std::vector<Bytes>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

TEST(RegionV1Saving, V1_20_TheStreamGoesOnFromPreCopyToStopCopy) {
  Driver driver;
  give(driver);
  driver.walk({kPreCopy});
  auto segments = driver.drain();
  EXPECT_EQ(segments, kBefore);
  driver.walk({kPreCopyP2p, kStopCopy});
  EXPECT_EQ(driver.drain(), kAfter);
}

TEST(RegionV1Saving, V1_20_APieceLeftInPreCopyIsReadInStopCopy) {
  Driver driver;
  give(driver);
  driver.walk({kPreCopy, kPreCopyP2p});
  auto next = driver.session->nextSegment();
  ASSERT_TRUE(next);
  Bytes first(100);
  ASSERT_TRUE(driver.session->readSegment(first));
  driver.walk({kStopCopy});
  Bytes rest(1000);
  auto read = driver.session->readSegment(rest);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->last);
  rest.resize(read->length);
  first.insert(first.end(), rest.begin(), rest.end());
  EXPECT_EQ(first, kBefore[0]);
  EXPECT_EQ(driver.drain(), joined({kBefore[1]}, kAfter));
}

TEST(RegionV1Saving, V1_35_PendingBytesIsAskedOnlyWhetherItIsZero) {
  Driver driver;
  give(driver);
  driver.device->pendingLie = 1;
  driver.walk({kPreCopy});
  EXPECT_EQ(driver.drain(), kBefore);
}

TEST(RegionV1Saving, V1_36_AGrowingEstimateIsNotAnError) {
  Driver driver;
  give(driver);
  driver.walk({kPreCopy});
  auto before = driver.session->pendingBytes();
  ASSERT_TRUE(before);
  EXPECT_EQ(*before, 305u);
  for (unsigned i = 0; i < 20; ++i) {
    driver.device->preCopy.push_back(patternBytes(1000, 9 + i));
  }
  auto after = driver.session->pendingBytes();
  ASSERT_TRUE(after);
  EXPECT_EQ(*after, 20305u);  // more than the window takes
  EXPECT_EQ(driver.drain().size(), 22u);
}

TEST(RegionV1Saving, V1_37_ZeroWhileRunningIsNotTheEnd) {
  Driver driver;
  driver.walk({kPreCopy});
  auto next = driver.session->nextSegment();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->size, 0u);
  EXPECT_FALSE(next->ended);
  driver.device->preCopy.push_back(patternBytes(20, 1));
  EXPECT_EQ(driver.drain(), (std::vector<Bytes>{patternBytes(20, 1)}));
}

TEST(RegionV1Saving, V1_38_TheEndIsZeroWhileNotRunning) {
  Driver driver;
  give(driver);
  driver.toStopCopy();
  EXPECT_EQ(driver.drain(), joined(kBefore, kAfter));
  auto end = driver.session->nextSegment();
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->ended);
}

TEST(RegionV1Saving, V1_39_PreCopyMayBeLeftWithDataPending) {
  Driver driver;
  give(driver);
  driver.toStopCopy();
  EXPECT_EQ(driver.drain(), joined(kBefore, kAfter));
}

TEST(RegionV1Saving, V1_40_PendingBytesIsNotReadOutsideOfSaving) {
  Driver driver;
  EXPECT_EQ(codeOf(driver.session->pendingBytes()), "TRANSSHIP_NOT_SAVING");
  EXPECT_EQ(driver.count("read 8/8"), 0u);
}

TEST(RegionV1Saving, V1_41_FieldsAreReadInTheProtocolsOrder) {
  Driver driver;
  driver.device->preCopy.push_back(patternBytes(100, 1));
  driver.walk({kPreCopy});
  driver.device->trace.clear();
  driver.drain();
  EXPECT_EQ(driver.device->trace,
            (Trace{"read 8/8", "read 16/8", "read 24/8", "read data", "read data", "read 8/8"}));
}

TEST(RegionV1Saving, V1_42_TheEstimateMayBeAskedAgainAndAgain) {
  Driver driver;
  give(driver);
  driver.walk({kPreCopy});
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(driver.session->pendingBytes());
  }
  EXPECT_EQ(driver.drain(), kBefore);
}

TEST(RegionV1Saving, V1_43_AnArcCollectsTheOpenSegmentFirst) {
  Driver driver;
  give(driver);
  driver.walk({kPreCopy});
  ASSERT_TRUE(driver.session->nextSegment());
  driver.device->trace.clear();
  driver.walk({kPreCopyP2p});
  const Trace& trace = driver.device->trace;
  ASSERT_GE(trace.size(), 3u);
  EXPECT_EQ(trace.back(), "write device_state 0xb");
  EXPECT_EQ(*(trace.end() - 2), "read 8/8");   // the acknowledgement
  EXPECT_EQ(*(trace.end() - 3), "read data");  // of a collected segment
  Bytes segment(300);
  auto read = driver.session->readSegment(segment);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->last);
  EXPECT_EQ(segment, kBefore[0]);
}

TEST(RegionV1Saving, V1_43_AFullyReadSegmentIsAcknowledgedBeforeAnArc) {
  Driver driver;
  give(driver);
  driver.walk({kPreCopy});
  ASSERT_TRUE(driver.session->nextSegment());
  Bytes segment(300);
  ASSERT_TRUE(driver.session->readSegment(segment));
  driver.walk({kPreCopyP2p});
  EXPECT_EQ(*(driver.device->trace.end() - 2), "read 8/8");
  EXPECT_EQ(driver.drain(), (std::vector<Bytes>{kBefore[1]}));
}

TEST(RegionV1Saving, V1_43_NeitherTheEstimateNorTheNextSegmentIsAskedWhileOneIsOpen) {
  Driver driver;
  give(driver);
  driver.walk({kPreCopy});
  ASSERT_TRUE(driver.session->nextSegment());
  const std::size_t before = driver.count("read 8/8");
  EXPECT_EQ(codeOf(driver.session->pendingBytes()), "TRANSSHIP_SEGMENT_OPEN");
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_SEGMENT_OPEN");
  EXPECT_EQ(driver.count("read 8/8"), before);
  Bytes segment(300);
  ASSERT_TRUE(driver.session->readSegment(segment));
  EXPECT_EQ(segment, kBefore[0]);
}

TEST(RegionV1Saving, V1_43_AnAbortCollectsAndDropsTheOpenSegment) {
  Driver driver;
  give(driver);
  driver.walk({kPreCopy});
  ASSERT_TRUE(driver.session->nextSegment());
  driver.walk({kRunning, kPreCopy});
  Bytes segment(300);
  EXPECT_EQ(codeOf(driver.session->readSegment(segment)), "TRANSSHIP_NO_SEGMENT");
}

TEST(RegionV1Saving, V1_44_TheOffsetIsReadForEachSegment) {
  Driver driver;
  give(driver);
  driver.toStopCopy();
  EXPECT_EQ(driver.drain(), joined(kBefore, kAfter));
  EXPECT_EQ(driver.count("read 16/8"), 4u);
}

TEST(RegionV1Saving, V1_45_PiecesOfAnySizeMakeTheSameSegment) {
  for (const std::size_t piece : {1u, 7u, 64u, 100u, 4096u}) {
    Driver driver;
    give(driver);
    driver.toStopCopy();
    EXPECT_EQ(driver.drain(piece), joined(kBefore, kAfter)) << piece;
  }
}

TEST(RegionV1Saving, V1_46_MappedUnmappedAndMixedAreTheSame) {
  const std::vector<std::vector<vfio::SparseMmapArea>> mappings{
      {}, {{4096, 8192}}, {{4096, 100}, {4096 + 200, 300}}, {{4096 + 550, 7000}}, {{0, 4096 + 8192}}};
  for (const auto& areas : mappings) {
    for (const bool useMapping : {true, false}) {
      Driver driver{{.mmapAreas = areas}, useMapping};
      give(driver);
      driver.toStopCopy();
      EXPECT_EQ(driver.drain(), joined(kBefore, kAfter)) << areas.size() << useMapping;
    }
  }
}

TEST(RegionV1Saving, V1_47_ASegmentOutsideOfTheRegionEndsTheStream) {
  struct Lie {
    std::uint64_t offset;
    std::uint64_t size;
  };
  const std::uint64_t most = ~std::uint64_t{0};
  for (const Lie lie :
       {Lie{1 << 20, 0}, Lie{0, 1 << 20}, Lie{0, most - 300}, Lie{most - 5000, 0}, Lie{most - 4600, 0}}) {
    Driver driver;
    give(driver);
    driver.walk({kPreCopy});
    driver.device->offsetLie = lie.offset;
    driver.device->sizeLie = lie.size;
    EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_DRIVER_VIOLATION")
        << lie.offset << " " << lie.size;
    EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_SESSION_FAILED");
  }
}

TEST(RegionV1Saving, V1_47_EmptySegmentsDoNotLoopForEver) {
  Driver driver;
  give(driver);
  driver.walk({kPreCopy});
  driver.device->emptySegments = 1000;
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_NO_PROGRESS");
}

TEST(RegionV1Saving, AFewEmptySegmentsArePassedOver) {
  Driver driver;
  give(driver);
  driver.walk({kPreCopy});
  driver.device->emptySegments = 2;
  EXPECT_EQ(driver.drain(), kBefore);
}

TEST(RegionV1Saving, V1_48_DataFieldsAreNotReadOutsideOfTheSession) {
  Driver driver;
  give(driver);
  driver.walk({kPreCopy});
  driver.drain();
  driver.device->trace.clear();
  driver.walk({kRunning});
  EXPECT_EQ(driver.device->trace, (Trace{"read 0/4", "write device_state 0x1"}));
}

TEST(RegionV1Saving, V1_18_LeavingSavingEndsTheStream) {
  Driver driver;
  give(driver);
  driver.walk({kPreCopy, kRunning});
  driver.device->trace.clear();
  Bytes buffer(10);
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_NOT_SAVING");
  EXPECT_EQ(codeOf(driver.session->readSegment(buffer)), "TRANSSHIP_NOT_SAVING");
  EXPECT_TRUE(driver.device->trace.empty());
}

TEST(RegionV1Saving, V1_19_SavingAgainIsANewStream) {
  Driver driver;
  give(driver);
  driver.toStopCopy();
  driver.drain();
  driver.walk({kStop, kStopCopy});
  driver.device->stopCopy.assign(kAfter.begin(), kAfter.end());
  EXPECT_EQ(driver.drain(), kAfter);
}

TEST(RegionV1Saving, V1_53_EveryByteIsHandedOnAsItCame) {
  Driver driver;
  Bytes all(256);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = static_cast<std::byte>(255 - i);
  }
  driver.device->preCopy.push_back(all);
  driver.walk({kPreCopy});
  EXPECT_EQ(driver.drain(), (std::vector<Bytes>{all}));
}

TEST(RegionV1Saving, V1_54_AFaultOfAnyAccessEndsTheStreamThere) {
  for (const std::string access : {"read 8/8", "read 16/8", "read 24/8", "read data"}) {
    Driver driver;
    give(driver);
    driver.walk({kPreCopy});
    driver.device->fault = failing(access);
    Bytes buffer(10);
    auto next = driver.session->nextSegment();
    const std::string code = next ? codeOf(driver.session->readSegment(buffer)) : codeOf(next);
    EXPECT_EQ(code, "TRANSSHIP_ACCESS_FAILED") << access;
    driver.device->fault = {};
    driver.device->trace.clear();
    EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_SESSION_FAILED") << access;
    EXPECT_EQ(codeOf(driver.session->readSegment(buffer)), "TRANSSHIP_SESSION_FAILED") << access;
    EXPECT_TRUE(driver.device->trace.empty());
    driver.walk({kRunning, kPreCopy});
    EXPECT_TRUE(driver.session->nextSegment()) << access;
  }
}

TEST(RegionV1Saving, V1_54_AFaultWhileCollectingForAnArcIsReportedAndTheArcNotTaken) {
  Driver driver;
  give(driver);
  driver.walk({kPreCopy});
  ASSERT_TRUE(driver.session->nextSegment());
  driver.device->fault = failing("read data");
  EXPECT_EQ(codeOf(driver.session->arc(kPreCopyP2p)), "TRANSSHIP_ACCESS_FAILED");
  EXPECT_EQ(driver.device->stateRegister, 0x3u);
  driver.walk({kRunning});  // and the way back is open
}

}  // namespace
}  // namespace transship::test
