// The vfio-user door over real sockets.
#include "emulator_wire.hh"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "socket.hh"

namespace transship::emulator::test {
namespace {

using vfio_user::Command;

std::uint64_t number(const Bytes& bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof(value)));
  return value;
}

vfio::RegionInfo askRegion(std::uint32_t index, std::uint32_t argsz = 4096) {
  return {argsz, 0, index, 0, 0, 0};
}

bool closed(int socket) {
  std::byte byte;
  return ::recv(socket, &byte, 1, 0) == 0;
}

TEST(EmulatorWire, TheVersionComesFirstAndNamesTheLimits) {
  Served served(1, {"--max-transfer", "64K"});
  WireClient client(served.path("0.sock"));
  const auto reply = client.version();
  ASSERT_TRUE(reply.arrived);
  const std::string json(reinterpret_cast<const char*>(reply.payload.data()) +
                         sizeof(vfio_user::VersionPayload));
  EXPECT_NE(json.find("\"max_data_xfer_size\":65536"), std::string::npos) << json;
  EXPECT_NE(json.find("\"max_msg_fds\":8"), std::string::npos) << json;
}

TEST(EmulatorWire, WithoutTheVersionOrWithAnotherMajorNothingIsServed) {
  Served served(1);
  {
    WireClient client(served.path("0.sock"));
    EXPECT_FALSE(client.command(Command::kDeviceGetInfo, bytesOf(vfio::DeviceInfo{16, 0, 0, 0})).arrived);
  }
  WireClient client(served.path("0.sock"));
  EXPECT_EQ(client.version(1).error, EINVAL);
  EXPECT_TRUE(closed(client.socket()));
}

TEST(EmulatorWire, ARegionsCapabilitiesComeOnceThereIsRoomForThem) {
  Served served(1);
  WireClient client(served.path("0.sock"));
  ASSERT_TRUE(client.version().arrived);
  const auto small =
      client.command(Command::kDeviceGetRegionInfo, bytesOf(askRegion(kMigrationRegionIndex, 32)));
  vfio::RegionInfo info{};
  ASSERT_EQ(small.payload.size(), sizeof(info));
  std::memcpy(&info, small.payload.data(), sizeof(info));
  EXPECT_EQ(info.cap_offset, 0u);
  EXPECT_GT(info.argsz, sizeof(info));
  const auto whole =
      client.command(Command::kDeviceGetRegionInfo, bytesOf(askRegion(kMigrationRegionIndex, info.argsz)));
  EXPECT_EQ(whole.payload.size(), info.argsz);
  ASSERT_EQ(whole.fds.size(), 1u);
  EXPECT_EQ(
      client.command(Command::kDeviceGetRegionInfo, bytesOf(askRegion(kMigrationRegionIndex + 1))).error,
      EINVAL);
  EXPECT_EQ(client.command(Command::kDeviceGetRegionInfo, bytesOf(askRegion(0, 8))).error, EINVAL);
}

TEST(EmulatorWire, D_27_TheMappedWindowIsTheOneThatMessagesReach) {
  Served served(1);
  WireClient client(served.path("0.sock"));
  ASSERT_TRUE(client.version().arrived);
  auto region = client.command(Command::kDeviceGetRegionInfo, bytesOf(askRegion(kMigrationRegionIndex)));
  ASSERT_EQ(region.fds.size(), 1u);
  client.read(kMigrationRegionIndex, 0, 4);
  ASSERT_EQ(client.write(kMigrationRegionIndex, 0, bytesOf(std::uint32_t{0x3})).error, 0);
  client.read(kMigrationRegionIndex, 8, 8);
  const auto place = number(client.read(kMigrationRegionIndex, 16, 8).payload);
  const auto size = static_cast<std::uint32_t>(number(client.read(kMigrationRegionIndex, 24, 8).payload));
  const auto data = client.read(kMigrationRegionIndex, place, size);
  ASSERT_EQ(data.payload.size(), size);
  constexpr std::size_t length = 4096 + (64u << 10);
  void* const map = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, region.fds[0].get(), 0);
  ASSERT_NE(map, MAP_FAILED);
  EXPECT_EQ(std::memcmp(static_cast<std::byte*>(map) + place, data.payload.data(), size), 0);
  ::munmap(map, length);
}

TEST(EmulatorWire, TransfersBeyondTheLimitAreRefusedAndTheConnectionGoesOn) {
  Served served(1, {"--max-transfer", "4K"});
  WireClient client(served.path("0.sock"));
  ASSERT_TRUE(client.version().arrived);
  EXPECT_EQ(client.read(kMigrationRegionIndex, 4096, 8192).error, EINVAL);
  EXPECT_EQ(client.write(kMigrationRegionIndex, 4096, Bytes(8192)).error, EINVAL);
  EXPECT_EQ(number(client.read(kMigrationRegionIndex, 0, 4).payload), 1u);
}

TEST(EmulatorWire, MalformedMessagesEndTheConnectionOrAreRefused) {
  Served served(1);
  WireClient client(served.path("0.sock"));
  ASSERT_TRUE(client.version().arrived);
  EXPECT_EQ(client.command(Command::kRegionRead, Bytes(7)).error, EINVAL);
  EXPECT_EQ(client.command(Command::kRegionWrite, Bytes(7)).error, EINVAL);
  EXPECT_EQ(client.command(Command::kRegionWrite, bytesOf(vfio_user::RegionAccess{0, 10, 4})).error, EINVAL);
  EXPECT_EQ(client.command(static_cast<Command>(99), Bytes(16)).error, ENOTSUP);
  EXPECT_TRUE(client.command(Command::kDeviceGetInfo, bytesOf(vfio::DeviceInfo{16, 0, 0, 0})).arrived);
  vfio_user::Header tooShort{7, 9, 8, 0, 0};
  ASSERT_TRUE(sendAll(client.socket(), {{&tooShort, sizeof(tooShort)}}));
  EXPECT_TRUE(closed(client.socket()));
  WireClient next(served.path("0.sock"));
  ASSERT_TRUE(next.version().arrived);
  vfio_user::Header tooLong{7, 9, 0xFFFFFFF0, 0, 0};
  ASSERT_TRUE(sendAll(next.socket(), {{&tooLong, sizeof(tooLong)}}));
  EXPECT_TRUE(closed(next.socket()));
}

