// The broker's sockets: who gets what, and what clients cannot do to it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>

#include "support/broker_rig.hh"
#include "support/kernel_machine.hh"

namespace transship::test {
namespace {

using namespace std::chrono_literals;

TEST(BrokerServer, GivesTheAgentADuplicateOfTheVeryFile) {
  BrokerRig rig;
  const RawClient client{rig.agent()};
  const BrokerMessage reply = client.ask("get gpu/0");
  EXPECT_TRUE(has(reply, R"({"ok":true,"name":"gpu/0","interface":"cdev","iommu":"iommufd","ioas":5,)"
                         R"("instance":"instance-1","opens":1,"resets":0})"))
      << reply.text;
  ASSERT_GE(reply.descriptors.size(), 1u);
  EXPECT_EQ(contentOf(reply.descriptors[0].get()), "state of the device 0");
  // The same open file: what one changes, the next one sees.
  ASSERT_EQ(::pwrite(reply.descriptors[0].get(), "STATE", 5, 0), 5);
  EXPECT_EQ(contentOf(client.ask("get gpu/0").descriptors[0].get()), "STATE of the device 0");
}

TEST(BrokerServer, GivesAWorkloadItsDevicesAndTheirSharedAddressSpace) {
  BrokerRig rig;
  const RawClient client{rig.workload("trainer")};
  const BrokerMessage first = client.ask("get gpu/0");
  const BrokerMessage second = client.ask("get gpu/1");
  ASSERT_EQ(first.descriptors.size(), 2u);
  ASSERT_EQ(second.descriptors.size(), 2u);
  EXPECT_EQ(contentOf(first.descriptors[0].get()), "state of the device 0");
  EXPECT_EQ(contentOf(second.descriptors[0].get()), "state of the device 1");
  struct stat one {};
  struct stat two {};
  ASSERT_EQ(::fstat(first.descriptors[1].get(), &one), 0);
  ASSERT_EQ(::fstat(second.descriptors[1].get(), &two), 0);
  EXPECT_EQ(one.st_ino, two.st_ino);
}

TEST(BrokerServer, AWorkloadKnowsOnlyItsOwnDevices) {
  BrokerRig rig;
  const RawClient other{rig.workload("other")};
  const BrokerMessage list = other.ask("list");
  EXPECT_TRUE(has(list, "gpu/2"));
  EXPECT_FALSE(has(list, "gpu/0") || has(list, "gpu/1") || has(list, "gpu/3")) << list.text;
  for (const std::string name : {"gpu/0", "gpu/3", "gpu/9"}) {
    EXPECT_TRUE(refused(other.ask("get " + name), "UnknownDevice"));
    EXPECT_TRUE(refused(other.ask("info " + name), "UnknownDevice"));
  }
  EXPECT_TRUE(refused(other.ask("reset gpu/2"), "NotAllowed"));
  EXPECT_TRUE(refused(other.ask("adopt gpu/2 x 1 0 0"), "NotAllowed"));
  EXPECT_EQ(rig.backend(2).resets, 0);
}

TEST(BrokerServer, ServesOnlyTheUserItWasToldOf) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "giving a socket to another user takes root";
  }
  std::string name = "/tmp/transship-foreign-XXXXXX";
  const std::string folder = ::mkdtemp(name.data());
  const broker::Options options{.agentSocket = folder + "/agent.sock", .agentUid = 12345};
  broker::Devices devices;
  {
    broker::Server server{options, devices};
    const UniqueFd stop{::eventfd(0, EFD_CLOEXEC)};
    std::thread thread{[&] { server.run(stop.get()); }};
    {
      const RawClient client{options.agentSocket};  // root may connect all the same
      EXPECT_TRUE(refused(client.ask("list"), "NotAllowed"));
      EXPECT_TRUE(client.receive().ended);
    }
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(stop.get(), &one, sizeof(one)), 8);
    thread.join();
  }
  ::rmdir(folder.c_str());
}

