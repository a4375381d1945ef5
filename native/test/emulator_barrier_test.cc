// What the emulator is for: with the barrier no transaction is lost, without it some are, and one sees it.
#include <gtest/gtest.h>

#include <thread>

#include "emulator_rig.hh"

namespace transship::emulator::test {
namespace {

const std::vector<std::string> kBusy{"--link-rate", "1000", "--link-latency", "5ms"};

void letRun(Rig& rig, std::uint64_t more) {
  const std::uint64_t start = rig.sum(&LinkReport::receivedHere);
  ASSERT_TRUE(eventually([&] { return rig.sum(&LinkReport::receivedHere) >= start + more; }));
}

void expectLossless(Rig& rig) {
  EXPECT_EQ(rig.sum(&LinkReport::lost), 0u);
  EXPECT_EQ(rig.sum(&LinkReport::lostHere), 0u);
  EXPECT_EQ(rig.sum(&LinkReport::gaps), 0u);
  EXPECT_EQ(rig.sum(&LinkReport::doubles), 0u);
}

TEST(EmulatorBarrier, WithTheBarrierNothingIsLostAndNothingStaysOnTheLinks) {
  Rig rig(3, kBusy);
  letRun(rig, 60);
  rig->workload(0).freeze();
  ASSERT_EQ(rig.all({0x3, 0xB}), 0);
  EXPECT_GT(rig.sum(&LinkReport::inFlightAtQuiesce), 0u);
  EXPECT_EQ(rig.sum(&LinkReport::inFlight), 0u);
  ASSERT_EQ(rig.all({0xA, 0x2}), 0);
  EXPECT_EQ(rig.sum(&LinkReport::sent), rig.sum(&LinkReport::received));
  expectLossless(rig);
  EXPECT_EQ(rig.violations(), "");
}

TEST(EmulatorBarrier, AfterAnAbortFromStopCopyTheTrafficGoesOnWithoutGap) {
  Rig rig(3, kBusy);
  letRun(rig, 60);
  rig->workload(0).freeze();
  ASSERT_EQ(rig.all({0x3, 0xB, 0xA, 0x2}), 0);
  sleepMs(20);
  ASSERT_EQ(rig.all({0x0, 0x9, 0x1}), 0);
  rig->workload(0).thaw();
  letRun(rig, 60);
  expectLossless(rig);
  EXPECT_EQ(rig.violations(), "");
}

TEST(EmulatorBarrier, AfterAnAbortFromAnyQuiescedStateTheTrafficGoesOnWithoutGap) {
  for (const std::uint32_t quiesced : {0x9u, 0xBu}) {
    Rig rig(2, kBusy);
    letRun(rig, 20);
    ASSERT_EQ(quiesced == 0x9 ? rig.all({0x9}) : rig.all({0x3, 0xB}), 0);
    sleepMs(20);
    ASSERT_EQ(quiesced == 0x9 ? rig.all({0x1}) : rig.all({0x9, 0x1}), 0);
    letRun(rig, 20);
    expectLossless(rig);
    EXPECT_EQ(rig.violations(), "");
  }
}

TEST(EmulatorBarrier, StopsThatAreStaggeredWithoutItLoseTransactions) {
  Rig rig(3, kBusy);
  letRun(rig, 60);
  rig->workload(0).freeze();
  for (std::size_t index = 0; index < rig.size(); ++index) {
    ASSERT_EQ(rig[index].walk({0x3, 0x2}), 0);  // straight to stop-and-copy, one after the other
    sleepMs(15);                                // longer than the links' latency
  }
  const std::uint64_t lost = rig.sum(&LinkReport::lost);
  EXPECT_GT(lost, 0u);
  // Back to work: the receivers notice what never came.
  ASSERT_EQ(rig.all({0x0, 0x9, 0x1}), 0);
  letRun(rig, 60);
  EXPECT_EQ(rig.sum(&LinkReport::gaps), lost);
  EXPECT_EQ(rig.sum(&LinkReport::lost), lost);
}

TEST(EmulatorBarrier, QuiescingOneByOneButStoppingTooEarlyLosesTransactionsToo) {
  Rig rig(2, kBusy);
  letRun(rig, 20);
  rig->workload(0).freeze();
  ASSERT_EQ(rig[0].walk({0x9, 0x8, 0x0}), 0);
  sleepMs(15);
  ASSERT_EQ(rig[1].walk({0x9, 0x8, 0x0}), 0);
  EXPECT_GT(rig.sum(&LinkReport::lost), 0u);
  EXPECT_EQ(rig.items(), (std::vector<std::string>{"V1-26"}));
}

TEST(EmulatorBarrier, LeavingTheSecondBarrierEarlyLosesTransactionsToo) {
  Rig rig(2, kBusy);
  letRun(rig, 20);
  rig->workload(0).freeze();
  ASSERT_EQ(rig.all({0x9, 0x8, 0x0}), 0);
  ASSERT_EQ(rig[0].walk({0x9, 0x1}), 0);
  sleepMs(15);
  ASSERT_EQ(rig[1].walk({0x9, 0x1}), 0);
  EXPECT_GT(rig.sum(&LinkReport::lost), 0u);
  EXPECT_EQ(rig.items(), (std::vector<std::string>{"V1-27"}));
}

TEST(EmulatorBarrier, ASetMovesWithEqualDigestsAndItsTrafficGoesOnWithoutGap) {
  Rig source(3, kBusy);
  Rig target(4, {"--seed", "9", "--traffic", "off", "--link-rate", "1000", "--link-latency", "5ms"});
  letRun(source, 60);
  const auto streams = saveSet(source);
  const auto workload = source->workload(0).save();
  ASSERT_TRUE(workload.has_value());
  const std::size_t places[] = {3, 0, 2};
  for (std::size_t index = 0; index < streams.size(); ++index) {
    User& user = target[places[index]];
    ASSERT_EQ(user.walk({0x0, 0x4}), 0);
    ASSERT_EQ(user.load(streams[index]), 0);
    ASSERT_EQ(user.set(0x0), 0);
    EXPECT_EQ(source[index].device().digests()->all, user.device().digests()->all);
  }
  ASSERT_EQ(target->workload(0).load(*workload), "");
  for (const std::uint32_t state : {0x9u, 0x1u}) {
    for (const std::size_t place : places) {
      ASSERT_EQ(target[place].set(state), 0);
    }
  }
  ASSERT_EQ(target->workload(0).thaw(), "");
  ASSERT_EQ(source->workload(0).discard(), "");
  letRun(target, 100);
  expectLossless(target);
  const auto report = target->workload(0).report();
  EXPECT_EQ(report.cookie, source->workload(0).report().cookie);
  EXPECT_EQ(report.refused, 0u);
  for (const std::size_t place : places) {
    EXPECT_EQ(target->fabric().snapshot(place).ring.gaps, 0u);
    EXPECT_GT(target->fabric().snapshot(place).ring.submitted, 0u);
  }
  EXPECT_EQ(source.violations() + target.violations(), "");
}

TEST(EmulatorBarrier, ALoadedSetDoesNotFitWhereTheSameSetStillIs) {
  Rig rig(2, {"--group", "1", "--topology", "none"});
  rig->workload(0).freeze();
  ASSERT_EQ(rig[0].walk({0x0, 0x2}), 0);
  const auto stream = rig[0].segments();
  ASSERT_EQ(rig[1].reset(), 0);
  ASSERT_EQ(rig[1].walk({0x0, 0x4}), 0);
  ASSERT_EQ(rig[1].load(stream), 0);
  EXPECT_EQ(rig[1].set(0x0), EEXIST);
  EXPECT_EQ(rig[1].state(), 0x4u);
}

}  // namespace
}  // namespace transship::emulator::test
