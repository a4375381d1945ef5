// What a workload mapped through the broker's address space, and leaves behind when it ends.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "support/broker_rig.hh"

namespace transship::test {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> memoryOf(FakeBackend& backend) {
  const std::lock_guard lock{backend.mutex};
  return backend.memory;
}

void setUsers(FakeBackend& backend, broker::FileUsers users) {
  const std::lock_guard lock{backend.mutex};
  backend.users = std::move(users);
}

// Tried a few times in vain.
const std::vector<std::string> kDeclined(broker::Keeper::kUnmapTries, "users 2");

// A process of the workload that gets devices and has them until it is let go.
class Workload {
 public:
  Workload(BrokerRig& rig, const std::vector<std::string>& devices) {
    EXPECT_EQ(::pipe(go_), 0);
    EXPECT_EQ(::pipe(ready_), 0);
    const std::string path = rig.workload("trainer");
    process_ = ::fork();
    if (process_ == 0) {
      ::close(go_[1]);
      const RawClient client{path};
      for (const std::string& device : devices) {
        client.ask("get " + device);
      }
      [[maybe_unused]] const auto told = ::write(ready_[1], "x", 1);
      char byte = 0;
      [[maybe_unused]] const auto got = ::read(go_[0], &byte, 1);
      ::_exit(0);
    }
    char byte = 0;
    EXPECT_EQ(::read(ready_[0], &byte, 1), 1);
  }
  ~Workload() { end(); }

  void end() {
    if (process_ > 0) {
      EXPECT_EQ(::write(go_[1], "x", 1), 1);
      EXPECT_EQ(::waitpid(process_, nullptr, 0), process_);
      process_ = 0;
      for (const int fd : {go_[0], go_[1], ready_[0], ready_[1]}) {
        ::close(fd);
      }
    }
  }

