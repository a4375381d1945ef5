// The vfio-user door against servers that follow a script, most of them hostile ones.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <future>

#include "support/driver.hh"
#include "support/scripted_server.hh"
#include "vfio/user_device.hh"

namespace transship::test {
namespace {

using vfio_user::Command;
using vfio_user::UserDevice;

using Opened = Result<std::unique_ptr<UserDevice>>;

struct Client {
  SystemCalls system = {};
  std::shared_ptr<Cancellation> cancellation = std::make_shared<Cancellation>();

  Opened open(const std::string& path, vfio_user::UserDeviceOptions options = {}) {
    return UserDevice::open(system, cancellation, path, options);
  }
};

const std::string kSmall = R"({"capabilities":{"max_data_xfer_size":16,"max_msg_fds":1}})";

std::size_t openDescriptors() {
  const auto folder = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(folder), end(folder)));
}

// Plays `script` after the greeting and runs `test` on the device that opened.
void withDevice(std::function<void(Peer&)> script, const std::function<void(UserDevice&)>& test) {
  const ScriptedServer server{[&script](Peer& peer) {
    peer.greet(kSmall, 2);
    script(peer);
  }};
  Client client;
  auto device = client.open(server.path());
  ASSERT_TRUE(device) << device.error().message;
  test(**device);
}

Status readFour(UserDevice& device) {
  Bytes into(4);
  return device.read(9, 0, into);
}

TEST(UserClient, NobodyListensFailsAtOnce) {
  Client client;
  auto opened = client.open("/tmp/transship-no-such-socket");
  EXPECT_EQ(codeOf(opened), "TRANSSHIP_CONNECT_FAILED");
  EXPECT_EQ(opened.error().errorNumber, ENOENT);
  EXPECT_EQ(codeOf(client.open(std::string(200, 'x'))), "TRANSSHIP_INVALID_ARGUMENT");
}

TEST(UserClient, ASilentServerFailsAtTheDeadline) {
  std::promise<void> done;
  const ScriptedServer server{[&done](Peer&) { done.get_future().wait(); }};
  Client client;
  EXPECT_EQ(codeOf(client.open(server.path(), {.timeout = std::chrono::milliseconds{50}})),
            "TRANSSHIP_CONNECT_TIMEOUT");
  done.set_value();
}

TEST(UserClient, AServerThatIsBusyIsTriedAgainUntilTheDeadline) {
  const ScriptedServer freed{[](Peer& first) { first.hangUp(); },
                             [](Peer& second) { second.greet(kSmall, 2); }};
  Client client;
  EXPECT_TRUE(client.open(freed.path()));
  const ScriptedServer busy{std::vector<Script>(100, [](Peer& peer) { peer.hangUp(); })};
  EXPECT_EQ(codeOf(client.open(busy.path(), {.timeout = std::chrono::milliseconds{60}})),
            "TRANSSHIP_CONNECT_TIMEOUT");
}

TEST(UserClient, AServerThatHangsUpIsALostConnectionFromThenOn) {
  withDevice([](Peer& peer) { peer.receive(); },
             [](UserDevice& device) {
               EXPECT_EQ(codeOf(readFour(device)), "TRANSSHIP_CONNECTION_LOST");
               EXPECT_EQ(codeOf(readFour(device)), "TRANSSHIP_CONNECTION_LOST");
             });
}

TEST(UserClient, AnErrorReplyIsTheDevicesErrnoAndTheConnectionGoesOn) {
  withDevice(
      [](Peer& peer) {
        peer.refuse(peer.receive(), EBUSY);
        peer.refuse(peer.receive(), 0);
        peer.refuse(peer.receive(), 0xFFFFFFFF);
        peer.reply(peer.receive(), {});
      },
      [](UserDevice& device) {
        auto refused = readFour(device);
        EXPECT_EQ(codeOf(refused), "TRANSSHIP_ACCESS_FAILED");
        EXPECT_EQ(refused.error().errorNumber, EBUSY);
        EXPECT_EQ(readFour(device).error().errorNumber, EIO);
        EXPECT_EQ(readFour(device).error().errorNumber, EIO);
        EXPECT_TRUE(device.reset());
      });
}

