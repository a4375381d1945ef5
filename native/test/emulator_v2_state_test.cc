// The v2 state machine against a second derivation: the table of next states that the kernel walks by.
#include <gtest/gtest.h>

#include <map>

#include "emulator_rig_v2.hh"

namespace transship::emulator::test {
namespace {

using enum MigState;

struct Kind {
  const char* name;
  bool p2p, preCopy;
};

void PrintTo(const Kind& kind, std::ostream* to) { *to << kind.name; }

// Where a SET goes first when the device has every state (vfio-facts 1.3, LINUX vfio_mig_get_next_state);
// kError stands for a refusal. Rows: the state it is in; columns: the state asked for.
constexpr MigState kColumns[] = {kStop, kRunning, kStopCopy, kResuming, kRunningP2p, kPreCopy, kPreCopyP2p};
const std::map<MigState, std::vector<MigState>> kNext{
    {kStop, {kStop, kRunningP2p, kStopCopy, kResuming, kRunningP2p, kRunningP2p, kRunningP2p}},
    {kRunning, {kRunningP2p, kRunning, kRunningP2p, kRunningP2p, kRunningP2p, kPreCopy, kRunningP2p}},
    {kStopCopy, {kStop, kStop, kStopCopy, kStop, kStop, kError, kError}},
    {kResuming, {kStop, kStop, kStop, kResuming, kStop, kStop, kStop}},
    {kRunningP2p, {kStop, kRunning, kStop, kStop, kRunningP2p, kRunning, kPreCopyP2p}},
    {kPreCopy, {kRunning, kRunning, kPreCopyP2p, kRunning, kRunning, kPreCopy, kPreCopyP2p}},
    {kPreCopyP2p, {kRunningP2p, kRunningP2p, kStopCopy, kRunningP2p, kRunningP2p, kPreCopy, kPreCopyP2p}},
};

bool has(const Kind& kind, MigState state) {
  const bool p2p = state == kRunningP2p || state == kPreCopyP2p;
  const bool preCopy = state == kPreCopy || state == kPreCopyP2p;
  return state != kError && (kind.p2p || !p2p) && (kind.preCopy || !preCopy);
}

MigState next(MigState from, MigState to) {
  const auto column = std::find(std::begin(kColumns), std::end(kColumns), to) - std::begin(kColumns);
  return kNext.at(from)[static_cast<std::size_t>(column)];
}

// States that a SET visits; nothing when it is refused. States that the device lacks are skipped over.
std::optional<std::vector<MigState>> expectedPath(const Kind& kind, MigState from, MigState to) {
  if (from == kError || !has(kind, to)) {
    return std::nullopt;
  }
  std::vector<MigState> path;
  while (from != to) {
    from = next(from, to);
    while (from != kError && !has(kind, from)) {
      from = next(from, to);
    }
    if (from == kError) {
      return std::nullopt;
    }
    path.push_back(from);
  }
  return path;
}

std::vector<std::string> optionsOf(const Kind& kind) {
  std::vector<std::string> options{"--traffic", "off"};
  if (!kind.p2p) {
    options.insert(options.end(), {"--no-p2p", "all"});
  }
  if (!kind.preCopy) {
    options.insert(options.end(), {"--no-precopy", "all"});
  }
  return options;
}

class EmulatorV2State : public testing::TestWithParam<Kind> {};

TEST_P(EmulatorV2State, EveryPairTakesTheShortestPath) {
  const Kind kind = GetParam();
  for (const MigState from : kAllStates) {
    for (const MigState to : kAllStates) {
      if (from != kError && !has(kind, from)) {
        continue;
      }
      SCOPED_TRACE(testing::Message() << static_cast<int>(from) << " -> " << static_cast<int>(to));
      const auto path = migPath({kind.p2p, kind.preCopy}, kNibbles[static_cast<std::uint32_t>(from)],
                                kNibbles[static_cast<std::uint32_t>(to)]);
      const auto expected = expectedPath(kind, from, to);
      ASSERT_EQ(path.has_value(), expected.has_value());
      if (path) {
        std::vector<MigState> states;
        for (const std::uint32_t nibble : *path) {
          states.push_back(MigState{numberOf(nibble)});
        }
        EXPECT_EQ(states, *expected);
      }
    }
  }
}

TEST_P(EmulatorV2State, EverySetFromEveryState) {
  const Kind kind = GetParam();
  RigV2 rig(1, optionsOf(kind));
  UserV2& user = rig[0];
  for (const MigState from : kAllStates) {
    if (from != kError && !has(kind, from)) {
      continue;
    }
    for (const MigState to : kAllStates) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(from) << " -> " << static_cast<int>(to));
      ASSERT_NO_FATAL_FAILURE(bring(user, from));
      const auto path = expectedPath(kind, from, to);
      const int error = user.set(to);
      // Leaving RESUMING without a stream is the one legal arc that the device has to refuse.
      const bool emptyLoad = from == kResuming && to != kResuming;
      if (path && !emptyLoad) {
        EXPECT_EQ(error, 0);
        EXPECT_EQ(user.state(), to);
      } else {
        EXPECT_EQ(error, EINVAL);
        EXPECT_EQ(user.state(), from);
      }
    }
  }
}

