// The table of arcs against the rules it follows from: a second derivation, from the specification.
#include <gtest/gtest.h>

#include <bit>

#include "migration/arc_v1.hh"

namespace transship::migration {
namespace {

using enum DeviceState;

constexpr std::array kStates{kRunning,  kRunningP2p, kPreCopy,  kPreCopyP2p,
                             kStopCopy, kStop,       kResuming, kError};

std::uint32_t valueOf(DeviceState state) {
  for (const std::uint32_t value : {0x0u, 0x1u, 0x2u, 0x3u, 0x4u, 0x6u, 0x9u, 0xBu}) {
    if (stateOfRegister(value) == state) {
      return value;
    }
  }
  return 0xFF;
}

template <typename Check>
void forEachPlan(Check check) {
  for (const DeviceState from : kStates) {
    for (const DeviceState to : kStates) {
      auto plan = planArc(valueOf(from), to, true);
      if (plan && from != to) {
        check(from, to, *plan);
      }
    }
  }
}

TEST(Arc, ThereAreExactlyEighteen) {
  int arcs = 0;
  forEachPlan([&arcs](DeviceState, DeviceState, const ArcPlan&) { ++arcs; });
  EXPECT_EQ(arcs, 18);
}

TEST(Arc, EndsInTheStateAskedFor) {
  forEachPlan([](DeviceState, DeviceState to, const ArcPlan& plan) {
    EXPECT_EQ(plan.writes().back(), valueOf(to)) << stateName(to);
  });
}

TEST(Arc, V1_05_WritesValidValuesOnly) {
  forEachPlan([](DeviceState from, DeviceState to, const ArcPlan& plan) {
    for (const std::uint8_t nibble : plan.writes()) {
      const auto state = stateOfRegister(nibble);
      EXPECT_TRUE(state && *state != kError) << stateName(from) << " to " << stateName(to);
    }
  });
}

TEST(Arc, V1_06_ChangesOneBitPerWriteExceptWhereThatWouldLeakDma) {
  forEachPlan([](DeviceState from, DeviceState to, const ArcPlan& plan) {
    std::uint32_t value = valueOf(from);
    for (const std::uint8_t nibble : plan.writes()) {
      const bool thaw = value == 0x0 && nibble == 0x9;
      EXPECT_TRUE(thaw || std::popcount(value ^ nibble) == 1) << stateName(from) << " to " << stateName(to);
      value = nibble;
    }
  });
}

TEST(Arc, V1_17_NeverSetsSavingAndResumingTogether) {
  forEachPlan([](DeviceState, DeviceState to, const ArcPlan& plan) {
    for (const std::uint8_t nibble : plan.writes()) {
      EXPECT_NE(nibble & vfio::kStateError, vfio::kStateError) << stateName(to);
    }
  });
}

TEST(Arc, V1_30_NeverRunsWithoutNdmaBetweenAQuiescedAndAStoppedState) {
  forEachPlan([](DeviceState from, DeviceState to, const ArcPlan& plan) {
    if (!isP2p(from) && !isP2p(to)) {
      return;
    }
    for (std::size_t i = 0; i + 1 < plan.count; ++i) {  // the values in between
      EXPECT_NE(plan.nibbles[i] & (vfio::kStateRunning | vfio::kStateNdma), vfio::kStateRunning)
          << stateName(from) << " to " << stateName(to);
    }
  });
}

TEST(Arc, RefusesWhatIsNotOneArcAway) {
  EXPECT_FALSE(planArc(0x1, kResuming, true));
  EXPECT_FALSE(planArc(0x1, kStopCopy, true));
  EXPECT_FALSE(planArc(0x2, kPreCopy, true));
  EXPECT_FALSE(planArc(0x2, kRunning, true));
  EXPECT_FALSE(planArc(0x4, kRunningP2p, true));
  for (const DeviceState from : kStates) {
    EXPECT_TRUE(from == kError || !planArc(valueOf(from), kError, true)) << stateName(from);
  }
}

TEST(Arc, V1_29_ASuperfluousNdmaIsUnderstoodAndTakenOffFirst) {
  auto toRunning = planArc(0x8, kRunningP2p, true);
  ASSERT_TRUE(toRunning);
  EXPECT_EQ(std::vector(toRunning->writes().begin(), toRunning->writes().end()),
            (std::vector<std::uint8_t>{0x0, 0x9}));
  auto stay = planArc(0xA, kStopCopy, true);
  ASSERT_TRUE(stay);
  EXPECT_EQ(std::vector(stay->writes().begin(), stay->writes().end()), (std::vector<std::uint8_t>{0x2}));
}

TEST(Arc, V1_32_ErrorIsToldUnderReservedBitsAndFromItsNeighbours) {
  EXPECT_EQ(stateOfRegister(0x6), kError);
  EXPECT_EQ(stateOfRegister(0x16), kError);
  EXPECT_EQ(stateOfRegister(0xFFFFFFF6), kError);
  for (const std::uint32_t never : {0x5u, 0x7u, 0xDu, 0xEu, 0xFu}) {
    EXPECT_EQ(stateOfRegister(never), std::nullopt) << never;
  }
}

TEST(Arc, NamesAreThoseOfTheApi) {
  for (const DeviceState state : kStates) {
    EXPECT_EQ(stateOfName(stateName(state)), state);
  }
  EXPECT_EQ(stateOfName("running"), std::nullopt);
}

}  // namespace
}  // namespace transship::migration