 private:
  int go_[2] = {};
  int ready_[2] = {};
  pid_t process_ = 0;
};

TEST(BrokerMemory, OfAWorkloadThatHasEndedIsUnmappedOnceAllItsDevicesAreReset) {
  BrokerRig rig;
  Workload workload{rig, {"gpu/0", "gpu/1"}};
  workload.end();
  const RawClient agent{rig.agent()};
  EXPECT_EQ(agent.ask("reset gpu/0").text, R"({"ok":true,"resets":1,"rung":"function"})");
  EXPECT_TRUE(memoryOf(rig.backend(0)).empty());  // the other one may still write into it
  EXPECT_EQ(agent.ask("reset gpu/1").text, R"({"ok":true,"resets":1,"rung":"function"})");
  EXPECT_EQ(memoryOf(rig.backend(1)), (std::vector<std::string>{"users 2", "unmap", "unmap"}));
  // Once is enough.
  agent.ask("reset gpu/1");
  EXPECT_EQ(memoryOf(rig.backend(1)).size(), 3u);
}

TEST(BrokerMemory, OfAWorkloadThatRunsIsLeftAlone) {
  BrokerRig rig;
  const Workload workload{rig, {"gpu/0"}};
  const RawClient agent{rig.agent()};
  for (const std::string device : {"gpu/0", "gpu/1"}) {
    EXPECT_TRUE(has(agent.ask("reset " + device), "\"ok\":true"));
  }
  EXPECT_TRUE(memoryOf(rig.backend(0)).empty());
  EXPECT_TRUE(memoryOf(rig.backend(1)).empty());
}

TEST(BrokerMemory, IsLeftAloneAfterAFailedReset) {
  BrokerRig rig;
  Workload workload{rig, {"gpu/0"}};
  workload.end();
  rig.backend(0).resetErrno = EIO;
  EXPECT_TRUE(has(RawClient{rig.agent()}.ask("reset gpu/0"), "AccessFailed"));
  EXPECT_TRUE(memoryOf(rig.backend(0)).empty());
}

TEST(BrokerMemory, IsLeftAloneWhenSomebodyHasTheDevicesWhomTheBrokerDidNotGiveThem) {
  BrokerRig rig;
  Workload workload{rig, {"gpu/0"}};
  workload.end();
  const RawClient agent{rig.agent()};
  agent.ask("get gpu/0");  // this process: the agent does not count
  rig.backend(0).users = {.processes = {::getpid(), 1}};
  agent.ask("reset gpu/0");
  EXPECT_EQ(memoryOf(rig.backend(0)), kDeclined);
}

TEST(BrokerMemory, IsLeftAloneWhenItCannotBeToldWhoHasTheDevices) {
  BrokerRig rig;
  Workload workload{rig, {"gpu/0"}};
  workload.end();
  rig.backend(0).users = {.complete = false};
  RawClient{rig.agent()}.ask("reset gpu/0");
  EXPECT_EQ(memoryOf(rig.backend(0)), kDeclined);
}

TEST(BrokerMemory, ThatWasLeftAloneIsUnmappedAtTheNextReset) {
  BrokerRig rig;
  Workload workload{rig, {"gpu/0"}};
  workload.end();
  const RawClient agent{rig.agent()};
  agent.ask("get gpu/0");
  setUsers(rig.backend(0), {.processes = {::getpid(), 1}});
  agent.ask("reset gpu/0");
  ASSERT_EQ(memoryOf(rig.backend(0)), kDeclined);
  setUsers(rig.backend(0), {.processes = {::getpid()}});
  EXPECT_EQ(agent.ask("reset gpu/0").text, R"({"ok":true,"resets":2,"rung":"function"})");
  std::vector<std::string> expected = kDeclined;
  expected.insert(expected.end(), {"users 2", "unmap", "unmap"});
  // By the device that was reset, the other one's entry of the two included.
  EXPECT_EQ(memoryOf(rig.backend(0)), expected);
  agent.ask("reset gpu/0");
  EXPECT_EQ(memoryOf(rig.backend(0)), expected);  // once is enough
}

TEST(BrokerMemory, IsUnmappedWhenAProcessEndsALittleLater) {
  BrokerRig rig;
  Workload workload{rig, {"gpu/0"}};
  workload.end();
  rig.backend(0).unmapErrnos = {EBUSY, EBUSY};
  EXPECT_EQ(RawClient{rig.agent()}.ask("reset gpu/0").text, R"({"ok":true,"resets":1,"rung":"function"})");
  EXPECT_EQ(memoryOf(rig.backend(0)), (std::vector<std::string>{"users 2", "refused", "users 2", "refused",
                                                                "users 2", "unmap", "unmap"}));
}

TEST(BrokerMemory, ThatCouldNotBeUnmappedIsTriedAgainAtTheNextResetAndTheWorkloadIsServedMeanwhile) {
  BrokerRig rig;
  Workload workload{rig, {"gpu/0"}};
  workload.end();
  const RawClient agent{rig.agent()};
  rig.backend(0).unmapErrnos = {EIO, EIO, EIO};
  EXPECT_EQ(agent.ask("reset gpu/0").text, R"({"ok":true,"resets":1,"rung":"function"})");
  EXPECT_EQ(memoryOf(rig.backend(0)),
            (std::vector<std::string>{"users 2", "refused", "users 2", "refused", "users 2", "refused"}));
  {
    Workload next{rig, {"gpu/1"}};
    EXPECT_EQ(agent.ask("reset gpu/0").text, R"({"ok":true,"resets":2,"rung":"function"})");
    EXPECT_EQ(memoryOf(rig.backend(0)).size(), 6u);  // it is in use
  }
  EXPECT_EQ(agent.ask("reset gpu/1").text, R"({"ok":true,"resets":1,"rung":"function"})");
  EXPECT_EQ(memoryOf(rig.backend(1)), (std::vector<std::string>{"users 2", "unmap", "unmap"}));
}

TEST(BrokerMemory, IsUnmappedBeforeTheNextWorkloadGetsTheDevices) {
  BrokerRig rig;
  Workload workload{rig, {"gpu/0"}};
  workload.end();
  const RawClient agent{rig.agent()};
  agent.ask("get gpu/0");
  rig.backend(0).users = {.processes = {::getpid()}};
  rig.backend(0).unmapStalled = true;
  agent.send("reset gpu/0");
  while (memoryOf(rig.backend(0)).empty()) {
    std::this_thread::sleep_for(1ms);
  }
  const RawClient next{rig.workload("trainer")};
  for (const std::string device : {"gpu/0", "gpu/1"}) {
    EXPECT_TRUE(has(next.ask("get " + device), R"("code":"Opening")"));
  }
  EXPECT_TRUE(has(RawClient{rig.agent()}.ask("list"), "gpu/0"));  // nobody else waits
  rig.backend(0).unmapStalled = false;
  EXPECT_EQ(agent.receive().text, R"({"ok":true,"resets":1,"rung":"function"})");
  EXPECT_TRUE(has(next.ask("get gpu/0"), "\"ok\":true"));
}

}  // namespace
}  // namespace transship::test
