// The monitor of v2 users: every rule fires, once, for the mistake it names, and a correct user meets none.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "emulator_rig_v2.hh"

namespace transship::emulator::test {
namespace {

using enum MigState;
using Items = std::vector<std::string>;

struct Mistake {
  const char* item;
  const char* name;
  std::function<void(RigV2&)> make;
  std::size_t devices = 1;
  std::vector<std::string> options = {};
};

void quiesceAll(RigV2& rig) {
  rig.freeze();
  rig.all({kRunningP2p});
}

void enterResuming(RigV2& rig, std::size_t index) {
  rig[index].reset();
  rig[index].state();
  rig[index].walk({kRunningP2p, kStop, kResuming});
}

Bytes streamOf(RigV2& rig) {
  rig.freeze();
  rig[0].walk({kRunningP2p, kStop, kStopCopy});
  return rig[0].readAll();
}

int withLog(RigV2& rig, const std::function<int(FeaturesV2&)>& use) {
  return rig[0].device().withFeatures(use);
}

int startLog(RigV2& rig, std::vector<DmaRange> ranges = {{0, 1u << 20}}) {
  return withLog(rig, [&](FeaturesV2& features) {
    std::uint64_t pageSize = 4096;
    return features.startLog(pageSize, ranges);
  });
}

int reportLog(RigV2& rig, DmaRange range = {0, 1u << 20}) {
  return withLog(rig, [&](FeaturesV2& features) {
    std::vector<std::byte> bitmap;
    return features.reportLog(range, 4096, bitmap);
  });
}

int stopLog(RigV2& rig) {
  return withLog(rig, [](FeaturesV2& features) { return features.stopLog(); });
}

const std::vector<std::string> kApart{"--topology", "none", "--group", "1"};
const std::vector<std::string> kLogging{"--traffic", "off", "--dma-logging", "on"};

const std::vector<Mistake> kMistakes{
    {"V2-01", "FlagsNeverRead",
     [](RigV2& rig) {
       rig[0].device().userCame();
       rig[0].state();
       rig[0].set(kPreCopy);
     }},
    {"V2-02", "StateWithoutItsFlag", [](RigV2& rig) { rig[0].set(kPreCopy); }, 1, {"--no-precopy", "all"}},
    {"V2-02", "NumberThatIsNoState", [](RigV2& rig) { rig[0].setNumber(9); }},
    {"V2-03", "ErrorAskedFor", [](RigV2& rig) { rig[0].set(kError); }},
    {"V2-04", "NoLookAfterAFailedSet",
     [](RigV2& rig) {
       rig.fault("refuse-arc", "to=PreCopy,count=1");
       rig[0].set(kPreCopy);
       rig[0].set(kPreCopy);
     }},
    {"V2-05", "SeveralArcsAtOnce",
     [](RigV2& rig) {
       quiesceAll(rig);
       rig[0].set(kStopCopy);
     },
     2},
    {"V2-06", "ReadOutsideOfSaving", [](RigV2& rig) { rig[0].read(); }},
    {"V2-06", "WrittenOutsideOfResuming", [](RigV2& rig) { rig[0].write(Bytes(8)); }},
    {"V2-09", "BackToPreCopy",
     [](RigV2& rig) {
       rig.freeze();
       rig[0].walk({kRunningP2p, kStop, kStopCopy, kPreCopy});
     }},
    {"V2-10", "AnotherOrder",
     [](RigV2& rig) {
       const Bytes stream = streamOf(rig);
       SegmentHeader first, second;
       std::memcpy(&first, stream.data(), sizeof(first));
       std::memcpy(&second, stream.data() + first.size, sizeof(second));
       enterResuming(rig, 1);
       rig[1].write(std::span(stream).first(first.size));
       rig[1].write(std::span(stream).subspan(first.size + second.size));
     },
     2, kApart},
    {"V2-11", "TwoSessionsInOne",
     [](RigV2& rig) {
       const Bytes first = streamOf(rig);
       rig[0].walk({kStop, kStopCopy});
       const Bytes second = rig[0].readAll();
       SegmentHeader header;
       std::memcpy(&header, first.data(), sizeof(header));
       enterResuming(rig, 1);
       rig[1].write(std::span(first).first(header.size));
       rig[1].write(std::span(second).subspan(header.size));
     },
     2, kApart},
    {"V2-14", "ReadOnAfterAMessageInStopCopy",
     [](RigV2& rig) {
       rig.freeze();
       rig[0].walk({kRunningP2p, kStop, kStopCopy});
       rig.fault("read-fault", "register=data,errno=ENOMSG,count=1");
       rig[0].read();
       rig[0].read();
     }},
    {"V2-15", "ReadOnAfterENODEV",
     [](RigV2& rig) {
       rig[0].set(kPreCopy);
       rig.fault("read-fault", "register=data,errno=ENODEV,count=1");
       rig[0].read();
       rig[0].read();
     }},
    {"V2-16", "EstimateOutsideOfPreCopy", [](RigV2& rig) { rig[0].estimate(); }},
    {"V2-16", "EstimateWithFlags",
     [](RigV2& rig) {
       rig[0].set(kPreCopy);
       rig[0].estimate(false);
     }},
    {"V2-20",
     "OptInAfterAnEstimate",
     [](RigV2& rig) {
       rig[0].set(kPreCopy);
       rig[0].estimate();
       withLog(rig, [](FeaturesV2& features) { return features.optIn(); });
     },
     1,
     {"--precopy-info", "v2"}},
    {"V2-21", "StoppedBeforeItsPeerIsQuiet",
     [](RigV2& rig) {
       rig.freeze();
       rig[0].walk({kRunningP2p, kStop});
     },
     2},
    {"V2-21", "LooseBeforeItsPeerTakesDma",
     [](RigV2& rig) {
       quiesceAll(rig);
       rig.all({kStop});
       rig[0].walk({kRunningP2p, kRunning});
     },
     2},
    {"V2-22",
     "PeersWithoutP2p",
     [](RigV2& rig) {
       rig.freeze();
       rig[1].set(kRunningP2p);
       rig[0].set(kStop);
     },
     2,
     {"--no-p2p", "0"}},
    {"V2-23", "QuiescedWhileThawed", [](RigV2& rig) { rig[0].set(kRunningP2p); }},
    {"V2-23", "TouchedWhileQuiet",
     [](RigV2& rig) {
       quiesceAll(rig);
       static_cast<void>(rig[0].device().read(kBar0, 0, 8));
     }},
    {"V2-23", "TouchedWhileStopped",
     [](RigV2& rig) {
       quiesceAll(rig);
       rig[0].set(kStop);
       static_cast<void>(rig[0].device().read(kBar0, 0, 8));
     }},
    {"V2-24", "GoneOnAfterARefusedLoad",
     [](RigV2& rig) {
       Bytes stream = streamOf(rig);
       SegmentHeader header;
       std::memcpy(&header, stream.data(), sizeof(header));
       enterResuming(rig, 1);
       rig[1].write(std::span(stream).first(header.size));
       rig[1].set(kStop);
       rig[1].state();
       rig[1].set(kStop);
     },
     2, kApart},
    {"V2-25", "LoadBrokenOffByASet",
     [](RigV2& rig) {
       enterResuming(rig, 0);
       rig[0].set(kStop);
     }},
    {"V2-25", "LoadBrokenOffInsideOfARecord",
     [](RigV2& rig) {
       const Bytes stream = streamOf(rig);
       enterResuming(rig, 1);
       rig[1].write(std::span(stream).first(1000));
       rig[1].set(kStop);
     },
     2, kApart},
    {"V2-27", "SetInError",
     [](RigV2& rig) {
       rig.fault("error-on-arc", "to=PreCopy");
       rig[0].set(kPreCopy);
       rig[0].state();
       rig[0].set(kRunning);
     }},
    {"V2-27", "NoLookAfterReset",
     [](RigV2& rig) {
       rig[0].reset();
       rig[0].set(kPreCopy);
     }},
    {"V2-31", "StartedTwice",
     [](RigV2& rig) {
       startLog(rig);
       startLog(rig);
     },
     1, kLogging},
    {"V2-31", "StoppedWithoutAStart", [](RigV2& rig) { stopLog(rig); }, 1, kLogging},
    {"V2-31", "OverlappingRanges",
     [](RigV2& rig) {
       startLog(rig, {{0, 8192}, {4096, 4096}});
     },
     1, kLogging},
    {"V2-31", "TooManyRanges",
     [](RigV2& rig) {
       std::vector<DmaRange> ranges;
       for (std::uint64_t i = 0; i < 257; ++i) {
         ranges.push_back({i << 20, 4096});
       }
       startLog(rig, ranges);
     },
     1, kLogging},
    {"V2-32", "ReportOfWhatIsNotLogged",
     [](RigV2& rig) {
       startLog(rig);
       reportLog(rig, {1u << 20, 4096});
     },
     1, kLogging},
    {"V2-34", "NoReportAfterTheStop",
     [](RigV2& rig) {
       startLog(rig);
       rig[0].set(kRunningP2p);
       reportLog(rig);
       rig[0].walk({kStop, kStopCopy});
       rig[0].readAll();
       stopLog(rig);
     },
     1, kLogging},
    {"V2-36", "ResumingOnALiveDevice",
     [](RigV2& rig) {
       quiesceAll(rig);
       rig[0].walk({kStop, kResuming});
     }},
    {"V2-36", "LoadedWithBusMasteringOn",
     [](RigV2& rig) {
       enterResuming(rig, 0);
       constexpr std::uint16_t kCommand = 0x0006;
       static_cast<void>(
           rig[0].device().write(vfio::kPciConfigRegionIndex, 4, std::as_bytes(std::span(&kCommand, 1))));
       rig[0].write(Bytes(8));
     }},
    {"V2-39", "PiledOn",
     [](RigV2& rig) {
       withLog(rig, [](FeaturesV2& features) {
         features.notePiledOn();
         return 0;
       });
     }},
};

void PrintTo(const Mistake& mistake, std::ostream* to) { *to << mistake.item << " " << mistake.name; }

class EmulatorV2Monitor : public testing::TestWithParam<Mistake> {};

TEST_P(EmulatorV2Monitor, RecordsIt) {
  const Mistake& mistake = GetParam();
  RigV2 rig(mistake.devices, mistake.options);
  mistake.make(rig);
  EXPECT_EQ(rig.items(), Items{mistake.item}) << rig.violations();
}

std::string nameOf(const testing::TestParamInfo<Mistake>& mistake) {
  std::string name = mistake.param.item;
  name[2] = '_';
  return name + "_" + mistake.param.name;
}

INSTANTIATE_TEST_SUITE_P(Mistakes, EmulatorV2Monitor, testing::ValuesIn(kMistakes), nameOf);

TEST(EmulatorV2MonitorPairs, V2_33_AFailedReportSpoilsTheLog) {
  RigV2 rig(1, kLogging);
  startLog(rig);
  EXPECT_EQ(reportLog(rig, {1u << 20, 4096}), EINVAL);
  EXPECT_EQ(reportLog(rig), 0);
  EXPECT_EQ(rig.items(), (Items{"V2-32", "V2-33"})) << rig.violations();
  rig->violations().clear();
  EXPECT_EQ(stopLog(rig), 0);
  EXPECT_EQ(startLog(rig), 0);
  EXPECT_EQ(reportLog(rig), 0);
  EXPECT_EQ(stopLog(rig), 0);
  EXPECT_EQ(rig.violations(), "");
}

TEST(EmulatorV2MonitorPairs, V2_05_AWayHomeMayBeOneRequest) {
  RigV2 rig(2);
  rig.freeze();
  rig.all({kPreCopy, kPreCopyP2p});
  EXPECT_EQ(rig[0].set(kRunning), 0);
  EXPECT_EQ(rig.violations(), "");
}

TEST(EmulatorV2MonitorPairs, V2_21_NobodyWaitsForAPeerThatHasFailed) {
  RigV2 rig(2);
  rig.freeze();
  rig.all({kPreCopy});
  rig.fault("error-on-arc", "to=PreCopyP2P", 1);
  EXPECT_EQ(rig[0].set(kPreCopyP2p), 0);
  EXPECT_EQ(rig[1].set(kPreCopyP2p), EIO);
  EXPECT_EQ(rig[0].walk({kRunningP2p, kRunning}), 0);
  EXPECT_EQ(rig.violations(), "");
}

TEST(EmulatorV2MonitorPairs, NobodyIsBlamedForADeviceThatChangedByItself) {
  for (const auto* const change : {"reset", "error", "stop"}) {
    RigV2 rig(1);
    rig[0].set(kPreCopy);
    rig.freeze();
    if (change == std::string("reset")) {
      rig[0].device().lose();
    } else {
      rig[0].device().changeByItself({change == std::string("error") ? kNibbles[0] : kNibbles[1], true});
    }
    EXPECT_FALSE(rig[0].read().has_value());
    EXPECT_EQ(rig[0].error(), ENODEV);
    EXPECT_EQ(rig.violations(), "") << change;
  }
}

TEST(EmulatorV2MonitorPairs, EarlierUsersSinsAreForgotten) {
  RigV2 rig(1);
  rig.fault("refuse-arc", "to=PreCopy,count=1");
  rig[0].set(kPreCopy);
  UserV2 another(*rig, 0);
  another.flags();
  EXPECT_EQ(another.set(kPreCopy), 0);
  EXPECT_EQ(rig.violations(), "");
}

}  // namespace
}  // namespace transship::emulator::test
