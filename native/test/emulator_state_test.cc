// The state machine against a second derivation from the specification: all 16 x 16 writes.
#include <gtest/gtest.h>

#include <set>

#include "emulator_rig.hh"

namespace transship::emulator::test {
namespace {

constexpr std::uint32_t kRunningBit = 1, kSavingBit = 2, kResumingBit = 4, kNdmaBit = 8;

// L236-246 in prose: SAVING excludes RESUMING, RESUMING excludes RUNNING, and the one value that stands for
// the error state is none to be written. Everything else is valid.
std::set<std::uint32_t> validValues() {
  std::set<std::uint32_t> values;
  for (std::uint32_t value = 0; value < 16; ++value) {
    const bool savingAndResuming = (value & kSavingBit) && (value & kResumingBit);
    const bool resumingAndRunning = (value & kResumingBit) && (value & kRunningBit);
    if (!savingAndResuming && !resumingAndRunning) {
      values.insert(value);
    }
  }
  return values;
}

// How a fresh device comes to a state, one bit at a time.
void bring(User& user, std::uint32_t state) {
  ASSERT_EQ(user.reset(), 0);
  ASSERT_EQ(user.state(), kRunningBit);
  if (state & kRunningBit) {
    ASSERT_EQ(user.walk({state & ~kNdmaBit, state}), 0);
  } else {
    ASSERT_EQ(user.walk({0, state & ~kNdmaBit, state}), 0);
  }
  ASSERT_EQ(user.state(), state);
}

TEST(EmulatorState, D_09_ThereAreTenValidValues) {
  EXPECT_EQ(validValues(), (std::set<std::uint32_t>{0, 1, 2, 3, 4, 8, 9, 0xA, 0xB, 0xC}));
}

TEST(EmulatorState, D_05_D_07_D_09_EveryWriteFromEveryState) {
  Rig rig(1, {"--traffic", "off"});
  User& user = rig[0];
  const auto valid = validValues();
  for (const std::uint32_t from : valid) {
    for (std::uint32_t to = 0; to < 16; ++to) {
      SCOPED_TRACE(testing::Message() << std::hex << "0x" << from << " -> 0x" << to);
      ASSERT_NO_FATAL_FAILURE(bring(user, from));
      const int error = user.set(to);
      // Leaving RESUMING without a stream is the one valid write that the device has to refuse (L202-211).
      const bool leavesEmptyLoad = (from & kResumingBit) != 0 && (to & kResumingBit) == 0;
      if (valid.contains(to) && !leavesEmptyLoad) {
        EXPECT_EQ(error, 0);
        EXPECT_EQ(user.state(), to);
      } else {
        EXPECT_EQ(error, EINVAL);
        EXPECT_EQ(user.state(), from);
      }
    }
  }
}

TEST(EmulatorState, D_08_ErrorRefusesEveryWriteAndResetLeavesIt) {
  Rig rig(1, {"--traffic", "off"});
  User& user = rig[0];
  ASSERT_EQ(rig.fault(0, "error-on-arc", "to=0x0,errno=EIO"), "");
  ASSERT_EQ(user.set(0), EIO);
  ASSERT_EQ(user.state(), 0x6u);
  for (std::uint32_t to = 0; to < 16; ++to) {
    EXPECT_EQ(user.set(to), EIO);
    EXPECT_EQ(user.state(), 0x6u);
  }
  EXPECT_FALSE(user.place().has_value());
  EXPECT_EQ(user.reset(), 0);
  EXPECT_EQ(user.state(), kRunningBit);
}

TEST(EmulatorState, D_08_ResetFromEveryState) {
  Rig rig(1, {"--traffic", "off"});
  for (const std::uint32_t from : validValues()) {
    ASSERT_NO_FATAL_FAILURE(bring(rig[0], from));
    EXPECT_EQ(rig[0].reset(), 0);
    EXPECT_EQ(rig[0].get(0, 4), 1u);
  }
}

TEST(EmulatorState, D_15_WithoutTheCapabilityEveryNdmaValueIsRefused) {
  Rig rig(1, {"--traffic", "off", "--no-ndma", "0"});
  for (std::uint32_t to = kNdmaBit; to < 16; ++to) {
    EXPECT_EQ(rig[0].set(to), EINVAL);
    EXPECT_EQ(rig[0].state(), kRunningBit);
  }
  EXPECT_EQ(rig[0].walk({3, 2, 0, 1}), 0);
}

TEST(EmulatorState, D_08_ADeviceWithoutResetSaysSoAndRefuses) {
  Rig rig(1, {"--no-reset", "0"});
  EXPECT_EQ(rig[0].device().info().flags & vfio::kDeviceFlagsReset, 0u);
  EXPECT_EQ(rig[0].reset(), EINVAL);
}

TEST(EmulatorState, ResetGivesContentsThatWereNeverThere) {
  Rig rig(1, {"--traffic", "off"});
  std::set<std::string> seen;
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(rig[0].set(0), 0);
    seen.insert(rig[0].device().digests()->memory.hex());
    ASSERT_EQ(rig[0].reset(), 0);
    ASSERT_EQ(rig[0].state(), kRunningBit);
  }
  EXPECT_EQ(seen.size(), 4u);
}

}  // namespace
}  // namespace transship::emulator::test
