// Faults on demand: each does what its name says, and stops when it is cleared or used up.
#include <gtest/gtest.h>

#include <thread>

#include "emulator_rig.hh"

namespace transship::emulator::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

TEST(EmulatorFault, RefusedArcsLeaveTheStateAndEndAfterTheirCount) {
  Rig rig(1);
  ASSERT_EQ(rig.fault(0, "refuse-arc", "to=0x3,errno=EBUSY,count=2"), "");
  EXPECT_EQ(rig[0].set(0x9), 0);
  EXPECT_EQ(rig[0].set(0x1), 0);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(rig[0].set(0x3), EBUSY);
    EXPECT_EQ(rig[0].state(), 0x1u);
  }
  EXPECT_EQ(rig[0].set(0x3), 0);
  rig[0].device().faults().clear();
  EXPECT_EQ(rig[0].device().faults().used(), 2u);
}

TEST(EmulatorFault, ErrorOnArcStopsTheDevice) {
  Rig rig(2, {"--link-rate", "1000"});
  rig->workload(0).freeze();
  ASSERT_EQ(rig.fault(0, "error-on-arc", "to=0x3,errno=EIO"), "");
  EXPECT_EQ(rig[0].set(0x3), EIO);
  EXPECT_EQ(rig[0].state(), 0x6u);
  const std::uint64_t sent = rig->fabric().snapshot(0).out[0].sent;
  sleepMs(10);
  EXPECT_EQ(rig->fabric().snapshot(0).out[0].sent, sent);
}

TEST(EmulatorFault, WrongStateShowsAThirdStateUntilReset) {
  Rig rig(1);
  ASSERT_EQ(rig.fault(0, "wrong-state", "to=0x3,errno=EIO,state=0x2,count=1"), "");
  EXPECT_EQ(rig[0].set(0x3), EIO);
  EXPECT_EQ(rig[0].state(), 0x2u);
  EXPECT_EQ(rig[0].reset(), 0);
  EXPECT_EQ(rig[0].state(), 0x1u);
}

TEST(EmulatorFault, AStalledArcGoesOnWhenItsFaultIsCleared) {
  Rig rig(1);
  rig->workload(0).freeze();
  ASSERT_EQ(rig.fault(0, "stall-arc", "to=0x9,ms=3600000"), "");
  std::thread writer([&rig] { EXPECT_EQ(rig[0].set(0x9), 0); });
  while (rig[0].device().faults().used() == 0) {
    sleepMs(1);
  }
  rig[0].device().faults().clear();
  writer.join();
  EXPECT_EQ(rig[0].state(), 0x9u);
}

TEST(EmulatorFault, StallAndDelayTakeTheirTimeAndLosingTheDeviceCutsThemShort) {
  Rig rig(1);
  rig->workload(0).freeze();
  ASSERT_EQ(rig.fault(0, "stall-arc", "to=0x9,ms=40,count=1"), "");
  auto start = steady_clock::now();
  EXPECT_EQ(rig[0].set(0x9), 0);
  EXPECT_GE(steady_clock::now() - start, milliseconds(40));
  ASSERT_EQ(rig.fault(0, "delay", "ms=20,count=1"), "");
  start = steady_clock::now();
  rig[0].state();
  EXPECT_GE(steady_clock::now() - start, milliseconds(20));
  ASSERT_EQ(rig.fault(0, "stall-arc", "to=0x1,ms=60000"), "");
  std::thread writer([&rig] { rig[0].set(0x1); });
  sleepMs(10);
  EXPECT_TRUE(rig[0].device().lose());
  writer.join();
  EXPECT_GE(rig[0].device().resets(), 1u);
}

TEST(EmulatorFault, PriQuiescesOnlyWhileTheWorkloadIsThawed) {
  Rig rig(1);
  ASSERT_EQ(rig.fault(0, "pri"), "");
  EXPECT_EQ(rig[0].walk({0x9, 0x1}), 0);  // thawed: at once
  rig->workload(0).freeze();
  std::atomic<bool> done{false};
  std::thread writer([&] {
    rig[0].set(0x9);
    done = true;
  });
  sleepMs(30);
  EXPECT_FALSE(done);
  rig->workload(0).thaw();
  EXPECT_TRUE(eventually([&] { return done.load(); }));
  writer.join();
  EXPECT_EQ(rig[0].state(), 0x9u);
}

TEST(EmulatorFault, PriEndsWhenItIsCleared) {
  Rig rig(1);
  ASSERT_EQ(rig.fault(0, "pri"), "");
  rig->workload(0).freeze();
  std::thread writer([&rig] { rig[0].set(0x9); });
  sleepMs(10);
  rig[0].device().faults().clear();
  writer.join();
  EXPECT_EQ(rig[0].state(), 0x9u);
}

std::vector<Bytes> wholeStream(Rig& rig) {
  rig->workload(0).freeze();
  rig[0].walk({0x0, 0x2});
  return rig[0].segments();
}

bool accepts(const std::vector<Bytes>& stream, bool gullible) {
  std::vector<std::string> options{"--traffic", "off", "--seed", "5"};
  if (gullible) {
    options.push_back("--gullible");
  }
  Rig target(1, options);
  target[0].walk({0x0, 0x4});
  target[0].load(stream);
  return target[0].set(0x0) == 0;
}

