// The saving stream of v2.
#include <gtest/gtest.h>

#include <cerrno>

#include "support/v2_driver.hh"

namespace transship::test {
namespace {

using enum DeviceState;

constexpr std::size_t kMiB = 1024 * 1024;

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

TEST(SessionV2Saving, V2_10_SegmentsAreAsLargeAsTheDeviceGives) {
  V2Driver driver;
  for (unsigned i = 0; i < 5; ++i) {
    driver.device->stopCopy.push_back(patternBytes(kMiB / 2, i));
  }
  driver.toStopCopy();
  const auto drained = driver.drain(100'000);
  EXPECT_TRUE(drained.ended);
  EXPECT_EQ(drained.segments, 3u);  // 1 MiB, 1 MiB, and what is left
  EXPECT_EQ(drained.bytes,
            joined({patternBytes(kMiB / 2, 0), patternBytes(kMiB / 2, 1), patternBytes(kMiB / 2, 2),
                    patternBytes(kMiB / 2, 3), patternBytes(kMiB / 2, 4)}));
}

TEST(SessionV2Saving, V2_12_ShortReadsMakeOneSegmentAndInterruptsAreNoFault) {
  V2Driver driver;
  for (unsigned i = 0; i < 10; ++i) {
    driver.device->stopCopy.push_back(patternBytes(10 + i, i));
  }
  driver.toStopCopy();
  int reads = 0;
  driver.device->fault = [&reads](const std::string& request) -> std::optional<int> {
    return request == "read" && ++reads % 2 == 0 ? std::optional{EINTR} : std::nullopt;
  };
  const auto drained = driver.drain(7);
  EXPECT_TRUE(drained.ended);
  EXPECT_EQ(drained.segments, 1u);
  EXPECT_EQ(drained.bytes.size(), 145u);
}

TEST(SessionV2Saving, ADeviceThatOnlyInterruptsEndsTheStream) {
  V2Driver driver;
  driver.walk({kPreCopy});
  driver.refuse("read", EINTR);
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_ACCESS_FAILED");
}

TEST(SessionV2Saving, V2_13_InPreCopyNothingIsNoEnd) {
  for (const bool enomsg : {true, false}) {
    V2Driver driver{{.enomsg = enomsg}};
    driver.device->preCopy.push_back(patternBytes(20, 1));
    driver.walk({kPreCopy});
    const auto first = driver.drain();
    EXPECT_EQ(first.bytes, patternBytes(20, 1));
    EXPECT_FALSE(first.ended);
    driver.device->preCopy.push_back(patternBytes(30, 2));
    const auto second = driver.drain();
    EXPECT_EQ(second.bytes, patternBytes(30, 2));
    EXPECT_FALSE(second.ended);
    driver.walk({kPreCopyP2p});
    EXPECT_FALSE(driver.drain().ended);
  }
}

TEST(SessionV2Saving, V2_08_TheStreamGoesOnOverTheSwitch) {
  V2Driver driver;
  driver.device->preCopy.push_back(patternBytes(40, 1));
  driver.device->stopCopy.push_back(patternBytes(50, 2));
  driver.walk({kPreCopy, kPreCopyP2p, kStopCopy});
  const auto drained = driver.drain();
  EXPECT_EQ(drained.bytes, joined({patternBytes(40, 1), patternBytes(50, 2)}));
  EXPECT_TRUE(drained.ended);
  EXPECT_EQ(driver.device->streams->opened, 1);
  EXPECT_EQ(driver.device->streams->closed, 0);
}

TEST(SessionV2Saving, V2_08_ASegmentIsStillReadableAfterTheSwitch) {
  V2Driver driver;
  driver.device->preCopy.push_back(patternBytes(40, 1));
  driver.walk({kPreCopy});
  ASSERT_TRUE(driver.session->nextSegment());
  Bytes piece(15);
  ASSERT_TRUE(driver.session->readSegment(piece));
  driver.walk({kPreCopyP2p, kStopCopy});
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_SEGMENT_OPEN");
  Bytes rest(100);
  auto read = driver.session->readSegment(rest);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->last);
  rest.resize(read->length);
  EXPECT_EQ(joined({piece, rest}), patternBytes(40, 1));
}

TEST(SessionV2Saving, V2_14_ATemporaryEndInStopCopyIsADriversFault) {
  V2Driver driver;
  driver.toStopCopy();
  driver.refuse("read", ENOMSG);
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_DRIVER_VIOLATION");
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_SESSION_FAILED");
}

TEST(SessionV2Saving, TheEndIsNotBelievedOfADeviceThatSomebodyReset) {
  V2Driver driver;
  driver.toStopCopy();
  driver.device->fault = [&driver](const std::string& request) -> std::optional<int> {
    if (request == "read") {
      driver.device->state = 6;  // answers with nothing, from another state
    }
    return std::nullopt;
  };
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_DRIVER_VIOLATION");

  V2Driver other{{.enomsg = false}};
  other.toStopCopy();
  other.device->fault = [&other](const std::string& request) -> std::optional<int> {
    if (request == "read") {
      other.device->state = 6;
    }
    return std::nullopt;
  };
  EXPECT_EQ(codeOf(other.session->nextSegment()), "TRANSSHIP_FOREIGN_STATE_CHANGE");
}

TEST(SessionV2Saving, V2_15_AStreamThatIsGoneMakesTheStateAskedFor) {
  V2Driver reset;
  reset.walk({kPreCopy});
  reset.device->state = 2;
  auto refused = reset.session->nextSegment();
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_FOREIGN_STATE_CHANGE");
  EXPECT_STREQ(refused.error().state, "Running");

  V2Driver broken;
  broken.walk({kPreCopy});
  broken.device->state = 0;
  EXPECT_EQ(codeOf(broken.session->nextSegment()), "TRANSSHIP_DEVICE_ERROR");

  V2Driver ended;
  ended.walk({kPreCopy});
  ended.refuse("read", ENODEV);
  EXPECT_EQ(codeOf(ended.session->nextSegment()), "TRANSSHIP_SESSION_FAILED");
}

TEST(SessionV2Saving, AFaultEndsTheStreamAndAnotherCanBegin) {
  V2Driver driver;
  driver.device->preCopy.push_back(patternBytes(10, 1));
  driver.walk({kPreCopy});
  driver.refuse("read", EIO);
  auto refused = driver.session->nextSegment();
  EXPECT_EQ(codeOf(refused), "TRANSSHIP_ACCESS_FAILED");
  EXPECT_EQ(refused.error().errorNumber, EIO);
  EXPECT_STREQ(refused.error().state, "PreCopy");
  driver.device->fault = {};
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_SESSION_FAILED");
  EXPECT_EQ(codeOf(driver.session->precopyInfo()), "TRANSSHIP_SESSION_FAILED");
  driver.walk({kRunning, kPreCopy});
  EXPECT_EQ(driver.drain().bytes, patternBytes(10, 1));
}

TEST(SessionV2Saving, V2_07_LeavingTheGroupClosesTheStreamOnce) {
  std::shared_ptr<FakeV2Device::Streams> streams;
  {
    V2Driver driver;
    streams = driver.device->streams;
    driver.toStopCopy();
    EXPECT_TRUE(driver.drain().ended);
    driver.walk({kStop});
    EXPECT_EQ(streams->closed, 1);
    EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_NOT_SAVING");
    driver.walk({kStopCopy});
    EXPECT_EQ(streams->closed, 1);
  }
  EXPECT_EQ(streams->opened, 2);
  EXPECT_EQ(streams->closed, 2);
}

TEST(SessionV2Saving, V2_11_AnotherStreamBeginsWithoutTheFirstOnesData) {
  V2Driver driver;
  driver.device->preCopy.push_back(patternBytes(40, 1));
  driver.walk({kPreCopy});
  ASSERT_TRUE(driver.session->nextSegment());
  Bytes piece(15);
  ASSERT_TRUE(driver.session->readSegment(piece));
  driver.walk({kRunning});
  EXPECT_EQ(codeOf(driver.session->readSegment(piece)), "TRANSSHIP_NOT_SAVING");
  driver.walk({kPreCopy});
  EXPECT_EQ(codeOf(driver.session->readSegment(piece)), "TRANSSHIP_NO_SEGMENT");
  driver.device->preCopy.push_back(patternBytes(30, 2));
  EXPECT_EQ(driver.drain().bytes, patternBytes(30, 2));
}

TEST(SessionV2Saving, V2_29_StopAfterTheEndIsAnArcOfItsOwn) {
  V2Driver driver;
  driver.device->stopCopy.push_back(patternBytes(10, 1));
  driver.toStopCopy();
  EXPECT_TRUE(driver.drain().ended);
  auto state = driver.session->state();
  ASSERT_TRUE(state);
  EXPECT_EQ(*state, kStopCopy);  // it stays there until it is told
  driver.walk({kStop});
}

TEST(SessionV2Saving, NoDataOutsideOfSaving) {
  V2Driver driver;
  Bytes into(10);
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_NOT_SAVING");
  EXPECT_EQ(codeOf(driver.session->readSegment(into)), "TRANSSHIP_NOT_SAVING");
  EXPECT_EQ(codeOf(driver.session->pendingBytes()), "TRANSSHIP_NOT_SAVING");
  driver.toResuming();
  EXPECT_EQ(codeOf(driver.session->nextSegment()), "TRANSSHIP_NOT_SAVING");
  EXPECT_EQ(driver.count("read"), 0u);
}

}  // namespace
}  // namespace transship::test
