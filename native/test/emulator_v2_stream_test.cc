// The data stream of a v2 device: a session's bytes, whatever pieces they go in, make the other device the
// same.
#include <gtest/gtest.h>

#include "emulator_rig_v2.hh"

namespace transship::emulator::test {
namespace {

using enum MigState;

const std::vector<std::string> kTarget{"--traffic", "off", "--seed", "5"};

std::vector<std::string> target(std::vector<std::string> more = {}) {
  more.insert(more.end(), kTarget.begin(), kTarget.end());
  return more;
}

// All of a device's stream, saved in pieces of `piece` bytes, the device being left in STOP_COPY.
Bytes save(RigV2& rig, std::uint32_t piece = 5000) {
  rig.freeze();
  EXPECT_EQ(rig[0].walk({kRunningP2p, kStop, kStopCopy}), 0);
  return rig[0].readAll(piece);
}

// What a device makes of a stream: the errno of the first write that it refuses, else of RESUMING -> STOP.
struct Outcome {
  int write = 0;
  int arc = 0;
};

Outcome load(RigV2& rig, const Bytes& stream, std::size_t piece = 7001) {
  Outcome outcome;
  EXPECT_EQ(rig[0].walk({kRunningP2p, kStop, kResuming}), 0);
  outcome.write = rig[0].writeAll(stream, piece);
  outcome.arc = rig[0].set(kStop);
  return outcome;
}

bool taken(const Outcome& outcome) { return outcome.write == 0 && outcome.arc == 0; }

TEST(EmulatorV2Stream, V2_10_PiecesOfAnySizeMakeTheSameDevice) {
  for (const std::uint32_t piece : {1u, 63u, 4096u, 1u << 20}) {
    RigV2 source(1, {"--memory", "32K"});
    const Bytes stream = save(source, piece);
    for (const std::size_t other : {std::size_t{1}, std::size_t{100}, stream.size()}) {
      RigV2 rig(1, target({"--memory", "32K"}));
      EXPECT_TRUE(taken(load(rig, stream, other))) << piece << " and " << other;
      EXPECT_EQ(rig[0].device().digests()->all, source[0].device().digests()->all);
      EXPECT_EQ(rig.violations(), "");
    }
    EXPECT_EQ(source.violations(), "");
  }
}

TEST(EmulatorV2Stream, V2_08_PreCopyAndStopCopyShareOneSession) {
  RigV2 source(1, {"--dirty-rate", "2M"});
  ASSERT_EQ(source[0].set(kPreCopy), 0);
  Bytes stream = *source[0].read(3000);
  source.freeze();
  for (const MigState next : {kPreCopyP2p, kPreCopy, kPreCopyP2p, kStopCopy}) {
    ASSERT_EQ(source[0].set(next), 0);
    const Bytes more = next == kStopCopy ? source[0].readAll() : *source[0].read(3000);
    stream.insert(stream.end(), more.begin(), more.end());
  }
  EXPECT_TRUE(source[0].read()->empty());
  EXPECT_TRUE(source[0].read()->empty());  // the end stays the end
  RigV2 rig(1, target());
  EXPECT_TRUE(taken(load(rig, stream)));
  EXPECT_EQ(rig[0].device().digests()->all, source[0].device().digests()->all);
  EXPECT_EQ(source.violations() + rig.violations(), "");
}

TEST(EmulatorV2Stream, V2_13_TheTemporaryEndIsEitherOfTwo) {
  RigV2 silent(1, {"--traffic", "off", "--precopy-end", "zero"});
  ASSERT_EQ(silent[0].set(kPreCopy), 0);
  EXPECT_FALSE(silent[0].readAll().empty());
  EXPECT_TRUE(silent[0].read()->empty());
  RigV2 rig(1, {"--traffic", "off"});
  ASSERT_EQ(rig[0].set(kPreCopy), 0);
  EXPECT_FALSE(rig[0].readAll().empty());
  EXPECT_EQ(rig[0].error(), ENOMSG);
  // Both go on when there is more, and end in STOP_COPY with no bytes.
  for (RigV2* const one : {&silent, &rig}) {
    (*one)->device(0).memory().scramble(1, 7);
    EXPECT_FALSE((*one)[0].read()->empty());
    ASSERT_EQ((*one)[0].walk({kPreCopyP2p, kStopCopy}), 0);
    EXPECT_FALSE((*one)[0].readAll().empty());
    EXPECT_TRUE((*one)[0].read()->empty());
    EXPECT_EQ(one->violations(), "");
  }
}

TEST(EmulatorV2Stream, V2_15_LeavingTheGroupOrResetEndsTheSession) {
  RigV2 rig(1, {"--traffic", "off"});
  UserV2& user = rig[0];
  const auto ended = [&user] { return !user.read() && user.error() == ENODEV; };
  EXPECT_TRUE(ended());
  ASSERT_EQ(user.set(kPreCopy), 0);
  EXPECT_TRUE(user.read().has_value());
  ASSERT_EQ(user.set(kRunning), 0);
  EXPECT_TRUE(ended());
  ASSERT_EQ(user.walk({kPreCopy}), 0);
  ASSERT_EQ(user.reset(), 0);
  EXPECT_TRUE(ended());
  EXPECT_EQ(user.write(Bytes(8)), ENODEV);
  ASSERT_EQ(user.walk({kRunningP2p, kStop, kResuming}), 0);
  EXPECT_FALSE(user.read().has_value());
  EXPECT_EQ(user.error(), EINVAL);
  ASSERT_TRUE(user.device().lose());  // behind the user's back
  EXPECT_EQ(user.write(Bytes(8)), ENODEV);
  EXPECT_EQ(user.state(), kRunning);
}

TEST(EmulatorV2Stream, ANewSessionBeginsAnew) {
  RigV2 source(1, {"--topology", "none"});
  source.freeze();
  ASSERT_EQ(source[0].walk({kRunningP2p, kStop, kStopCopy}), 0);
  ASSERT_TRUE(source[0].read(100).has_value());
  ASSERT_EQ(source[0].walk({kStop, kStopCopy}), 0);
  const Bytes stream = source[0].readAll();
  RigV2 rig(1, target());
  EXPECT_TRUE(taken(load(rig, stream)));
}

TEST(EmulatorV2Stream, V2_18_TheDataSizeIsThatOfWhatStopCopyGives) {
  RigV2 rig(1, {"--topology", "none"});
  const std::uint64_t before = rig[0].dataSize();
  const Bytes stream = save(rig);
  EXPECT_GE(stream.size(), before);
  EXPECT_LE(stream.size(), before + before / 4);  // headers of segments are not foreseen
  EXPECT_EQ(rig[0].dataSize(), 0u);
}

TEST(EmulatorV2Stream, V2_16_EstimatesFallToZeroAndOnlyInPreCopy) {
  RigV2 rig(1, {"--traffic", "off"});
  UserV2& user = rig[0];
  EXPECT_FALSE(user.estimate().has_value());
  EXPECT_EQ(user.error(), EINVAL);
  ASSERT_EQ(user.set(kPreCopy), 0);
  auto estimate = user.estimate();
  ASSERT_TRUE(estimate.has_value());
  EXPECT_GT(estimate->initialBytes, 128u << 10);
  EXPECT_EQ(estimate->dirtyBytes, 0u);
  user.read(50000);
  const auto later = user.estimate();
  EXPECT_LT(later->initialBytes, estimate->initialBytes);
  user.readAll();
  estimate = user.estimate();
  EXPECT_EQ(estimate->initialBytes + estimate->dirtyBytes, 0u);
  rig->device(0).memory().scramble(1, 3);
  estimate = user.estimate();
  EXPECT_EQ(estimate->initialBytes, 0u);
  EXPECT_EQ(estimate->dirtyBytes, Memory::kPageSize);
  EXPECT_FALSE(user.estimate(false).has_value());
  ASSERT_EQ(user.walk({kPreCopyP2p, kStopCopy}), 0);
  EXPECT_FALSE(user.estimate().has_value());
  EXPECT_EQ(user.error(), EINVAL);
  RigV2 none(1, {"--traffic", "off", "--precopy-info", "none"});
  ASSERT_EQ(none[0].set(kPreCopy), 0);
  EXPECT_FALSE(none[0].estimate().has_value());
  EXPECT_EQ(none[0].error(), ENOTTY);
}

TEST(EmulatorV2Stream, V2_20_NewInitialBytesAreToldToWhoAskedForIt) {
  for (const bool optIn : {true, false}) {
    RigV2 rig(1, {"--traffic", "off", "--precopy-info", "v2"});
    UserV2& user = rig[0];
    if (optIn) {
      ASSERT_EQ(user.device().withFeatures([](FeaturesV2& features) { return features.optIn(); }), 0);
    }
    ASSERT_EQ(user.set(kPreCopy), 0);
    user.readAll();
    ASSERT_EQ(rig.fault("reinit"), "");
    const auto estimate = user.estimate();
    ASSERT_TRUE(estimate.has_value());
    EXPECT_EQ(estimate->optedIn, optIn);
    EXPECT_EQ(estimate->reinit, optIn);
    EXPECT_EQ(estimate->initialBytes, optIn ? 128u << 10 : 0u);
    EXPECT_EQ(estimate->dirtyBytes, optIn ? 0u : 128u << 10);
    EXPECT_FALSE(user.estimate()->reinit);
  }
}

struct BadStream {
  const char* name;
  const char* fault;
  const char* arguments;
  int early;  // errno of the write that notices at once; 0 when only the end shows it
};

constexpr BadStream kBadStreams[] = {
    {"corrupt", "corrupt-stream", "", EINVAL},
    {"truncated", "truncate-stream", "segment=3", 0},
    {"foreign", "foreign-stream", "", EFAULT},
    {"of another size", "foreign-stream", "field=memory", EINVAL},
};

TEST(EmulatorV2Stream, V2_26_BadStreamsAreNoticedWhereTheDeviceLooks) {
  for (const BadStream& bad : kBadStreams) {
    SCOPED_TRACE(bad.name);
    RigV2 source(1, {"--topology", "none"});
    ASSERT_EQ(source.fault(bad.fault, bad.arguments), "");
    const Bytes stream = save(source);
    RigV2 early(1, target());
    const Outcome noticed = load(early, stream);
    EXPECT_EQ(noticed.write, bad.early);
    EXPECT_EQ(noticed.arc, EINVAL);
    EXPECT_EQ(early[0].state(), kResuming);
    RigV2 late(1, target({"--checks", "arc"}));
    const Outcome atArc = load(late, stream);
    EXPECT_EQ(atArc.write, 0);
    EXPECT_EQ(atArc.arc, EINVAL);
    RigV2 blind(1, target({"--checks", "none"}));
    EXPECT_TRUE(taken(load(blind, stream)));
    EXPECT_EQ(blind[0].state(), kStop);
  }
}

TEST(EmulatorV2Stream, SurplusBytesAreMoreThanADeviceHolds) {
  RigV2 source(1, {"--topology", "none"});
  const Bytes stream = save(source);
  Bytes longer = stream;
  longer.resize(stream.size() + 3);
  RigV2 early(1, target());
  EXPECT_EQ(load(early, longer, stream.size()).write, ENOMEM);
  RigV2 late(1, target({"--checks", "arc"}));
  const Outcome atArc = load(late, longer, stream.size());
  EXPECT_EQ(atArc.write, 0);
  EXPECT_EQ(atArc.arc, EINVAL);
  RigV2 blind(1, target({"--checks", "none"}));
  EXPECT_TRUE(taken(load(blind, longer, 1000)));
}

TEST(EmulatorV2Stream, ARecordLargerThanTheDevicesOwnIsRefused) {
  RigV2 source(1, {"--segment", "32K"});
  const Bytes stream = save(source);
  RigV2 rig(1, target({"--segment", "8K", "--window", "8K"}));
  EXPECT_EQ(load(rig, stream).write, ENOMEM);
}

}  // namespace
}  // namespace transship::emulator::test