TEST(BrokerServer, SocketsHaveTheirModes) {
  BrokerRig rig;
  struct stat status {};
  ASSERT_EQ(::stat(rig.agent().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  ASSERT_EQ(::stat(rig.workload("trainer").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0660u);
}

TEST(BrokerServer, CountsResetsAndPassesTheirErrnoOn) {
  BrokerRig rig;
  const RawClient client{rig.agent()};
  EXPECT_EQ(client.ask("reset gpu/1").text, R"({"ok":true,"resets":1,"rung":"function"})");
  EXPECT_EQ(client.ask("reset gpu/1").text, R"({"ok":true,"resets":2,"rung":"function"})");
  rig.backend(1).resetErrno = EIO;
  const BrokerMessage failed = client.ask("reset gpu/1");
  EXPECT_TRUE(refused(failed, "AccessFailed"));
  EXPECT_TRUE(has(failed, R"("errno":5)"));
  // It may have lost the state all the same.
  EXPECT_TRUE(has(client.ask("info gpu/1"), R"("resets":3)"));
  rig.backend(1).resetErrno = ENOTTY;
  EXPECT_TRUE(refused(client.ask("reset gpu/1"), "AccessFailed"));
  EXPECT_TRUE(has(client.ask("info gpu/1"), R"("resets":3)"));
  EXPECT_TRUE(has(client.ask("info gpu/0"), R"("resets":0)"));
}

TEST(BrokerServer, ASlowResetHoldsUpNobodyElse) {
  BrokerRig rig;
  rig.backend(0).stalled = true;
  const RawClient slow{rig.agent()};
  slow.send("reset gpu/0");
  slow.send("list");  // waits behind it
  const RawClient quick{rig.agent()};
  EXPECT_TRUE(has(quick.ask("list"), "gpu/0"));
  EXPECT_EQ(quick.ask("reset gpu/1").text, R"({"ok":true,"resets":1,"rung":"function"})");
  EXPECT_EQ(quick.ask("get gpu/0").descriptors.size(), 2u);
  rig.backend(0).stalled = false;
  EXPECT_EQ(slow.receive().text, R"({"ok":true,"resets":1,"rung":"function"})");
  EXPECT_TRUE(has(slow.receive(), "\"devices\""));
}

TEST(BrokerServer, AClientThatDiesDuringItsResetIsForgotten) {
  BrokerRig rig;
  rig.backend(0).stalled = true;
  {
    const RawClient dying{rig.agent()};
    dying.send("reset gpu/0");
    std::this_thread::sleep_for(20ms);
  }
  const RawClient next{rig.agent()};
  EXPECT_TRUE(has(next.ask("list"), "gpu/0"));
  rig.backend(0).stalled = false;
  EXPECT_EQ(next.ask("reset gpu/0").text, R"({"ok":true,"resets":2,"rung":"function"})");
}

TEST(BrokerServer, MalformedRequestsAreRefusedAndTheConnectionGoesOn) {
  BrokerRig rig;
  const RawClient client{rig.agent()};
  for (const std::string request :
       {"x", "list gpu/0 gpu/1", "list gpu|0", "get", "get ", " get gpu/0", "get  gpu/0", "get gpu/0 ",
        "GET gpu/0", "get gpu/0\n", "reset", "adopt gpu/0", "adopt gpu/0 i 1 0 x", "adopt gpu/0 i -1 0 0",
        "adopt gpu/0 i 1 0 0"}) {
    EXPECT_TRUE(refused(client.ask(request), "BadRequest")) << request;
  }
  EXPECT_TRUE(refused(client.ask(std::string("get\0gpu/0", 9)), "BadRequest"));
  EXPECT_TRUE(refused(client.ask("get \xff\xfe"), "BadRequest"));
  EXPECT_TRUE(refused(client.ask("get ../../etc/passwd"), "UnknownDevice"));
  EXPECT_TRUE(refused(client.ask("get " + std::string(500, 'a')), "UnknownDevice"));
  EXPECT_TRUE(has(client.ask("list"), "gpu/0"));
}

TEST(BrokerServer, AnOversizedRequestEndsTheConnection) {
  BrokerRig rig;
  const RawClient large{rig.agent()};
  EXPECT_TRUE(refused(large.ask(std::string(513, 'x')), "BadRequest"));
  EXPECT_TRUE(large.receive().ended);
  const RawClient next{rig.agent()};
  EXPECT_TRUE(has(next.ask("list"), "gpu/0"));
}

TEST(BrokerServer, DescriptorsThatNobodyAskedForAreClosed) {
  BrokerRig rig;
  const RawClient client{rig.agent()};
  client.ask("list");
  const std::size_t before = openDescriptors();
  for (int i = 0; i < 20; ++i) {
    client.ask("list", {0, 1});
    client.ask("nonsense", {0, 1});
  }
  // Keepers of this rig may still be opening, and threads of an earlier one closing; what is sent here is
  // eighty.
  EXPECT_TRUE(closesDownTo(before + 8));
}

TEST(BrokerServer, AClientThatReadsNoRepliesLosesItsConnection) {
  BrokerRig rig;
  const RawClient deaf{rig.agent()};
  bool gone = false;
  for (int i = 0; i < 100000 && !gone; ++i) {
    if (!broker::sendPacket(deaf.fd(), "list")) {
      gone = errno == EPIPE || errno == ECONNRESET;
      std::this_thread::sleep_for(1ms);
    }
  }
  EXPECT_TRUE(gone);
  const RawClient next{rig.agent()};
  EXPECT_TRUE(has(next.ask("list"), "gpu/0"));
}

TEST(BrokerServer, ManyClientsPushOutTheIdlestAndOnlyOnTheirOwnSocket) {
  BrokerRig rig;
  const RawClient agent{rig.agent()};
  agent.ask("list");
  std::vector<std::unique_ptr<RawClient>> crowd;
  for (std::size_t i = 0; i < broker::Server::kMaxWorkloadClients + 4; ++i) {
    crowd.push_back(std::make_unique<RawClient>(rig.workload("trainer")));
    EXPECT_TRUE(has(crowd.back()->ask("list"), "gpu/0")) << i;
  }
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(crowd[i]->receive().ended) << i;
  }
  EXPECT_TRUE(has(crowd[4]->ask("list"), "gpu/0"));
  EXPECT_TRUE(has(agent.ask("list"), "gpu/0"));
}

TEST(BrokerServer, HoldersAreTheProcessesThatGotTheDeviceAndStillRun) {
  BrokerRig rig;
  const RawClient agent{rig.agent()};
  EXPECT_TRUE(has(agent.ask("info gpu/0"), R"("holders":[])"));
  agent.ask("get gpu/0");
  int go[2];
  ASSERT_EQ(::pipe(go), 0);
  const std::string path = rig.workload("trainer");
  const pid_t child = ::fork();
  if (child == 0) {  // no allocation beyond what the client needs, and no way back
    const RawClient client{path};
    client.ask("get gpu/0");
    char byte = 0;
    [[maybe_unused]] const auto got = ::read(go[0], &byte, 1);
    ::_exit(0);
  }
  const std::string both = R"("pid":)" + std::to_string(child);
  BrokerMessage info;
  for (int i = 0; i < 2000 && !has(info = agent.ask("info gpu/0"), both); ++i) {
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_TRUE(
      has(info, R"({"pid":)" + std::to_string(child) + R"(,"comm":"transship-unit-","role":"workload"})") ||
      has(info, R"({"pid":)" + std::to_string(child) + R"(,"comm":"unit","role":"workload"})"))
      << info.text;
  EXPECT_TRUE(has(info, R"("role":"agent")"));
  EXPECT_EQ(::write(go[1], "x", 1), 1);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  info = agent.ask("info gpu/0");
  EXPECT_FALSE(has(info, both)) << info.text;
  EXPECT_TRUE(has(info, R"("role":"agent")"));
  ::close(go[0]);
  ::close(go[1]);
}

TEST(BrokerServer, ADeviceTakenFromAProcessHasThatForHolder) {
  BrokerRig rig;
  rig.backend(3).process = ::getpid();
  rig.backend(3).withIommu = false;
  rig.backend(3).askBack();
  const RawClient agent{rig.agent()};
  BrokerMessage info;
  for (int i = 0; i < 2000 && !has(info = agent.ask("info gpu/3"), R"("opens":2)"); ++i) {
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_TRUE(has(info, R"("role":"workload")")) << info.text;
  const BrokerMessage reply = agent.ask("get gpu/3");
  EXPECT_EQ(reply.descriptors.size(), 1u);
  EXPECT_TRUE(has(reply, R"("iommu":"none","ioas":0)"));
}

TEST(BrokerServer, RemovesItsSocketsAndLeavesASecondBrokerNoRoom) {
  BrokerRig rig;
  broker::Devices none;
  const broker::Options same{.agentSocket = rig.agent()};
  EXPECT_THROW((broker::Server{same, none}), std::system_error);
  EXPECT_TRUE(has(RawClient{rig.agent()}.ask("list"), "gpu/0"));
  const std::string path = rig.agent();
  rig.end();
  EXPECT_EQ(::access(path.c_str(), F_OK), -1);
}

TEST(BrokerServer, ReplacesASocketThatNobodyListensOn) {
  std::string name = "/tmp/transship-stale-XXXXXX";
  const std::string folder = ::mkdtemp(name.data());
  const broker::Options options{.agentSocket = folder + "/a.sock", .agentUid = ::geteuid()};
  broker::Devices none;
  { const UniqueFd dead = broker::listenPackets(options.agentSocket, 0600, ::geteuid()); }
  { const broker::Server server{options, none}; }
  // But no file that is something else.
  const UniqueFd file{::open(options.agentSocket.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)};
  EXPECT_THROW((broker::Server{options, none}), std::system_error);
  ::unlink(options.agentSocket.c_str());
  ::rmdir(folder.c_str());
}

}  // namespace
}  // namespace transship::test
