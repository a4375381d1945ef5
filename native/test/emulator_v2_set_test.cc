// A set of v2 devices with peer-to-peer traffic: with the P2P barrier nothing is lost, without it something
// is.
#include <gtest/gtest.h>

#include "emulator_rig_v2.hh"

namespace transship::emulator::test {
namespace {

using enum MigState;

const std::vector<std::string> kBusy{"--link-rate", "1000", "--link-latency", "10ms"};

std::vector<std::string> idle() {
  auto options = kBusy;
  options.insert(options.end(), {"--traffic", "off", "--seed", "9"});
  return options;
}

bool flowing(RigV2& rig) {
  return eventually([&rig] { return rig.rig().sum(&LinkReport::receivedHere) > 20; });
}

TEST(EmulatorV2Set, V2_21_ASetMovesWithoutALoss) {
  RigV2 source(4, kBusy);
  RigV2 target(4, idle());
  ASSERT_TRUE(flowing(source));
  ASSERT_EQ(source.all({kPreCopy}), 0);
  std::vector<Bytes> streams;
  for (std::size_t i = 0; i < 4; ++i) {
    streams.push_back(source[i].readAll());
  }
  source.freeze();
  ASSERT_EQ(source.all({kPreCopyP2p}), 0);
  EXPECT_GT(source.rig().sum(&LinkReport::inFlightAtQuiesce), 0u);
  ASSERT_EQ(source.all({kStopCopy}), 0);
  EXPECT_EQ(source.rig().sum(&LinkReport::lost), 0u);
  for (std::size_t i = 0; i < 4; ++i) {
    const Bytes rest = source[i].readAll();
    streams[i].insert(streams[i].end(), rest.begin(), rest.end());
  }
  ASSERT_EQ(target.all({kRunningP2p, kStop, kResuming}), 0);
  for (std::size_t i = 0; i < 4; ++i) {
    ASSERT_EQ(target[i].writeAll(streams[i]), 0);
  }
  ASSERT_EQ(target.all({kStop}), 0);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(target[i].device().digests()->all, source[i].device().digests()->all);
  }
  ASSERT_EQ(target.all({kRunningP2p, kRunning}), 0);
  ASSERT_TRUE(flowing(target));
  EXPECT_EQ(target.rig().sum(&LinkReport::lost), 0u);
  EXPECT_EQ(target.rig().sum(&LinkReport::gaps) + target.rig().sum(&LinkReport::doubles), 0u);
  EXPECT_EQ(source.violations() + target.violations(), "");
}

TEST(EmulatorV2Set, WithoutTheBarrierTransactionsAreLostAndTheUserIsNamed) {
  RigV2 rig(2, kBusy);
  ASSERT_TRUE(flowing(rig));
  rig.freeze();
  ASSERT_EQ(rig[0].set(kStop), 0);  // passes RUNNING_P2P, but its peer does not wait there
  EXPECT_TRUE(eventually([&rig] { return rig.rig().sum(&LinkReport::lost) > 0; }));
  EXPECT_EQ(rig.items(), (std::vector<std::string>{"V2-05", "V2-21"})) << rig.violations();
}

TEST(EmulatorV2Set, InP2pADeviceSendsNothingButTakesAndWorks) {
  RigV2 rig(2, {"--link-rate", "1000", "--link-latency", "1ms"});
  ASSERT_EQ(rig[0].set(kRunningP2p), 0);
  Fabric& fabric = rig->fabric();
  const Attachment quiet = fabric.snapshot(0);
  EXPECT_EQ(fabric.inFlight(0), 0u);
  EXPECT_TRUE(eventually([&] { return fabric.snapshot(0).in[0].received > quiet.in[0].received + 10; }));
  EXPECT_TRUE(eventually([&] { return fabric.snapshot(0).ring.completed > quiet.ring.completed; }));
  EXPECT_EQ(fabric.snapshot(0).out[0].sent, quiet.out[0].sent);
  EXPECT_EQ(rig.rig().sum(&LinkReport::lost), 0u);
}

TEST(EmulatorV2Set, ASetThatIsSentHomeGoesOn) {
  RigV2 rig(3, kBusy);
  ASSERT_TRUE(flowing(rig));
  rig.freeze();
  ASSERT_EQ(rig.all({kPreCopy, kPreCopyP2p, kStopCopy}), 0);
  ASSERT_EQ(rig.all({kStop, kRunningP2p, kRunning}), 0);
  rig->workload(0).thaw();
  const std::uint64_t before = rig.rig().sum(&LinkReport::received);
  EXPECT_TRUE(eventually([&] { return rig.rig().sum(&LinkReport::received) > before + 20; }));
  EXPECT_EQ(rig.rig().sum(&LinkReport::lost) + rig.rig().sum(&LinkReport::gaps), 0u);
  EXPECT_EQ(rig.violations(), "");
}

}  // namespace
}  // namespace transship::emulator::test
