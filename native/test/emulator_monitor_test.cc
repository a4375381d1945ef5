// The protocol monitor: every rule fires, once, for the mistake it names, and a correct user meets none.
#include <gtest/gtest.h>

#include "emulator_rig.hh"

namespace transship::emulator::test {
namespace {

using Items = std::vector<std::string>;

struct Mistake {
  const char* item;
  const char* name;
  std::function<void(Rig&)> make;
  std::size_t devices = 1;
  std::vector<std::string> options = {};
};

void freeze(Rig& rig) { rig->workload(0).freeze(); }

// A segment of the right form for the rig's device 1, taken from device 0.
std::vector<Bytes> streamOf(Rig& rig) {
  freeze(rig);
  rig[0].walk({0x0, 0x2});
  return rig[0].segments();
}

void enterResuming(Rig& rig, std::size_t index) {
  rig[index].reset();
  rig[index].state();
  rig[index].walk({0x0, 0x4});
}

const std::vector<std::string> kApart{"--topology", "none", "--group", "1", "--mmap", "none"};

const std::vector<Mistake> kMistakes{
    {"V1-01", "AnotherRegion", [](Rig& rig) { rig[0].bytes(kDecoyRegion, 0, 4); }},
    {"V1-02", "NarrowRead", [](Rig& rig) { rig[0].get(0, 1); }},
    {"V1-02", "WideWrite", [](Rig& rig) { rig[0].put(0, 3, 8); }},
    {"V1-05", "InvalidValue", [](Rig& rig) { rig[0].set(0x5); }},
    {"V1-06", "TwoBits",
     [](Rig& rig) {
       freeze(rig);
       rig[0].set(0x2);
     }},
    {"V1-08", "NoLookAfterAFailedWrite",
     [](Rig& rig) {
       rig.fault(0, "refuse-arc", "to=0x3,count=1");
       rig[0].set(0x3);
       rig[0].put(0, 0x3, 4);
     }},
    {"V1-10", "StateWriteInError",
     [](Rig& rig) {
       rig.fault(0, "error-on-arc", "to=0x3");
       rig[0].set(0x3);
       rig[0].state();
       rig[0].put(0, 0x1, 4);
     }},
    {"V1-11", "NoLookAfterReset",
     [](Rig& rig) {
       rig[0].reset();
       rig[0].put(0, 0x3, 4);
     }},
    {"V1-12", "NoReset", [](Rig& rig) { rig[0].set(0x3); }, 1, {"--no-reset", "0"}},
    {"V1-14", "NoLookAtFirst",
     [](Rig& rig) {
       rig[0].device().userCame();
       rig[0].put(0, 0x3, 4);
     }},
    {"V1-15", "StoppedWhileThawed", [](Rig& rig) { rig[0].set(0x0); }},
    {"V1-15", "BarAccessWhileStopped",
     [](Rig& rig) {
       freeze(rig);
       rig[0].set(0x0);
       rig[0].bytes(kBar0, 0, 8);
     }},
    {"V1-18", "WindowReadAfterSaving",
     [](Rig& rig) {
       rig[0].walk({0x3, 0x1});
       rig[0].bytes(rig[0].migrationRegion(), 4096, 8);
     }},
    {"V1-19", "TwoSessionsInOne",
     [](Rig& rig) {
       const auto first = streamOf(rig);
       rig[0].set(0x0);
       rig[0].set(0x2);
       const auto second = rig[0].segments();
       enterResuming(rig, 1);
       rig[1].load(first[0]);
       rig[1].load(second[1]);
     },
     2, kApart},
    {"V1-22", "StartedAfterARefusedLoad",
     [](Rig& rig) {
       enterResuming(rig, 0);
       rig[0].set(0x0);
       rig[0].set(0xC);
     }},
    {"V1-24", "NdmaWithoutCapability", [](Rig& rig) { rig[0].set(0x9); }, 1, {"--no-ndma", "0"}},
    {"V1-24", "NdmaWithoutLooking",
     [](Rig& rig) {
       rig[0].device().userCame();
       rig[0].set(0x9);
     }},
    {"V1-25",
     "PeersWithoutNdma",
     [](Rig& rig) {
       freeze(rig);
       rig[1].set(0x9);
       rig[0].set(0x0);
     },
     2,
     {"--no-ndma", "0"}},
    {"V1-26", "StoppedBeforeItsPeerIsQuiet",
     [](Rig& rig) {
       freeze(rig);
       rig[0].walk({0x9, 0x8});
     },
     2},
    {"V1-27", "LooseBeforeItsPeerRuns",
     [](Rig& rig) {
       freeze(rig);
       rig.all({0x9, 0x8, 0x0});
       rig[0].walk({0x9, 0x1});
     },
     2},
    {"V1-31", "ReservedBits", [](Rig& rig) { rig[0].put(0, 0x80000003, 4); }},
    {"V1-31", "StickyBits", [](Rig& rig) { rig[0].put(0, 0x3, 4); }, 1, {"--sticky-bits"}},
    {"V1-40", "PendingOutsideOfSaving", [](Rig& rig) { rig[0].pending(); }},
    {"V1-41", "OffsetBeforePending",
     [](Rig& rig) {
       rig[0].set(0x3);
       rig[0].place();
     }},
    {"V1-41", "SizeBeforeOffset",
     [](Rig& rig) {
       rig[0].set(0x3);
       rig[0].pending();
       rig[0].size();
     }},
    {"V1-41", "DataBeforeSize",
     [](Rig& rig) {
       rig[0].set(0x3);
       rig[0].pending();
       rig[0].bytes(rig[0].migrationRegion(), rig[0].place().value_or(0), 8);
     }},
    {"V1-43", "PendingWithTheSegmentOpen",
     [](Rig& rig) {
       rig[0].set(0x3);
       rig[0].pending();
       rig[0].place();
       rig[0].pending();
     }},
    {"V1-43", "PendingWithHalfOfTheSegment",
     [](Rig& rig) {
       rig[0].set(0x3);
       rig[0].pending();
       const auto place = rig[0].place();
       const auto size = rig[0].size();
       rig[0].bytes(rig[0].migrationRegion(), *place, static_cast<std::uint32_t>(*size / 2));
       rig[0].pending();
     }},
    {"V1-43",
     "StateWriteWithTheSegmentOpen",
     [](Rig& rig) {
       rig[0].set(0x3);
       rig[0].pending();
       rig[0].place();
       rig[0].size();
       rig[0].set(0x1);
     },
     1,
     {"--mmap", "none"}},
    {"V1-48", "OffsetOutside", [](Rig& rig) { rig[0].place(); }},
    {"V1-48", "SizeOutside", [](Rig& rig) { rig[0].size(); }},
    {"V1-49", "DataBeforePlace",
     [](Rig& rig) {
       enterResuming(rig, 0);
       rig[0].put(4096, 0, 8);
     }},
    {"V1-49", "SizeBeforePlace",
     [](Rig& rig) {
       enterResuming(rig, 0);
       rig[0].put(24, 64, 8);
     }},
    {"V1-49",
     "SizeWithoutTheData",
     [](Rig& rig) {
       enterResuming(rig, 0);
       rig[0].place();
       rig[0].put(24, 64, 8);
     },
     1,
     {"--mmap", "none"}},
    {"V1-50", "AnotherSize",
     [](Rig& rig) {
       auto stream = streamOf(rig);
       enterResuming(rig, 1);
       stream[0].resize(stream[0].size() + 8);
       rig[1].load(stream[0]);
     },
     2, kApart},
    {"V1-51", "AnotherOrder",
     [](Rig& rig) {
       const auto stream = streamOf(rig);
       enterResuming(rig, 1);
       rig[1].load(stream[0]);
       rig[1].load(stream[2]);
     },
     2, kApart},
    {"V1-52", "LargerThanTheWindow",
     [](Rig& rig) {
       enterResuming(rig, 0);
       rig[0].place();
       rig[0].put(24, 1u << 20, 8);
     }},
    {"V1-54", "GoneOnAfterAFault",
     [](Rig& rig) {
       rig.fault(0, "read-fault", "register=data_offset,count=1");
       rig[0].set(0x3);
       rig[0].pending();
       rig[0].place();
       rig[0].pending();
     }},
    {"V1-56", "ResumingOnALiveDevice",
     [](Rig& rig) {
       freeze(rig);
       rig[0].walk({0x0, 0x4});
     }},
};

void PrintTo(const Mistake& mistake, std::ostream* to) { *to << mistake.item << " " << mistake.name; }

class EmulatorMonitor : public testing::TestWithParam<Mistake> {};

TEST_P(EmulatorMonitor, RecordsIt) {
  const Mistake& mistake = GetParam();
  Rig rig(mistake.devices, mistake.options);
  mistake.make(rig);
  EXPECT_EQ(rig.items(), Items{mistake.item}) << rig.violations();
}

std::string nameOf(const testing::TestParamInfo<Mistake>& mistake) {
  std::string name = mistake.param.item;
  name[2] = '_';
  return name + "_" + mistake.param.name;
}

INSTANTIATE_TEST_SUITE_P(Mistakes, EmulatorMonitor, testing::ValuesIn(kMistakes), nameOf);

TEST(EmulatorMonitorPairs, V1_17_SavingAndResumingTogetherIsAlsoAnInvalidValue) {
  for (const std::uint32_t both : {0x6u, 0x7u, 0xEu, 0xFu}) {
    Rig rig(1);
    rig[0].set(both);
    EXPECT_EQ(rig.items(), (Items{"V1-05", "V1-17"}));
  }
}

TEST(EmulatorMonitorPairs, V1_30_ComingUpOrGoingDownWithoutNdmaLeaks) {
  Rig rig(2);
  freeze(rig);
  rig.all({0x9, 0x8, 0x0});
  rig[0].set(0x1);
  EXPECT_EQ(rig.items(), (Items{"V1-27", "V1-30"})) << rig.violations();
  rig->violations().clear();
  rig[0].set(0x0);
  EXPECT_EQ(rig.items(), Items{"V1-30"}) << rig.violations();
}

TEST(EmulatorMonitorPairs, V1_33_TheFallBackAfterARefusedStopIsNoViolation) {
  Rig rig(1);
  freeze(rig);
  rig[0].set(0x9);
  rig.fault(0, "refuse-arc", "to=0x8,errno=EINVAL");
  EXPECT_EQ(rig[0].set(0x8), EINVAL);
  EXPECT_EQ(rig[0].set(0x0), 0);
  EXPECT_EQ(rig.violations(), "");
  Rig other(1);
  freeze(other);
  other[0].walk({0x9, 0x0});
  EXPECT_EQ(other.items(), Items{"V1-06"});
}

TEST(EmulatorMonitorPairs, V1_43_AnotherUserIsNotBlamedForTheSegmentOfTheOneBefore) {
  Rig rig(1);
  freeze(rig);
  rig[0].walk({0x0, 0x2});
  rig[0].pending();
  rig[0].place();
  rig[0].device().userLeft();
  User another(*rig, 0);
  EXPECT_EQ(another.walk({0x0, 0x2}), 0);
  EXPECT_FALSE(another.segments().empty());
  EXPECT_EQ(rig.violations(), "");
}

TEST(EmulatorMonitorPairs, V1_43_SegmentsThatTheDeviceItselfSpoiltNeedNotBeCollected) {
  for (const char* const lie : {"data_offset=0xFFFFFFFFFFFFFFF0", "data_size=0xFFFFFFFFFFFFFFF0"}) {
    Rig rig(1, {"--mmap", "none"});
    rig.fault(0, "lie", lie);
    rig[0].set(0x3);
    rig[0].pending();
    rig[0].place();
    rig[0].size();
    rig[0].set(0x1);
    EXPECT_EQ(rig.violations(), "");
  }
}

TEST(EmulatorMonitorPairs, ViolationsBeyondTheMostAreCountedOnly) {
  Rig rig(1);
  for (std::size_t i = 0; i < Violations::kMost + 5; ++i) {
    rig[0].get(1, 1);
  }
  EXPECT_EQ(rig.items().size(), Violations::kMost);
  EXPECT_EQ(rig->violations().dropped(), 5u);
  rig->violations().clear();
  EXPECT_TRUE(rig.items().empty());
}

}  // namespace
}  // namespace transship::emulator::test
