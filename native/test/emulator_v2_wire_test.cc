// v2 over the socket: messages as QEMU's interop document has them, malformed ones included.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "connection.hh"
#include "emulator_wire.hh"
#include "socket.hh"

namespace transship::emulator::test {
namespace {

using vfio::kFeatureGet;
using vfio::kFeatureProbe;
using vfio::kFeatureSet;
using vfio::MigState;
using vfio_user::Command;

std::vector<std::string> v2(std::vector<std::string> more = {}) {
  more.insert(more.end(), {"--protocol", "v2"});
  return more;
}

Bytes request(std::uint32_t flags, std::size_t room, const Bytes& payload = {}) {
  Bytes bytes = bytesOf(vfio_user::DeviceFeature{static_cast<std::uint32_t>(8 + room), flags});
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

template <typename T>
T bodyOf(const WireClient::Reply& reply) {
  T value{};
  if (reply.payload.size() >= sizeof(vfio_user::DeviceFeature) + sizeof(T)) {
    std::memcpy(&value, reply.payload.data() + sizeof(vfio_user::DeviceFeature), sizeof(T));
  }
  return value;
}

class Client : public WireClient {
 public:
  explicit Client(const Served& served) : WireClient(served.path("0.sock")) { greeting_ = version(); }

  [[nodiscard]] std::string capabilities() const {
    return {reinterpret_cast<const char*>(greeting_.payload.data()) + sizeof(vfio_user::VersionPayload)};
  }
  Reply feature(std::uint32_t flags, std::size_t room, const Bytes& payload = {}) {
    return command(Command::kDeviceFeature, request(flags, room, payload));
  }
  MigState state() {
    const Reply reply = feature(kFeatureGet | vfio::kFeatureMigDeviceState, 8);
    return MigState{bodyOf<vfio_user::FeatureMigState>(reply).device_state};
  }
  int set(MigState to) {
    return feature(kFeatureSet | vfio::kFeatureMigDeviceState, 8,
                   bytesOf(vfio_user::FeatureMigState{static_cast<std::uint32_t>(to), ~0u}))
        .error;
  }
  Reply readData(std::uint32_t size) {
    return command(Command::kMigDataRead, bytesOf(vfio_user::MigData{8 + size, size}));
  }
  int writeData(const Bytes& data) {
    Bytes bytes = bytesOf(vfio_user::MigData{static_cast<std::uint32_t>(8 + data.size()),
                                             static_cast<std::uint32_t>(data.size())});
    bytes.insert(bytes.end(), data.begin(), data.end());
    return command(Command::kMigDataWrite, bytes).error;
  }

 private:
  Reply greeting_;
};

TEST(EmulatorV2Wire, FeaturesAnswerAsTheDocumentSays) {
  Served served(1, v2({"--traffic", "off"}));
  Client client(served);
  const auto flags = client.feature(kFeatureGet | vfio::kFeatureMigration, 8);
  EXPECT_EQ(flags.payload.size(), 16u);
  EXPECT_EQ(bodyOf<vfio::FeatureMigration>(flags).flags, 7u);
  vfio_user::DeviceFeature header{};
  std::memcpy(&header, flags.payload.data(), sizeof(header));
  EXPECT_EQ(header.argsz, 16u);
  const auto state = client.feature(kFeatureGet | vfio::kFeatureMigDeviceState, 8);
  EXPECT_EQ(bodyOf<vfio_user::FeatureMigState>(state).device_state, 2u);
  EXPECT_EQ(bodyOf<vfio_user::FeatureMigState>(state).data_fd, ~0u);
  EXPECT_EQ(client.set(MigState::kPreCopy), 0);
  EXPECT_EQ(client.state(), MigState::kPreCopy);
  EXPECT_GT(bodyOf<vfio::FeatureMigDataSize>(client.feature(kFeatureGet | vfio::kFeatureMigDataSize, 8))
                .stop_copy_length,
            128u << 10);
  EXPECT_NE(served.control("info").find("\"state\":\"PreCopy\",\"rawState\":6"), std::string::npos);
  EXPECT_EQ(served.rig().violations(), "");
}

TEST(EmulatorV2Wire, MalformedFeatureRequestsAreRefusedAndTheNextIsAnswered) {
  Served served(1, v2({"--traffic", "off", "--data-size", "off"}));
  Client client(served);
  const std::uint32_t get = kFeatureGet | vfio::kFeatureMigration;
  EXPECT_EQ(client.command(Command::kDeviceFeature, Bytes(4)).error, EINVAL);
  EXPECT_EQ(client.command(Command::kDeviceFeature, bytesOf(vfio_user::DeviceFeature{4, get})).error, EINVAL);
  EXPECT_EQ(client.feature(get, 7).error, EINVAL);
  EXPECT_EQ(client.feature(vfio::kFeatureMigration, 8).error, EINVAL);
  EXPECT_EQ(client.feature(kFeatureSet | vfio::kFeatureMigration, 8, Bytes(8)).error, EINVAL);
  EXPECT_EQ(client.feature(kFeatureGet | kFeatureSet | vfio::kFeatureMigDeviceState, 8).error, EINVAL);
  EXPECT_EQ(client.feature(1u << 20 | get, 8).error, EINVAL);
  EXPECT_EQ(client.feature(kFeatureSet | vfio::kFeatureMigDeviceState, 8, Bytes(4)).error, EINVAL);
  for (const std::uint32_t absent : {3u, vfio::kFeatureDmaLoggingStart, vfio::kFeatureMigDataSize, 0xFFFFu}) {
    EXPECT_EQ(client.feature(kFeatureGet | absent, 64).error, ENOTTY);
  }
  EXPECT_EQ(client.feature(kFeatureProbe | kFeatureGet | kFeatureSet | vfio::kFeatureMigDeviceState, 0).error,
            0);
  EXPECT_EQ(client.feature(kFeatureProbe | kFeatureSet | vfio::kFeatureMigration, 0).error, EINVAL);
  EXPECT_EQ(client.feature(kFeatureProbe | kFeatureGet | vfio::kFeatureMigDataSize, 0).error, ENOTTY);
  EXPECT_EQ(client.state(), MigState::kRunning);
  // A feature request that is far too long is none of this protocol; the next client is served.
  EXPECT_FALSE(client.feature(get, 8, Bytes(kMaxPayload + 1)).arrived);
  client.close();
  Client next(served);
  EXPECT_EQ(next.state(), MigState::kRunning);
}

TEST(EmulatorV2Wire, AV1DeviceHasNoFeatures) {
  Served served(1);
  Client client(served);
  EXPECT_EQ(client.feature(kFeatureGet | vfio::kFeatureMigration, 8).error, ENOTTY);
  EXPECT_EQ(client.feature(kFeatureProbe | kFeatureGet | vfio::kFeatureMigDeviceState, 0).error, ENOTTY);
  EXPECT_EQ(client.readData(16).error, ENOTTY);
  EXPECT_EQ(client.writeData(Bytes(16)), ENOTTY);
}

TEST(EmulatorV2Wire, AStreamMakesTheOtherDeviceTheSame) {
  Served source(1, v2({"--topology", "none"}));
  Served target(1, v2({"--traffic", "off", "--seed", "5"}));
  Client from(source), to(target);
  for (Client* const one : {&from, &to}) {
    one->feature(kFeatureGet | vfio::kFeatureMigration, 8);
    one->state();
  }
  source.rig()->workload(0).freeze();
  for (const MigState next : {MigState::kRunningP2p, MigState::kStop}) {
    ASSERT_EQ(from.set(next), 0);
    ASSERT_EQ(to.set(next), 0);
  }
  ASSERT_EQ(from.set(MigState::kStopCopy), 0);
  ASSERT_EQ(to.set(MigState::kResuming), 0);
  while (true) {
    const auto read = from.readData(10000);
    ASSERT_EQ(read.error, 0);
    vfio_user::MigData data{};
    std::memcpy(&data, read.payload.data(), sizeof(data));
    ASSERT_EQ(read.payload.size(), sizeof(data) + data.size);
    EXPECT_EQ(data.argsz, read.payload.size());
    if (data.size == 0) {
      break;
    }
    ASSERT_EQ(to.writeData({read.payload.begin() + sizeof(data), read.payload.end()}), 0);
  }
  EXPECT_EQ(to.set(MigState::kStop), 0);
  EXPECT_EQ(source.control("digest device=0"), target.control("digest device=0"));
  EXPECT_EQ(source.rig().violations() + target.rig().violations(), "");
}

TEST(EmulatorV2Wire, TransfersKeepToTheirLimits) {
  Served served(1, v2({"--traffic", "off", "--max-transfer", "4096"}));
  Client client(served);
  ASSERT_EQ(client.set(MigState::kPreCopy), 0);
  EXPECT_EQ(client.readData(4097).error, EINVAL);
  EXPECT_EQ(client.command(Command::kMigDataRead, bytesOf(vfio_user::MigData{8, 100})).error, EINVAL);
  EXPECT_EQ(client.command(Command::kMigDataRead, Bytes(4)).error, EINVAL);
  EXPECT_EQ(client.writeData(Bytes(4097)), EINVAL);
  EXPECT_EQ(client.command(Command::kMigDataWrite, bytesOf(vfio_user::MigData{108, 100})).error, EINVAL);
  EXPECT_EQ(client.command(Command::kMigDataWrite, Bytes(4)).error, EINVAL);
  EXPECT_EQ(client.readData(4096).payload.size(), 8u + 4096u);
}

TEST(EmulatorV2Wire, ASessionOutlivesItsClient) {
  Served served(1, v2({"--traffic", "off"}));
  auto first = std::make_unique<Client>(served);
  ASSERT_EQ(first->set(MigState::kPreCopy), 0);
  ASSERT_EQ(first->readData(100).error, 0);
  first.reset();
  Client second(served);
  EXPECT_EQ(second.state(), MigState::kPreCopy);
  EXPECT_EQ(second.readData(100).payload.size(), 108u);
}

TEST(EmulatorV2Wire, V2_16_EstimatesHaveAMessageOfTheEmulatorsOwn) {
  Served served(1, v2({"--traffic", "off", "--precopy-info", "v2"}));
  Client client(served);
  EXPECT_NE(client.capabilities().find("\"x_mig_precopy_info\":32768"), std::string::npos);
  ASSERT_EQ(client.set(MigState::kPreCopy), 0);
  const auto ask = [&client] {
    const auto reply = client.command(kMigPrecopyInfo, bytesOf(vfio::MigPrecopyInfo{24, 0, 0, 0}));
    vfio::MigPrecopyInfo info{};
    std::memcpy(&info, reply.payload.data(), std::min(sizeof(info), reply.payload.size()));
    return info;
  };
  EXPECT_GT(ask().initial_bytes, 128u << 10);
  EXPECT_EQ(client.feature(kFeatureSet | vfio::kFeatureMigPrecopyInfoV2, 0).error, 0);
  EXPECT_EQ(served.control("fault device=0 kind=reinit"), "{\"ok\":true}");
  EXPECT_EQ(ask().flags, vfio::kPrecopyInfoReinit);
  EXPECT_EQ(client.command(kMigPrecopyInfo, bytesOf(vfio::MigPrecopyInfo{8, 0, 0, 0})).error, EINVAL);
  Served none(1, v2({"--precopy-info", "none"}));
  EXPECT_EQ(Client(none).capabilities().find("x_mig"), std::string::npos);
}

TEST(EmulatorV2Wire, V2_31_TheLogGoesOverTheSocket) {
  Served served(1, v2({"--traffic", "off", "--dma-logging", "on", "--dma-rate", "64M"}));
  Client client(served);
  Bytes start = bytesOf(vfio_user::FeatureDmaLoggingControl{65536, 1, 0});
  const Bytes range = bytesOf(vfio::FeatureDmaLoggingRange{0, 1u << 20});
  start.insert(start.end(), range.begin(), range.end());
  const auto started = client.feature(kFeatureSet | vfio::kFeatureDmaLoggingStart, start.size(), start);
  ASSERT_EQ(started.error, 0);
  EXPECT_EQ(bodyOf<vfio_user::FeatureDmaLoggingControl>(started).page_size, 4096u);
  ASSERT_TRUE(eventually([&] { return served.rig()->device(0).dma().written() > 100; }));
  const Bytes ask = bytesOf(vfio_user::FeatureDmaLoggingReport{0, 1u << 20, 4096});
  const auto report = client.feature(kFeatureGet | vfio::kFeatureDmaLoggingReport, ask.size() + 32, ask);
  ASSERT_EQ(report.payload.size(), 8 + ask.size() + 32);
  EXPECT_TRUE(std::any_of(report.payload.begin() + 32, report.payload.end(),
                          [](std::byte one) { return one != std::byte{0}; }));
  EXPECT_EQ(client.feature(kFeatureSet | vfio::kFeatureDmaLoggingStop, 0).error, 0);
  EXPECT_EQ(served.rig().violations(), "");
  // Ranges that the message does not carry, and no ranges at all: the one is refused, the other means all.
  const Bytes empty = bytesOf(vfio_user::FeatureDmaLoggingControl{4096, 2, 0});
  EXPECT_EQ(client.feature(kFeatureSet | vfio::kFeatureDmaLoggingStart, empty.size(), empty).error, EINVAL);
  const Bytes everything = bytesOf(vfio_user::FeatureDmaLoggingControl{4096, 0, 0});
  EXPECT_EQ(client.feature(kFeatureSet | vfio::kFeatureDmaLoggingStart, everything.size(), everything).error,
            0);
}

TEST(EmulatorV2Wire, AClientMapsMemoryForTheDevice) {
  Served served(1, v2({"--traffic", "off", "--dma-rate", "64M"}));
  Client client(served);
  const UniqueFd memory(::memfd_create("workload", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(memory.get(), 65536), 0);
  struct Map {
    std::uint32_t argsz, flags;
    std::uint64_t offset, address, size;
  };
  EXPECT_EQ(client.command(Command::kDmaMap, bytesOf(Map{32, 3, 0, 0x100000, 131072}), 0, memory.get()).error,
            EINVAL);
  ASSERT_EQ(client.command(Command::kDmaMap, bytesOf(Map{32, 3, 0, 0x100000, 65536}), 0, memory.get()).error,
            0);
  std::byte first[65536]{};
  EXPECT_TRUE(eventually([&] {
    return ::pread(memory.get(), first, sizeof(first), 0) == sizeof(first) &&
           std::any_of(std::begin(first), std::end(first), [](std::byte one) { return one != std::byte{0}; });
  }));
  client.close();
  EXPECT_TRUE(eventually([&] {  // what the client has mapped goes with it
    const std::uint64_t now = served.rig()->device(0).dma().written();
    sleepMs(12);
    return served.rig()->device(0).dma().written() == now;
  }));
}

TEST(EmulatorV2Wire, V2_39_AMessageDuringAStateRequestIsNoticed) {
  Served served(1, v2({"--traffic", "off"}));
  Client client(served);
  client.feature(kFeatureGet | vfio::kFeatureMigration, 8);
  client.state();
  EXPECT_EQ(served.control("fault device=0 kind=stall-arc ms=100 count=1"), "{\"ok\":true}");
  const auto send = [&client](std::uint32_t flags, const Bytes& payload) {
    Bytes body = request(flags, 8, payload);
    vfio_user::Header header{};
    header.command = static_cast<std::uint16_t>(Command::kDeviceFeature);
    header.message_size = static_cast<std::uint32_t>(sizeof(header) + body.size());
    return sendAll(client.socket(), {part(header), partOf(body)});
  };
  ASSERT_TRUE(send(kFeatureSet | vfio::kFeatureMigDeviceState, bytesOf(vfio_user::FeatureMigState{6, ~0u})));
  ASSERT_TRUE(send(kFeatureGet | vfio::kFeatureMigDeviceState, {}));
  EXPECT_TRUE(eventually([&] { return !served.rig().items().empty(); }));
  EXPECT_EQ(served.rig().items(), std::vector<std::string>{"V2-39"});
}

}  // namespace
}  // namespace transship::emulator::test