TEST(UserClient, ReadsAndWritesCarryTheirRegionOffsetAndData) {
  withDevice(
      [](Peer& peer) {
        const Received read = peer.receive();
        EXPECT_EQ(read.header.command, static_cast<std::uint16_t>(Command::kRegionRead));
        vfio_user::RegionAccess access{};
        std::memcpy(&access, read.payload.data(), sizeof(access));
        EXPECT_EQ(access.region, 9u);
        EXPECT_EQ(access.offset, 24u);
        EXPECT_EQ(access.count, 8u);
        Bytes answer = read.payload;
        const Bytes data = patternBytes(8, 1);
        answer.insert(answer.end(), data.begin(), data.end());
        peer.reply(read, answer);
        const Received write = peer.receive();
        EXPECT_EQ(write.payload.size(), sizeof(access) + 8);
        peer.reply(write, std::span{write.payload}.first(sizeof(access)));
      },
      [](UserDevice& device) {
        Bytes into(8);
        EXPECT_TRUE(device.read(9, 24, into));
        EXPECT_EQ(into, patternBytes(8, 1));
        EXPECT_TRUE(device.write(9, 24, into));
      });
}

TEST(UserClient, V1_02_AShortTransferIsAnError) {
  withDevice(
      [](Peer& peer) {
        Received read = peer.receive();
        vfio_user::RegionAccess access{};
        std::memcpy(&access, read.payload.data(), sizeof(access));
        access.count = 2;
        Bytes answer(sizeof(access) + 2);
        std::memcpy(answer.data(), &access, sizeof(access));
        peer.reply(read, answer);
      },
      [](UserDevice& device) { EXPECT_EQ(codeOf(readFour(device)), "TRANSSHIP_ACCESS_FAILED"); });
}

TEST(UserClient, RepliesThatDoNotFitBreakTheConnection) {
  using Spoil = std::function<void(vfio_user::Header&, Bytes&)>;
  const std::vector<std::pair<const char*, Spoil>> spoils{
      {"another id", [](vfio_user::Header& header, Bytes&) { header.message_id ^= 1; }},
      {"another command", [](vfio_user::Header& header, Bytes&) { header.command = 13; }},
      {"a command", [](vfio_user::Header& header, Bytes&) { header.flags = 0; }},
      {"too small", [](vfio_user::Header& header, Bytes&) { header.message_size = 15; }},
      {"too large", [](vfio_user::Header& header, Bytes&) { header.message_size = 0xFFFFFFFF; }},
      {"one byte more", [](vfio_user::Header& header, Bytes&) { header.message_size += 1; }},
      {"no data", [](vfio_user::Header& header, Bytes&) { header.message_size -= 4; }},
      {"another region", [](vfio_user::Header&, Bytes& payload) { payload[8] ^= std::byte{1}; }},
      {"more than asked", [](vfio_user::Header&, Bytes& payload) { payload[12] = std::byte{5}; }},
  };
  for (const auto& [what, spoil] : spoils) {
    withDevice(
        [&spoil](Peer& peer) {
          const Received read = peer.receive();
          Bytes payload = read.payload;
          payload.resize(payload.size() + 4);
          vfio_user::Header header = read.header;
          header.flags = vfio_user::kFlagTypeReply;
          header.message_size = static_cast<std::uint32_t>(sizeof(header) + payload.size());
          spoil(header, payload);
          const auto start = bytesOf(header);
          payload.insert(payload.begin(), start.begin(), start.end());
          peer.send(payload);
        },
        [what](UserDevice& device) {
          EXPECT_EQ(codeOf(readFour(device)), "TRANSSHIP_PROTOCOL_VIOLATION") << what;
          EXPECT_EQ(codeOf(readFour(device)), "TRANSSHIP_CONNECTION_LOST") << what;
        });
  }
}

TEST(UserClient, AReplyMayArriveByteByByte) {
  withDevice(
      [](Peer& peer) {
        const Received read = peer.receive();
        vfio_user::Header header = read.header;
        header.flags = vfio_user::kFlagTypeReply;
        header.message_size += 4;
        const auto start = bytesOf(header);
        Bytes whole(start.begin(), start.end());
        whole.insert(whole.end(), read.payload.begin(), read.payload.end());
        whole.resize(whole.size() + 4, std::byte{7});
        for (const std::byte& byte : whole) {
          peer.send(std::span{&byte, 1});
        }
      },
      [](UserDevice& device) {
        Bytes into(4);
        EXPECT_TRUE(device.read(9, 0, into));
        EXPECT_EQ(into, Bytes(4, std::byte{7}));
      });
}

TEST(UserClient, AnAccessLargerThanNegotiatedIsNotSent) {
  withDevice([](Peer&) {},
             [](UserDevice& device) {
               Bytes into(17);
               EXPECT_EQ(codeOf(device.read(9, 0, into)), "TRANSSHIP_INVALID_ARGUMENT");
               EXPECT_EQ(device.maxTransfer(), 16u);
             });
}

