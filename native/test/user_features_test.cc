// The v2 messages of the vfio-user door, byte for byte, and servers that answer them badly.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <numeric>

#include "support/driver.hh"
#include "support/scripted_server.hh"
#include "vfio/abi.hh"
#include "vfio/user_device.hh"

namespace transship::test {
namespace {

using vfio_user::Command;
using vfio_user::UserDevice;

constexpr std::uint32_t kGetFlags = vfio::kFeatureGet | vfio::kFeatureMigration;
constexpr std::uint32_t kGetState = vfio::kFeatureGet | vfio::kFeatureMigDeviceState;
constexpr std::uint32_t kSetState = vfio::kFeatureSet | vfio::kFeatureMigDeviceState;

template <typename... T>
Bytes payload(const T&... objects) {
  Bytes bytes;
  const auto add = [&bytes](std::span<const std::byte> more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
  };
  (add(bytesOf(objects)), ...);
  return bytes;
}

Bytes joined(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

const char* const kSmall = R"({"capabilities":{"max_data_xfer_size":16}})";
const char* const kWithInfo = R"({"capabilities":{"max_data_xfer_size":16,"x_mig_precopy_info":32769}})";

// Greets with transfers of at most 16 bytes, plays `script`, and runs `test` on the device that opened.
void withDevice(std::function<void(Peer&)> script, const std::function<void(UserDevice&)>& test,
                const char* capabilities = kSmall) {
  const ScriptedServer server{[&](Peer& peer) {
    peer.greet(capabilities, 2);
    script(peer);
  }};
  SystemCalls system;
  auto device = UserDevice::open(system, std::make_shared<Cancellation>(), server.path(), {});
  ASSERT_TRUE(device) << device.error().message;
  test(**device);
}

// Expects one command and answers it.
void expect(Peer& peer, Command command, const Bytes& wanted, const Bytes& answer) {
  const Received got = peer.receive();
  EXPECT_EQ(got.header.command, static_cast<std::uint16_t>(command));
  EXPECT_EQ(got.payload, wanted);
  peer.reply(got, answer);
}

Result<vfio::FeatureMigration> flagsOf(UserDevice& device) {
  vfio::FeatureMigration answer{};
  Status got = device.feature(kGetFlags, std::as_writable_bytes(std::span{&answer, 1}));
  return got ? Result<vfio::FeatureMigration>{answer} : std::move(got.error());
}

TEST(UserFeatures, AGetSendsTheHeaderAndReceivesThePayload) {
  withDevice(
      [](Peer& peer) {
        expect(peer, Command::kDeviceFeature,
               payload(vfio_user::DeviceFeature{.argsz = 16, .flags = 0x10001}),
               payload(vfio_user::DeviceFeature{.argsz = 16, .flags = 0x10001}, std::uint64_t{5}));
      },
      [](UserDevice& device) {
        auto flags = flagsOf(device);
        ASSERT_TRUE(flags);
        EXPECT_EQ(flags->flags, 5u);
      });
}

TEST(UserFeatures, AServerWithoutV2HasTheFeatureNot) {
  for (const std::uint32_t why : {ENOTTY, ENOSYS, EOPNOTSUPP, EINVAL}) {
    withDevice([why](Peer& peer) { peer.refuse(peer.receive(), why); },
               [](UserDevice& device) {
                 auto flags = flagsOf(device);
                 ASSERT_EQ(codeOf(flags), "TRANSSHIP_ACCESS_FAILED");
                 EXPECT_EQ(flags.error().errorNumber, ENOTTY);
               });
  }
}

TEST(UserFeatures, ARefusalOfAStateIsNoAbsence) {
  withDevice([](Peer& peer) { peer.refuse(peer.receive(), EINVAL); },
             [](UserDevice& device) {
               auto refused = device.setMigrationState(6);
               ASSERT_EQ(codeOf(refused), "TRANSSHIP_ACCESS_FAILED");
               EXPECT_EQ(refused.error().errorNumber, EINVAL);
             });
}

TEST(UserFeatures, AReplyThatDoesNotFitEndsTheConnection) {
  const vfio_user::DeviceFeature right{.argsz = 16, .flags = 0x10001};
  const vfio_user::DeviceFeature other{.argsz = 16, .flags = 0x10002};
  const auto wrong = {payload(right), payload(right, std::uint32_t{1}), payload(other, std::uint64_t{1}),
                      Bytes{}, payload(right, std::uint64_t{1}, std::uint64_t{1})};
  for (const Bytes& answer : wrong) {
    withDevice([&answer](Peer& peer) { peer.reply(peer.receive(), answer); },
               [](UserDevice& device) {
                 EXPECT_EQ(codeOf(flagsOf(device)), "TRANSSHIP_PROTOCOL_VIOLATION");
                 EXPECT_EQ(codeOf(flagsOf(device)), "TRANSSHIP_CONNECTION_LOST");
               });
  }
}

// The server's side of a SET of the state.
void serveState(Peer& peer, std::uint32_t state) {
  const auto request = payload(vfio_user::DeviceFeature{.argsz = 16, .flags = kSetState},
                               vfio_user::FeatureMigState{.device_state = state, .data_fd = 0xFFFFFFFF});
  expect(peer, Command::kDeviceFeature, request, request);
}

TEST(UserFeatures, V2_06_AStreamComesWhereAKernelWouldGiveOne) {
  const std::initializer_list<std::pair<std::uint32_t, bool>> voyage{{6, true},  {7, false}, {3, false},
                                                                     {1, false}, {3, true},  {1, false},
                                                                     {4, true},  {1, false}, {2, false}};
  withDevice(
      [&voyage](Peer& peer) {
        for (const auto& [state, opens] : voyage) {
          serveState(peer, state);
        }
      },
      [&voyage](UserDevice& device) {
        for (const auto& [state, opens] : voyage) {
          auto reply = device.setMigrationState(state);
          ASSERT_TRUE(reply);
          EXPECT_EQ(reply->state, state);
          EXPECT_EQ(reply->data != nullptr, opens) << state;
        }
      });
}

TEST(UserFeatures, V2_40_TheDescriptorOfAGetIsNone) {
  withDevice(
      [](Peer& peer) {
        const vfio_user::DeviceFeature header{.argsz = 16, .flags = kGetState};
        for (const std::uint32_t descriptor : {0u, 0xFFFFFFFFu, 1u}) {
          expect(peer, Command::kDeviceFeature, payload(header),
                 payload(header, vfio_user::FeatureMigState{.device_state = 6, .data_fd = descriptor}));
        }
        serveState(peer, 3);
      },
      [](UserDevice& device) {
        for (int i = 0; i < 3; ++i) {
          auto state = device.migrationState();
          ASSERT_TRUE(state);
          EXPECT_EQ(*state, 6u);
        }
        auto reply = device.setMigrationState(3);  // from pre-copy, so it goes on with that one's stream
        ASSERT_TRUE(reply);
        EXPECT_EQ(reply->data, nullptr);
      });
}

// Plays `script` against an open saving or resuming stream.
void withStream(std::uint32_t state, std::function<void(Peer&)> script,
                const std::function<void(vfio::MigrationData&)>& test, const char* capabilities = kSmall) {
  withDevice(
      [state, &script](Peer& peer) {
        serveState(peer, state);
        script(peer);
      },
      [state, &test](UserDevice& device) {
        auto reply = device.setMigrationState(state);
        ASSERT_TRUE(reply && reply->data);
        test(*reply->data);
      },
      capabilities);
}

Bytes counted(std::size_t size) {
  Bytes bytes(size);
  std::iota(reinterpret_cast<unsigned char*>(bytes.data()),
            reinterpret_cast<unsigned char*>(bytes.data()) + size, static_cast<unsigned char>(1));
  return bytes;
}

TEST(UserFeatures, DataIsReadInTransfersOfTheAgreedSize) {
  withStream(
      6,
      [](Peer& peer) {
        expect(peer, Command::kMigDataRead, payload(vfio_user::MigData{.argsz = 24, .size = 16}),
               joined(payload(vfio_user::MigData{.argsz = 24, .size = 16}), counted(16)));
        // Fewer bytes than the message has room for.
        expect(peer, Command::kMigDataRead, payload(vfio_user::MigData{.argsz = 24, .size = 16}),
               joined(payload(vfio_user::MigData{.argsz = 13, .size = 5}), counted(16)));
        expect(peer, Command::kMigDataRead, payload(vfio_user::MigData{.argsz = 12, .size = 4}),
               payload(vfio_user::MigData{.argsz = 8, .size = 0}));
        peer.refuse(peer.receive(), ENOMSG);
      },
      [](vfio::MigrationData& data) {
        Bytes into(100);
        for (const std::size_t expected : {16u, 5u}) {
          auto got = data.read(into);
          ASSERT_TRUE(got);
          ASSERT_EQ(*got, expected);
          EXPECT_TRUE(std::equal(into.begin(), into.begin() + static_cast<std::ptrdiff_t>(*got),
                                 counted(16).begin()));
        }
        Bytes four(4);
        auto none = data.read(four);
        ASSERT_TRUE(none);
        EXPECT_EQ(*none, 0u);
        auto temporary = data.read(four);
        ASSERT_FALSE(temporary);
        EXPECT_EQ(temporary.error().errorNumber, ENOMSG);
      });
}

TEST(UserFeatures, MoreDataThanWasAskedForIsAViolation) {
  for (const std::uint32_t size : {5u, 0xFFFFFFFFu}) {
    withStream(
        6,
        [size](Peer& peer) {
          peer.reply(peer.receive(),
                     joined(payload(vfio_user::MigData{.argsz = 12, .size = size}), counted(4)));
        },
        [](vfio::MigrationData& data) {
          Bytes into(4);
          EXPECT_EQ(codeOf(data.read(into)), "TRANSSHIP_PROTOCOL_VIOLATION");
          EXPECT_EQ(codeOf(data.read(into)), "TRANSSHIP_CONNECTION_LOST");
        });
  }
}

TEST(UserFeatures, DataIsWrittenInTransfersOfTheAgreedSize) {
  withStream(
      4,
      [](Peer& peer) {
        expect(peer, Command::kMigDataWrite,
               joined(payload(vfio_user::MigData{.argsz = 24, .size = 16}), counted(16)), {});
        peer.refuse(peer.receive(), EFAULT);
      },
      [](vfio::MigrationData& data) {
        auto taken = data.write(counted(40));
        ASSERT_TRUE(taken);
        EXPECT_EQ(*taken, 16u);
        auto refused = data.write(counted(4));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().errorNumber, EFAULT);
        auto info = data.precopyInfo();
        ASSERT_FALSE(info);
        EXPECT_EQ(info.error().errorNumber, ENOTTY);
      });
}

TEST(UserFeatures, PreCopyInfoGoesByTheMessageThatTheServerNames) {
  constexpr Command kOwn{32769};
  const vfio::MigPrecopyInfo ask{.argsz = 24, .flags = 0, .initial_bytes = 0, .dirty_bytes = 0};
  withStream(
      6,
      [&](Peer& peer) {
        expect(peer, kOwn, payload(ask),
               payload(vfio::MigPrecopyInfo{.argsz = 24, .flags = 1, .initial_bytes = 70, .dirty_bytes = 5}));
        peer.refuse(peer.receive(), EINVAL);
        expect(peer, kOwn, payload(ask), payload(std::uint64_t{24}));
      },
      [](vfio::MigrationData& data) {
        auto info = data.precopyInfo();
        ASSERT_TRUE(info);
        EXPECT_EQ(info->initialBytes, 70u);
        EXPECT_EQ(info->dirtyBytes, 5u);
        EXPECT_TRUE(info->reinit);
        auto refused = data.precopyInfo();
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().errorNumber, EINVAL);
        EXPECT_EQ(codeOf(data.precopyInfo()), "TRANSSHIP_PROTOCOL_VIOLATION");
      },
      kWithInfo);
}

TEST(UserFeatures, DmaLoggingStartsWithRangesAndReportsInParts) {
  const vfio::IovaRange range{.iova = 0x100000, .length = 200ull * 65536};
  const vfio_user::DeviceFeature start{.argsz = 40,
                                       .flags = vfio::kFeatureSet | vfio::kFeatureDmaLoggingStart};
  const vfio_user::DeviceFeature stop{.argsz = 8, .flags = vfio::kFeatureSet | vfio::kFeatureDmaLoggingStop};
  constexpr std::uint32_t kReport = vfio::kFeatureGet | vfio::kFeatureDmaLoggingReport;
  // 200 pages are four words; two fit a transfer.
  const vfio_user::FeatureDmaLoggingReport first{
      .iova = 0x100000, .length = 128ull * 65536, .page_size = 65536};
  const vfio_user::FeatureDmaLoggingReport second{
      .iova = 0x100000 + 128ull * 65536, .length = 72ull * 65536, .page_size = 65536};
  withDevice(
      [&](Peer& peer) {
        const vfio_user::FeatureDmaLoggingControl wish{.page_size = 4096, .num_ranges = 1, .reserved = 0};
        const vfio_user::FeatureDmaLoggingControl used{.page_size = 65536, .num_ranges = 1, .reserved = 0};
        expect(peer, Command::kDeviceFeature, payload(start, wish, range), payload(start, used, range));
        const vfio_user::DeviceFeature report{.argsz = 48, .flags = kReport};
        expect(peer, Command::kDeviceFeature, payload(report, first),
               joined(payload(report, first), counted(16)));
        expect(peer, Command::kDeviceFeature, payload(report, second),
               joined(payload(report, second), counted(16)));
        expect(peer, Command::kDeviceFeature, payload(stop), payload(stop));
      },
      [&](UserDevice& device) {
        auto used = device.startDmaLogging(std::span{&range, 1}, 4096);
        ASSERT_TRUE(used);
        EXPECT_EQ(*used, 65536u);
        Bytes bitmap(32);
        bitmap[31] = std::byte{0x80};
        ASSERT_TRUE(device.reportDmaLogging(range, 65536, bitmap));
        Bytes expected = joined(counted(16), counted(16));
        expected[31] |= std::byte{0x80};  // a report clears nothing
        EXPECT_EQ(bitmap, expected);
        EXPECT_TRUE(device.stopDmaLogging());
      });
}

}  // namespace
}  // namespace transship::test
