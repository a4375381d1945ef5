// The table of v2's arcs against the kernel's: a second derivation, from the states each arc passes through.
#include "migration/v2_arc.hh"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <utility>

#include "migration/v2_states.hh"
#include "vfio/abi.hh"

namespace transship::migration {
namespace {

using enum DeviceState;
using Pairs = std::set<std::pair<DeviceState, DeviceState>>;

constexpr std::array kStates{kRunning,  kRunningP2p, kPreCopy,  kPreCopyP2p,
                             kStopCopy, kStop,       kResuming, kError};
constexpr std::uint64_t kBase = vfio::kMigrationStopCopy;
constexpr std::uint64_t kP2p = vfio::kMigrationP2p;
constexpr std::uint64_t kPre = vfio::kMigrationPreCopy;

Pairs planned(std::uint64_t flags) {
  Pairs arcs;
  for (const DeviceState from : kStates) {
    for (const DeviceState to : kStates) {
      if (auto plan = planArcV2(from, to, flags); plan && from != to) {
        arcs.emplace(from, to);
      }
    }
  }
  return arcs;
}

Pairs bothWays(std::initializer_list<std::pair<DeviceState, DeviceState>> edges, Pairs more = {}) {
  for (const auto& [a, b] : edges) {
    more.emplace(a, b);
    more.emplace(b, a);
  }
  return more;
}

TEST(ArcV2, V2_05_AsksForSingleArcsOnly) {
  EXPECT_EQ(planned(kBase), bothWays({{kRunning, kStop}, {kStop, kStopCopy}, {kStop, kResuming}}));
  EXPECT_EQ(
      planned(kBase | kP2p),
      bothWays({{kRunning, kRunningP2p}, {kRunningP2p, kStop}, {kStop, kStopCopy}, {kStop, kResuming}}));
  EXPECT_EQ(planned(kBase | kPre),
            bothWays({{kRunning, kStop}, {kStop, kStopCopy}, {kStop, kResuming}, {kRunning, kPreCopy}},
                     {{kPreCopy, kStopCopy}}));
  EXPECT_EQ(planned(kBase | kP2p | kPre), bothWays({{kRunning, kRunningP2p},
                                                    {kRunningP2p, kStop},
                                                    {kStop, kStopCopy},
                                                    {kStop, kResuming},
                                                    {kRunning, kPreCopy},
                                                    {kPreCopy, kPreCopyP2p},
                                                    {kRunningP2p, kPreCopyP2p}},
                                                   {{kPreCopyP2p, kStopCopy}}));
}

TEST(ArcV2, V2_02_NeverAsksForAStateThatTheDeviceHasNot) {
  for (const DeviceState from : kStates) {
    for (const DeviceState to : {kRunningP2p, kPreCopyP2p}) {
      EXPECT_FALSE(planArcV2(from, to, kBase | kPre) && from != to) << stateName(from);
    }
    for (const DeviceState to : {kPreCopy, kPreCopyP2p}) {
      EXPECT_FALSE(planArcV2(from, to, kBase | kP2p) && from != to) << stateName(from);
    }
  }
  const auto quiesce = planArcV2(kRunning, kRunningP2p, kBase);
  ASSERT_FALSE(quiesce);
  EXPECT_EQ(quiesce.error().code, ErrorCode::kNoP2p);
  const auto preCopy = planArcV2(kRunning, kPreCopy, kBase);
  ASSERT_FALSE(preCopy);
  EXPECT_EQ(preCopy.error().code, ErrorCode::kIllegalArc);
}

TEST(ArcV2, V2_03_NeverAsksForError) {
  for (const DeviceState from : kStates) {
    EXPECT_FALSE(planArcV2(from, kError, kBase | kP2p | kPre) && from != kError) << stateName(from);
  }
}

TEST(ArcV2, V2_09_NeverGoesFromStopCopyBackToPreCopy) {
  for (const DeviceState to : {kPreCopy, kPreCopyP2p}) {
    EXPECT_FALSE(planArcV2(kStopCopy, to, kBase | kP2p | kPre)) << stateName(to);
  }
}

TEST(ArcV2, V2_36_ReachesResumingFromStopAlone) {
  for (const DeviceState from : kStates) {
    const bool planned = from != kResuming && planArcV2(from, kResuming, kBase | kP2p | kPre);
    EXPECT_EQ(planned, from == kStop) << stateName(from);
  }
}

TEST(ArcV2, V2_06_AStreamComesOnTheFourArcsIntoAGroup) {
  Pairs opening;
  for (const auto& [from, to] : planned(kBase | kP2p | kPre)) {
    if (planArcV2(from, to, kBase | kP2p | kPre)->opensStream) {
      opening.emplace(from, to);
    }
  }
  EXPECT_EQ(
      opening,
      (Pairs{{kRunning, kPreCopy}, {kRunningP2p, kPreCopyP2p}, {kStop, kStopCopy}, {kStop, kResuming}}));
}

TEST(ArcV2, StatesAndNumbersAreThoseOfTheHeader) {
  const std::array numbers{kError, kStop, kRunning, kStopCopy, kResuming, kRunningP2p, kPreCopy, kPreCopyP2p};
  for (std::uint32_t number = 0; number < numbers.size(); ++number) {
    EXPECT_EQ(stateOfMigState(number), numbers[number]);
    EXPECT_EQ(static_cast<std::uint32_t>(migStateOf(numbers[number])), number);
  }
  EXPECT_FALSE(stateOfMigState(8));
  EXPECT_FALSE(stateOfMigState(0xFFFFFFFF));
}

}  // namespace
}  // namespace transship::migration