TEST(UserClient, DescriptorsThatNobodyAskedForAreClosed) {
  const std::size_t before = openDescriptors();
  const UniqueFd file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  withDevice(
      [&file](Peer& peer) {
        peer.reply(peer.receive(), {}, {file.get(), file.get(), file.get()});
        peer.reply(peer.receive(), {}, std::vector<int>(20, file.get()));
      },
      [](UserDevice& device) {
        EXPECT_TRUE(device.reset());
        EXPECT_EQ(codeOf(device.reset()), "TRANSSHIP_PROTOCOL_VIOLATION");  // more than a message may carry
      });
  EXPECT_EQ(openDescriptors(), before + 1);
}

Bytes regionInfo(std::uint32_t argsz, std::size_t size) {
  const vfio::RegionInfo info{
      .argsz = argsz, .flags = vfio::kRegionFlagRead, .index = 1, .cap_offset = 0, .size = 4096, .offset = 0};
  Bytes bytes(size);
  std::memcpy(bytes.data(), &info, sizeof(info));
  return bytes;
}

TEST(UserClient, V1_24_ADescriptionThatDoesNotFitIsAskedForAgainAtItsSize) {
  withDevice(
      [](Peer& peer) {
        peer.reply(peer.receive(), regionInfo(96, 32));
        const Received again = peer.receive();
        std::uint32_t argsz = 0;
        std::memcpy(&argsz, again.payload.data(), sizeof(argsz));
        EXPECT_EQ(argsz, 96u);
        peer.reply(again, regionInfo(96, 96));
      },
      [](UserDevice& device) {
        auto region = device.region(1);
        ASSERT_TRUE(region) << region.error().message;
        EXPECT_EQ(region->size, 4096u);
      });
}

TEST(UserClient, ADescriptionThatKeepsGrowingIsGivenUp) {
  withDevice(
      [](Peer& peer) {
        for (std::uint32_t i = 1; i <= 4; ++i) {
          peer.reply(peer.receive(), regionInfo(32 + 32 * i, 32));
        }
      },
      [](UserDevice& device) { EXPECT_EQ(codeOf(device.region(1)), "TRANSSHIP_BAD_REGION_INFO"); });
  withDevice([](Peer& peer) { peer.reply(peer.receive(), regionInfo(0xFFFFFFFF, 32)); },
             [](UserDevice& device) { EXPECT_EQ(codeOf(device.region(1)), "TRANSSHIP_BAD_REGION_INFO"); });
}

TEST(UserClient, CloseEndsAWaitForAReply) {
  std::promise<void> asked;
  std::promise<void> done;
  const ScriptedServer server{[&](Peer& peer) {
    peer.greet(kSmall, 2);
    peer.receive();
    asked.set_value();
    done.get_future().wait();
  }};
  Client client;
  auto device = client.open(server.path());
  ASSERT_TRUE(device);
  auto outcome = std::async(std::launch::async, [&device] { return codeOf((*device)->reset()); });
  asked.get_future().wait();
  client.cancellation->cancel();
  EXPECT_EQ(outcome.get(), "TRANSSHIP_CLOSED");
  done.set_value();
}

/// Every third call is interrupted, and none transfers more than one byte.
class StingySystem final : public SystemCalls {
 public:
  ssize_t sendmsg(int fd, const msghdr* message, int flags) override {
    return oneByte(message, fd, flags, true);
  }
  ssize_t recvmsg(int fd, msghdr* message, int flags) override { return oneByte(message, fd, flags, false); }
  int poll(pollfd* fds, nfds_t count, int timeoutMs) override {
    return interrupted() ? -1 : SystemCalls::poll(fds, count, timeoutMs);
  }

 private:
  bool interrupted() {
    errno = EINTR;
    return (++calls_ % 3) == 0;
  }
  ssize_t oneByte(const msghdr* message, int fd, int flags, bool sending) {
    if (interrupted()) {
      return -1;
    }
    std::size_t index = 0;
    while (index + 1 < message->msg_iovlen && message->msg_iov[index].iov_len == 0) {
      ++index;
    }
    iovec part = message->msg_iov[index];
    part.iov_len = std::min<std::size_t>(part.iov_len, 1);
    msghdr shorter = *message;
    shorter.msg_iov = &part;
    shorter.msg_iovlen = 1;
    return sending ? SystemCalls::sendmsg(fd, &shorter, flags) : SystemCalls::recvmsg(fd, &shorter, flags);
  }

  unsigned calls_ = 0;
};

TEST(UserClient, InterruptedAndShortSystemCallsAreGoneOnWith) {
  const ScriptedServer server{[](Peer& peer) {
    peer.greet(kSmall, 2);
    peer.reply(peer.receive(), {});
  }};
  StingySystem system;
  auto device = UserDevice::open(system, std::make_shared<Cancellation>(), server.path(), {});
  ASSERT_TRUE(device) << device.error().message;
  EXPECT_EQ((*device)->maxTransfer(), 16u);
  EXPECT_TRUE((*device)->reset());
}

}  // namespace
}  // namespace transship::test
