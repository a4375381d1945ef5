// Faults of v2 devices: each does what its name says, and stops when it is cleared or used up.
#include <gtest/gtest.h>

#include <thread>

#include "emulator_rig_v2.hh"

namespace transship::emulator::test {
namespace {

using enum MigState;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

TEST(EmulatorV2Fault, ARefusedArcLeavesTheDeviceWhereItHasComeTo) {
  RigV2 rig(1);
  rig.freeze();
  ASSERT_EQ(rig.fault("refuse-arc", "to=Stop,errno=EBUSY,count=2"), "");
  EXPECT_EQ(rig[0].set(kStop), EBUSY);
  EXPECT_EQ(rig[0].state(), kRunningP2p);  // on the way
  EXPECT_EQ(rig[0].set(kStop), EBUSY);
  EXPECT_EQ(rig[0].state(), kRunningP2p);  // where it was
  EXPECT_EQ(rig[0].set(kStop), 0);
}

TEST(EmulatorV2Fault, NumbersAreThoseOfTheProtocol) {
  RigV2 rig(1);
  ASSERT_EQ(rig.fault("refuse-arc", "to=6,errno=EPERM,count=1"), "");
  EXPECT_EQ(rig[0].set(kPreCopy), EPERM);
  EXPECT_EQ(rig[0].set(kPreCopy), 0);
}

TEST(EmulatorV2Fault, ErrorOnArcLeavesOnlyReset) {
  RigV2 rig(1);
  rig.freeze();
  ASSERT_EQ(rig.fault("error-on-arc", "to=StopCopy,errno=EIO"), "");
  ASSERT_EQ(rig[0].walk({kPreCopy, kPreCopyP2p}), 0);
  EXPECT_EQ(rig[0].set(kStopCopy), EIO);
  EXPECT_EQ(rig[0].state(), kError);
  EXPECT_FALSE(rig[0].read().has_value());
  EXPECT_EQ(rig[0].error(), ENODEV);
  EXPECT_EQ(rig[0].reset(), 0);
  EXPECT_EQ(rig[0].state(), kRunning);
}

TEST(EmulatorV2Fault, WrongStateMayShowOneThatNobodyKnows) {
  RigV2 rig(1);
  ASSERT_EQ(rig.fault("wrong-state", "to=PreCopy,errno=EIO,state=0xB,count=1"), "");
  EXPECT_EQ(rig[0].set(kPreCopy), EIO);
  EXPECT_EQ(static_cast<std::uint32_t>(rig[0].state()), 0xBu);
  EXPECT_STREQ(stateName(rig[0].device().front().shownNibble()), "Invalid");
  EXPECT_EQ(rig[0].reset(), 0);
  EXPECT_EQ(rig[0].state(), kRunning);
}

TEST(EmulatorV2Fault, StallsTakeTheirTimeAndLosingTheDeviceCutsThemShort) {
  RigV2 rig(1);
  rig.freeze();
  ASSERT_EQ(rig.fault("stall-arc", "to=RunningP2P,ms=40,count=1"), "");
  const auto start = steady_clock::now();
  EXPECT_EQ(rig[0].set(kRunningP2p), 0);
  EXPECT_GE(steady_clock::now() - start, milliseconds(40));
  ASSERT_EQ(rig.fault("stall-arc", "to=Running,ms=60000"), "");
  std::thread writer([&rig] { rig[0].set(kRunning); });
  sleepMs(10);
  EXPECT_TRUE(rig[0].device().lose());
  writer.join();
}

TEST(EmulatorV2Fault, V2_12_DataErrnosComeAndGoWithoutLosingBytes) {
  RigV2 source(1, {"--topology", "none"});
  source.freeze();
  ASSERT_EQ(source[0].walk({kRunningP2p, kStop, kStopCopy}), 0);
  Bytes stream;
  for (const char* const name : {"EINTR", "EAGAIN", "ENODEV", "EIO"}) {
    ASSERT_EQ(source.fault("read-fault", std::string("register=data,count=1,errno=") + name), "");
    EXPECT_FALSE(source[0].read().has_value());
    EXPECT_NE(source[0].error(), 0);
    source[0].state();
    const Bytes part = *source[0].read(9000);
    stream.insert(stream.end(), part.begin(), part.end());
  }
  const Bytes rest = source[0].readAll();
  stream.insert(stream.end(), rest.begin(), rest.end());
  RigV2 target(1, {"--traffic", "off", "--seed", "5"});
  ASSERT_EQ(target[0].walk({kRunningP2p, kStop, kResuming}), 0);
  ASSERT_EQ(target.fault("write-fault", "register=data,count=1,errno=EINTR"), "");
  EXPECT_EQ(target[0].write(stream), EINTR);
  EXPECT_EQ(target[0].writeAll(stream), 0);
  EXPECT_EQ(target[0].set(kStop), 0);
}

TEST(EmulatorV2Fault, ShortReadsGiveSomeButNeverNothing) {
  RigV2 rig(1, {"--traffic", "off"});
  ASSERT_EQ(rig[0].set(kPreCopy), 0);
  ASSERT_EQ(rig.fault("short-read"), "");
  EXPECT_EQ(rig[0].read(1000)->size(), 500u);
  EXPECT_EQ(rig[0].read(1)->size(), 1u);
}

TEST(EmulatorV2Fault, AnUnpluggedDeviceAnswersNothingElse) {
  RigV2 rig(1);
  ASSERT_EQ(rig.fault("unplugged"), "");
  EXPECT_EQ(rig[0].set(kRunningP2p), ENODEV);
  EXPECT_EQ(rig[0].reset(), ENODEV);
  EXPECT_EQ(rig[0].device().read(vfio::kPciConfigRegionIndex, 0, 4).error, ENODEV);
  rig[0].device().faults().clear();
  EXPECT_EQ(rig[0].set(kRunningP2p), 0);
}

TEST(EmulatorV2Fault, ResetsMayFailOrDoNothing) {
  RigV2 rig(1);
  rig.freeze();
  ASSERT_EQ(rig[0].set(kPreCopy), 0);
  ASSERT_EQ(rig.fault("ignore-reset", "count=1"), "");
  EXPECT_EQ(rig[0].reset(), 0);
  EXPECT_EQ(rig[0].state(), kPreCopy);
  ASSERT_EQ(rig.fault("fail-reset", "errno=EBUSY,count=1"), "");
  EXPECT_EQ(rig[0].reset(), EBUSY);
  EXPECT_EQ(rig[0].reset(), 0);
}

TEST(EmulatorV2Fault, DiesOnTheArcOrTheSegmentItIsToldTo) {
  RigV2 rig(1);
  rig.freeze();
  ASSERT_EQ(rig.fault("die", "on=arc,to=RunningP2P,count=1"), "");
  rig[0].set(kStop);
  EXPECT_TRUE(rig.rig().died());
  RigV2 other(1);
  ASSERT_EQ(other.fault("die", "on=segment,segment=2,count=1"), "");
  ASSERT_EQ(other[0].set(kPreCopy), 0);
  other[0].read(64);
  EXPECT_FALSE(other.rig().died());
  other[0].readAll();
  EXPECT_TRUE(other.rig().died());
}

TEST(EmulatorV2Fault, BadArgumentsSayWhatIsWrong) {
  RigV2 rig(1);
  EXPECT_NE(rig.fault("refuse-arc", "to=Sideways"), "");
  EXPECT_NE(rig.fault("refuse-arc", "to=16"), "");
  EXPECT_NE(rig.fault("foreign-stream", "field=colour"), "");
  EXPECT_NE(rig.fault("feature-fault", "feature=0x10000"), "");
}

}  // namespace
}  // namespace transship::emulator::test