TEST(EmulatorFault, CorruptAndTruncatedStreamsAreNoticedUnlessGullible) {
  for (const auto& [kind, arguments] :
       {std::pair("corrupt-stream", ""), std::pair("corrupt-stream", "segment=3"),
        std::pair("truncate-stream", "segment=3"), std::pair("truncate-stream", "segment=0")}) {
    Rig rig(1, {"--topology", "none"});
    ASSERT_EQ(rig.fault(0, kind, arguments), "");
    const auto stream = wholeStream(rig);
    EXPECT_FALSE(accepts(stream, false)) << kind << " " << arguments;
    EXPECT_TRUE(accepts(stream, true));
    EXPECT_EQ(rig[0].pending(), 0u);
    rig[0].device().faults().clear();
    rig[0].set(0x0);
    rig[0].set(0x2);
    EXPECT_TRUE(accepts(rig[0].segments(), false));  // the next session is clean
  }
}

TEST(EmulatorFault, ZeroSizeSegmentsTakeNothingAway) {
  Rig rig(1, {"--topology", "none"});
  ASSERT_EQ(rig.fault(0, "zero-size", "count=3"), "");
  rig->workload(0).freeze();
  rig[0].walk({0x0, 0x2});
  std::vector<Bytes> stream;
  for (int i = 0; i < 3; ++i) {
    EXPECT_GT(rig[0].pending(), 0u);
    EXPECT_TRUE(rig[0].place().has_value());
    EXPECT_EQ(rig[0].size(), 0u);
  }
  EXPECT_TRUE(accepts(rig[0].segments(), false));
}

TEST(EmulatorFault, ShortReadsAnswerWithHalf) {
  Rig rig(1);
  ASSERT_EQ(rig.fault(0, "short-read", "count=1"), "");
  EXPECT_EQ(rig[0].bytes(rig[0].migrationRegion(), 0, 4)->size(), 2u);
  EXPECT_EQ(rig[0].bytes(rig[0].migrationRegion(), 0, 4)->size(), 4u);
}

TEST(EmulatorFault, ResetsThatFailOrDoNothing) {
  Rig rig(1);
  rig->workload(0).freeze();
  rig[0].set(0x9);
  ASSERT_EQ(rig.fault(0, "ignore-reset", "count=1"), "");
  ASSERT_EQ(rig.fault(0, "fail-reset", "errno=EIO,count=1"), "");
  EXPECT_EQ(rig[0].reset(), 0);
  EXPECT_EQ(rig[0].state(), 0x9u);
  EXPECT_EQ(rig[0].reset(), EIO);
  EXPECT_EQ(rig[0].state(), 0x9u);
  EXPECT_EQ(rig[0].reset(), 0);
  EXPECT_EQ(rig[0].state(), 0x1u);
}

TEST(EmulatorFault, DyingOnAnArcOrASegment) {
  Rig onArc(1);
  ASSERT_EQ(onArc.fault(0, "die", "on=arc,to=0x3"), "");
  onArc[0].set(0x9);
  EXPECT_FALSE(onArc.died());
  onArc[0].set(0x1);
  onArc[0].set(0x3);
  EXPECT_TRUE(onArc.died());
  Rig onSegment(1);
  ASSERT_EQ(onSegment.fault(0, "die", "on=segment,segment=2"), "");
  onSegment[0].set(0x3);
  onSegment[0].segments(2);
  EXPECT_FALSE(onSegment.died());
  onSegment[0].segments(1);
  EXPECT_TRUE(onSegment.died());
}

TEST(EmulatorFault, AsynchronousChangesAndALostDevice) {
  Rig rig(1);
  EXPECT_TRUE(rig[0].device().changeByItself({0x0}));
  EXPECT_EQ(rig[0].state(), 0x0u);
  EXPECT_FALSE(rig[0].device().changeByItself({0x5}));
  EXPECT_TRUE(rig[0].device().changeByItself({0x6}));
  EXPECT_EQ(rig[0].state(), 0x6u);
  EXPECT_TRUE(rig[0].device().lose());
  EXPECT_EQ(rig[0].state(), 0x1u);
  EXPECT_FALSE(rig->fabric().attached(0));
}

TEST(EmulatorFault, MalformedCapabilityChains) {
  for (const char* const kind : {"short-caps", "cap-loop", "cap-oob"}) {
    Rig rig(1);
    RegionDescription good, bad, again;
    rig[0].device().describeRegion(kMigrationRegionIndex, good);
    ASSERT_EQ(rig.fault(0, kind, "count=1"), "");
    rig[0].device().describeRegion(kMigrationRegionIndex, bad);
    rig[0].device().describeRegion(kMigrationRegionIndex, again);
    EXPECT_NE(good.capabilities, bad.capabilities) << kind;
    EXPECT_EQ(good.capabilities, again.capabilities) << kind;
  }
}

TEST(EmulatorFault, WhatCannotBeParsedIsRefusedWithAReason) {
  std::string why;
  for (const auto& [kind, arguments] :
       {std::pair("no-such-fault", ""), std::pair("refuse-arc", "to=0x10"),
        std::pair("refuse-arc", "errno=EWHAT"), std::pair("refuse-arc", "count=0"), std::pair("lie", ""),
        std::pair("read-fault", ""), std::pair("read-fault", "register=nothing"),
        std::pair("truncate-stream", ""), std::pair("async-state", ""), std::pair("wrong-state", "to=0x1"),
        std::pair("stall-arc", "ms=forever"), std::pair("delay", "what=1")}) {
    why.clear();
    EXPECT_FALSE(parseFault(kind, arguments, why).has_value()) << kind << " " << arguments;
    EXPECT_NE(why, "");
  }
}

}  // namespace
}  // namespace transship::emulator::test
