// The client's side of the broker: against a broker, and against servers that are none.
#include "vfio/broker_client.hh"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "support/broker_rig.hh"
#include "support/driver.hh"
#include "support/kernel_machine.hh"
#include "vfio/broker_door.hh"
#include "vfio/kernel_abi.hh"

namespace transship::test {
namespace {

using namespace std::chrono_literals;

struct Client {
  SystemCalls system = {};
  std::shared_ptr<Cancellation> cancellation = std::make_shared<Cancellation>();

  Result<vfio::BrokerReply> ask(const std::string& path, const std::string& request,
                                std::chrono::milliseconds timeout = 20s) {
    return vfio::askBroker(system, *cancellation, path, request, std::chrono::steady_clock::now() + timeout);
  }
};

// Listens like a broker and lets `script` have each connection.
class Imposter {
 public:
  explicit Imposter(std::function<void(int)> script, int connections = 1)
      : path_(folder_ + "/broker.sock"), listener_(broker::listenPackets(path_, 0600, ::geteuid())) {
    thread_ = std::thread([this, script = std::move(script), connections] {
      for (int i = 0; i < connections; ++i) {
        UniqueFd client;
        while (!client) {
          client = broker::acceptPackets(listener_.get());
          std::this_thread::sleep_for(1ms);
        }
        pollfd entry{.fd = client.get(), .events = POLLIN, .revents = 0};
        EXPECT_EQ(::poll(&entry, 1, 20000), 1);
        EXPECT_EQ(broker::receivePacket(client.get(), 512).kind, broker::Packet::Kind::kRequest);
        script(client.get());
      }
    });
  }
  ~Imposter() {
    thread_.join();
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string name_ = "/tmp/transship-imposter-XXXXXX";
  std::string folder_ = ::mkdtemp(name_.data());
  std::string path_;
  UniqueFd listener_;
  std::thread thread_;
};

void expectReply(const std::string& reply, const std::string& code) {
  const Imposter imposter{[&](int fd) { EXPECT_TRUE(broker::sendPacket(fd, reply)); }};
  Client client;
  EXPECT_EQ(codeOf(client.ask(imposter.path(), "list")), code) << reply;
}

TEST(BrokerClient, ReadsARepliesMembersAndDescriptors) {
  BrokerRig rig;
  Client client;
  auto reply = client.ask(rig.agent(), "get gpu/0");
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->texts["instance"], "instance-1");
  EXPECT_EQ(reply->numbers["ioas"], 5u);
  ASSERT_EQ(reply->descriptors.size(), 2u);
  EXPECT_EQ(contentOf(reply->descriptors[0].get()), "state of the device 0");
}

TEST(BrokerClient, MapsRefusalsToErrorsWithTheirErrno) {
  BrokerRig rig;
  Client client;
  EXPECT_EQ(codeOf(client.ask(rig.agent(), "get gpu/9")), "TRANSSHIP_DEVICE_NOT_FOUND");
  EXPECT_EQ(codeOf(client.ask(rig.agent(), "nonsense")), "TRANSSHIP_INVALID_ARGUMENT");
  EXPECT_EQ(codeOf(client.ask(rig.workload("trainer"), "reset gpu/0")), "TRANSSHIP_NOT_ALLOWED");
  rig.backend(0).resetErrno = EIO;
  const auto failed = client.ask(rig.agent(), "reset gpu/0");
  EXPECT_EQ(codeOf(failed), "TRANSSHIP_ACCESS_FAILED");
  EXPECT_EQ(failed.error().errorNumber, EIO);
  expectReply(R"({"ok":false,"code":"DeviceBusy","error":"a","errno":16})", "TRANSSHIP_DEVICE_BUSY");
  expectReply(R"({"ok":false,"code":"IommuRefused","error":"a","errno":1})", "TRANSSHIP_IOMMU_REFUSED");
  expectReply(R"({"ok":false,"code":"DeviceGone","error":"a","errno":19})", "TRANSSHIP_CONNECTION_LOST");
  expectReply(R"({"ok":false,"code":"SomethingNew","error":"a","errno":0})", "TRANSSHIP_CONNECT_FAILED");
}

// The kernel's answer about the other end, with another user in it.
struct ServerOf : SystemCalls {
  uid_t uid;
  explicit ServerOf(uid_t user) : uid(user) {}
  int getsockopt(int fd, int level, int name, void* value, socklen_t* length) override {
    const int got = SystemCalls::getsockopt(fd, level, name, value, length);
    if (level == SOL_SOCKET && name == SO_PEERCRED) {
      static_cast<ucred*>(value)->uid = uid;
    }
    return got;
  }
};

TEST(BrokerClient, AServerOfAnotherUserIsRefusedAndToldNothing) {
  BrokerRig rig;
  Cancellation cancellation;
  const auto ask = [&](uid_t user) {
    ServerOf system{user};
    return codeOf(
        vfio::askBroker(system, cancellation, rig.agent(), "list", std::chrono::steady_clock::now() + 20s));
  };
  EXPECT_EQ(ask(::geteuid() + 1), "TRANSSHIP_NOT_ALLOWED");
  EXPECT_EQ(ask(0), "no error");
  EXPECT_EQ(ask(::geteuid()), "no error");
}

TEST(BrokerClient, RepliesThatAreNoneAreAViolation) {
  for (const std::string reply : {"hello", "[]", R"({"ok":true)",
                                  R"({"ok":true} )"
                                  "x",
                                  R"({"a":01})"}) {
    expectReply(reply, "TRANSSHIP_PROTOCOL_VIOLATION");
  }
  expectReply(R"({"a":")" + std::string(64 * 1024, 'x') + R"("})", "TRANSSHIP_PROTOCOL_VIOLATION");
}

TEST(BrokerClient, AServerThatHangsUpIsALostConnection) {
  const Imposter imposter{[](int) {}};
  Client client;
  EXPECT_EQ(codeOf(client.ask(imposter.path(), "list")), "TRANSSHIP_CONNECTION_LOST");
}

TEST(BrokerClient, ASilentServerFailsAtTheDeadlineAndOnCancellation) {
  const Imposter imposter{[](int) { std::this_thread::sleep_for(300ms); }, 2};
  Client client;
  EXPECT_EQ(codeOf(client.ask(imposter.path(), "list", 30ms)), "TRANSSHIP_CONNECT_TIMEOUT");
  std::jthread closer{[&] {
    std::this_thread::sleep_for(20ms);
    client.cancellation->cancel();
  }};
  EXPECT_EQ(codeOf(client.ask(imposter.path(), "list")), "TRANSSHIP_CLOSED");
}

TEST(BrokerClient, NobodyThereAndImpossiblePaths) {
  Client client;
  EXPECT_EQ(codeOf(client.ask("/tmp/transship-no-such-broker", "list")), "TRANSSHIP_CONNECT_FAILED");
  EXPECT_EQ(codeOf(client.ask("", "list")), "TRANSSHIP_INVALID_ARGUMENT");
  EXPECT_EQ(codeOf(client.ask(std::string(200, 'x'), "list")), "TRANSSHIP_INVALID_ARGUMENT");
}

TEST(BrokerClient, ADeviceThatIsBeingOpenedIsAskedForAgain) {
  int asked = 0;
  const Imposter imposter{
      [&](int fd) {
        EXPECT_TRUE(broker::sendPacket(
            fd, ++asked < 3 ? R"({"ok":false,"code":"Opening","error":"a","errno":0})" : R"({"ok":true})"));
      },
      3};
  Client client;
  EXPECT_TRUE(client.ask(imposter.path(), "get gpu/0"));
}

TEST(BrokerClient, LeavesNoDescriptorBehind) {
  BrokerRig rig;
  Client client;
  EXPECT_TRUE(client.ask(rig.agent(), "get gpu/0"));
  const std::size_t before = openDescriptors();
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(client.ask(rig.agent(), "get gpu/0"));
    EXPECT_FALSE(client.ask(rig.agent(), "get gpu/9"));
  }
  EXPECT_TRUE(closesDownTo(before + 2));
}

// The file in memory answers no ioctl: those that a real device would answer are answered here.
class AnsweringDevice final : public SystemCalls {
 public:
  std::atomic<int> resets = 0;
  int ioctl(int, unsigned long request, void*) override {
    resets += request == vfio::request::kDeviceReset ? 1 : 0;
    return 0;
  }
};

TEST(BrokerDoor, OpensADuplicateAndResetsThroughTheBroker) {
  BrokerRig rig;
  AnsweringDevice system;
  auto cancellation = std::make_shared<Cancellation>();
  auto device = vfio::openBrokeredDevice(system, cancellation, rig.agent(), "gpu/1", 20s);
  ASSERT_TRUE(device) << device.error().message;
  EXPECT_TRUE((*device)->reset());
  EXPECT_EQ(rig.backend(1).resets, 1);
  EXPECT_EQ(system.resets, 0);
  rig.backend(1).resetErrno = EIO;
  EXPECT_EQ((*device)->reset().error().errorNumber, EIO);
  rig.backend(1).resetErrno = 0;
  rig.backend(1).stalled = true;
  std::jthread closer{[&] {
    std::this_thread::sleep_for(20ms);
    cancellation->cancel();
  }};
  EXPECT_EQ(codeOf((*device)->reset()), "TRANSSHIP_CLOSED");
  rig.backend(1).stalled = false;
}

TEST(BrokerDoor, GivesADeviceBackToABrokerThatWasStartedAgain) {
  BrokerRig rig;
  AnsweringDevice system;
  auto device = vfio::openBrokeredDevice(system, std::make_shared<Cancellation>(), rig.agent(), "gpu/1", 20s);
  ASSERT_TRUE(device) << device.error().message;
  EXPECT_TRUE((*device)->reset());
  rig.end();
  EXPECT_EQ(codeOf((*device)->reset()), "TRANSSHIP_CONNECT_FAILED");
  rig.restart("instance-2");
  rig.await(1, true);
  const RawClient agent{rig.agent()};
  EXPECT_NE(agent.ask("info gpu/1").text.find(R"("instance":"instance-1","opens":1,"resets":1)"),
            std::string::npos);
  EXPECT_NE(agent.ask("info gpu/0").text.find("held by another"), std::string::npos);
  EXPECT_EQ(rig.backend(1).opened, 1);
  EXPECT_EQ(rig.backend(1).resets, 1);
  // With its address space, for the workload.
  const RawClient workload{rig.workload("trainer")};
  const BrokerMessage given = workload.ask("get gpu/1");
  ASSERT_EQ(given.descriptors.size(), 2u);
  EXPECT_EQ(contentOf(given.descriptors[0].get()), "state of the device 1");
  EXPECT_EQ(contentOf(given.descriptors[1].get()), "space of trainer");
  EXPECT_NE(given.text.find(R"("ioas":5)"), std::string::npos);
  EXPECT_TRUE((*device)->reset());
  EXPECT_NE(agent.ask("info gpu/1").text.find(R"("resets":2)"), std::string::npos);
}

TEST(BrokerDoor, AClosedDeviceIsNotGivenBack) {
  BrokerRig rig;
  AnsweringDevice system;
  {
    const auto device =
        vfio::openBrokeredDevice(system, std::make_shared<Cancellation>(), rig.agent(), "gpu/1", 20s);
    ASSERT_TRUE(device);
  }
  rig.restart("instance-2");
  std::this_thread::sleep_for(300ms);
  const RawClient agent{rig.agent()};
  EXPECT_NE(agent.ask("info gpu/1").text.find("held by another"), std::string::npos);
}

TEST(BrokerDoor, DescribesDevices) {
  BrokerRig rig;
  Client client;
  const auto all = vfio::describeBrokered(client.system, *client.cancellation, rig.agent(), "", 20s);
  ASSERT_TRUE(all);
  EXPECT_NE(all->find("gpu/3"), std::string::npos);
  const auto one = vfio::describeBrokered(client.system, *client.cancellation, rig.agent(), "gpu/2", 20s);
  ASSERT_TRUE(one);
  EXPECT_EQ(*one, R"({"ok":true,"devices":[{"name":"gpu/2","address":"address-2","interface":"cdev",)"
                  R"("instance":"instance-1","opens":1,"resets":0,"driver":"fake","holders":[],)"
                  R"("holdersKnown":true,"rung":null,"error":null}]})");
}

TEST(BrokerDoor, DescribesMoreDevicesThanFitAReply) {
  constexpr std::size_t kHolders = 900;  // of some 50 bytes each
  broker::Devices devices;
  for (const std::string name : {"gpu/0", "gpu/1", "gpu/2"}) {
    auto backend = std::make_shared<FakeBackend>();
    backend->openErrors = {Error{.code = ErrorCode::kDeviceBusy, .message = "busy"}};
    devices.add({.name = name, .address = name},
                std::make_unique<broker::Keeper>("i", std::make_unique<FakeOpener>(backend), kFast,
                                                 [](const std::string&) {}));
    for (std::size_t i = 0; i < kHolders; ++i) {
      devices.find(name, {})->holders.add(0, "role-" + std::to_string(i));
    }
  }
  Client client;
  int page = 0;
  const auto serve = [&](int fd) {
    const std::string request = page == 0 ? "list" : "list gpu/" + std::to_string(page);
    ++page;
    const std::string reply = broker::answerRequest(devices, {}, request, {}).text;
    EXPECT_LE(reply.size(), broker::kMaxReply);
    EXPECT_TRUE(broker::sendPacket(fd, reply));
  };
  const Imposter server{serve, 3};
  const auto all = vfio::describeBrokered(client.system, *client.cancellation, server.path(), "", 20s);
  ASSERT_TRUE(all) << all.error().message;
  for (const std::string name : {"gpu/0", "gpu/1", "gpu/2"}) {
    EXPECT_NE(all->find("\"name\":\"" + name + "\""), std::string::npos) << name;
  }
  EXPECT_NE(all->find('\n'), std::string::npos);
  EXPECT_TRUE(devices.stop(20s));
}

}  // namespace
}  // namespace transship::test