TEST_P(EmulatorV2State, NumbersThatNameNoStateAreRefused) {
  RigV2 rig(1, optionsOf(GetParam()));
  for (const std::uint32_t number : {8u, 9u, 0xFFu, ~0u}) {
    EXPECT_EQ(rig[0].setNumber(number), EINVAL);
    EXPECT_EQ(rig[0].state(), kRunning);
  }
}

TEST_P(EmulatorV2State, TheFlagsSayWhatThereIs) {
  const Kind kind = GetParam();
  RigV2 rig(1, optionsOf(kind));
  EXPECT_EQ(rig[0].flags(), vfio::kMigrationStopCopy | (kind.p2p ? vfio::kMigrationP2p : 0) |
                                (kind.preCopy ? vfio::kMigrationPreCopy : 0));
}

INSTANTIATE_TEST_SUITE_P(Kinds, EmulatorV2State,
                         testing::Values(Kind{"All", true, true}, Kind{"OnlyStopCopy", false, false},
                                         Kind{"P2p", true, false}, Kind{"PreCopy", false, true}),
                         [](const auto& kind) { return kind.param.name; });

TEST(EmulatorV2Reset, LeadsFromEveryStateToRunningWithOtherContents) {
  RigV2 rig(1, {"--traffic", "off"});
  std::vector<std::string> seen;
  for (const MigState from : kAllStates) {
    ASSERT_NO_FATAL_FAILURE(bring(rig[0], from));
    EXPECT_EQ(rig[0].reset(), 0);
    EXPECT_EQ(rig[0].state(), kRunning);
    ASSERT_EQ(rig[0].walk({kRunningP2p, kStop}), 0);
    const auto digest = rig[0].device().digests()->memory.hex();
    EXPECT_EQ(std::find(seen.begin(), seen.end(), digest), seen.end());
    seen.push_back(digest);
  }
}

TEST(EmulatorV2Protocol, EachProtocolKnowsNothingOfTheOther) {
  RigV2 rig(1);
  EXPECT_EQ(rig[0].device().info().num_regions, kDecoyRegion + 1);
  RegionDescription region;
  EXPECT_EQ(rig[0].device().describeRegion(kMigrationRegionIndex, region), EINVAL);
  EXPECT_EQ(rig[0].device().read(kMigrationRegionIndex, 0, 4).error, EINVAL);
  Rig v1(1);
  EXPECT_EQ(v1[0].device().withFeatures([](FeaturesV2&) { return 0; }), ENOTTY);
}

}  // namespace
}  // namespace transship::emulator::test