TEST(EmulatorWire, APostedWriteHasNoReply) {
  Served served(1);
  WireClient client(served.path("0.sock"));
  ASSERT_TRUE(client.version().arrived);
  client.write(kBar0, 0x18, bytesOf(std::uint64_t{77}), vfio_user::kFlagNoReply);
  EXPECT_EQ(number(client.read(kBar0, 0x18, 8).payload), 77u);
}

TEST(EmulatorWire, ASecondClientIsTurnedAwayUntilTheFirstHasGoneAndTheDeviceKeepsItsState) {
  Served served(1, {"--traffic", "off"});
  auto first = std::make_unique<WireClient>(served.path("0.sock"));
  ASSERT_TRUE(first->version().arrived);
  first->read(kMigrationRegionIndex, 0, 4);
  ASSERT_EQ(first->write(kMigrationRegionIndex, 0, bytesOf(std::uint32_t{0x3})).error, 0);
  WireClient second(served.path("0.sock"));
  EXPECT_FALSE(second.version().arrived);
  first.reset();
  WireClient third(served.path("0.sock"));  // at once: it may have to wait for the first to be noticed
  ASSERT_TRUE(third.version().arrived);
  EXPECT_EQ(number(third.read(kMigrationRegionIndex, 0, 4).payload), 0x3u);
}

TEST(EmulatorWire, AClientThatComesWhileItsPredecessorsRequestIsStuckWaitsForIt) {
  Served served(1, {"--traffic", "off"});
  served.rig().fault(0, "stall-arc", "to=0x3,ms=60,count=1");
  {
    WireClient client(served.path("0.sock"));
    ASSERT_TRUE(client.version().arrived);
    client.read(kMigrationRegionIndex, 0, 4);
    client.write(kMigrationRegionIndex, 0, bytesOf(std::uint32_t{0x3}), vfio_user::kFlagNoReply);
    sleepMs(10);
  }
  WireClient next(served.path("0.sock"));
  ASSERT_TRUE(next.version().arrived);
  EXPECT_EQ(number(next.read(kMigrationRegionIndex, 0, 4).payload), 0x3u);
}

TEST(EmulatorWire, D_16_InterruptsComeThroughTheEventfdAndStopWithNdma) {
  Served served(1);
  WireClient client(served.path("0.sock"));
  ASSERT_TRUE(client.version().arrived);
  const UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const std::array<std::uint32_t, 5> set{20, (1u << 2) | (1u << 5), 2, 0,
                                         1};  // MSI-X vector 0, eventfd, trigger
  ASSERT_EQ(client.command(Command::kDeviceSetIrqs, bytesOf(set), 0, event.get()).error, 0);
  pollfd entry{event.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&entry, 1, 2000), 1);
  client.read(kMigrationRegionIndex, 0, 4);
  client.command(Command::kDeviceGetRegionInfo, bytesOf(askRegion(kMigrationRegionIndex)));
  ASSERT_EQ(client.write(kMigrationRegionIndex, 0, bytesOf(std::uint32_t{0x9})).error, 0);
  std::uint64_t count = 0;
  static_cast<void>(!::read(event.get(), &count, sizeof(count)));
  EXPECT_EQ(::poll(&entry, 1, 30), 0);  // the workload goes on posting
}

TEST(EmulatorWire, MsixHasFourVectorsAndOtherInterruptsNone) {
  Served served(1);
  WireClient client(served.path("0.sock"));
  ASSERT_TRUE(client.version().arrived);
  for (std::uint32_t index = 0; index < 5; ++index) {
    const std::array<std::uint32_t, 4> ask{16, 0, index, 0};
    const auto reply = client.command(Command::kDeviceGetIrqInfo, bytesOf(ask));
    ASSERT_EQ(reply.payload.size(), sizeof(ask));
    std::array<std::uint32_t, 4> info{};
    std::memcpy(info.data(), reply.payload.data(), sizeof(info));
    EXPECT_EQ(info[3], index == 2 ? 4u : 0u);
  }
  EXPECT_EQ(
      client.command(Command::kDeviceGetIrqInfo, bytesOf(std::array<std::uint32_t, 4>{16, 0, 5, 0})).error,
      EINVAL);
}

TEST(EmulatorWire, FaultBadVersionShowsAnotherMajor) {
  Served served(1);
  ASSERT_EQ(served.rig().fault(0, "bad-version", "count=1"), "");
  WireClient client(served.path("0.sock"));
  const auto reply = client.version();
  ASSERT_TRUE(reply.arrived);
  EXPECT_EQ(number(reply.payload) & 0xFFFF, 99u);
}

TEST(EmulatorWire, StoppingRemovesTheSocketsAlthoughAClientIsThere) {
  Served served(2);
  WireClient client(served.path("0.sock"));
  ASSERT_TRUE(client.version().arrived);
  served.stop();
  EXPECT_FALSE(std::filesystem::exists(served.path("0.sock")));
  EXPECT_FALSE(std::filesystem::exists(served.path("control.sock")));
  EXPECT_TRUE(closed(client.socket()));
}

}  // namespace
}  // namespace transship::emulator::test
