// Who has a device open, by what the system tells: after a broker has ended, nobody else knows.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "broker/file_users.hh"
#include "support/broker_rig.hh"
#include "support/driver.hh"
#include "vfio/broker_door.hh"

namespace transship::test {
namespace {

namespace fs = std::filesystem;
using broker::FileUsers;
using broker::usersOf;

// A process with the descriptors of this one, until the end of the test.
class Child {
 public:
  Child() {
    EXPECT_EQ(::pipe(go_), 0);
    process_ = ::fork();
    if (process_ == 0) {
      ::close(go_[1]);
      char byte = 0;
      [[maybe_unused]] const auto got = ::read(go_[0], &byte, 1);
      ::_exit(0);
    }
  }
  ~Child() {
    ::close(go_[1]);
    EXPECT_EQ(::waitpid(process_, nullptr, 0), process_);
    ::close(go_[0]);
  }
  [[nodiscard]] pid_t id() const { return process_; }

 private:
  int go_[2] = {};
  pid_t process_ = 0;
};

UniqueFd memoryFile() { return UniqueFd{::memfd_create("device", 0)}; }

bool among(const FileUsers& users, pid_t process) {
  return std::ranges::find(users.processes, process) != users.processes.end();
}

TEST(BrokerUsers, AreTheProcessesWithADuplicateOfTheVeryFile) {
  SystemCalls system;
  const UniqueFd shared = memoryFile();
  const Child child;
  const UniqueFd another = memoryFile();  // of the same name
  const std::vector<int> both{another.get(), shared.get()};
  EXPECT_TRUE(among(usersOf(system, "/proc", both), child.id()));
  EXPECT_FALSE(among(usersOf(system, "/proc", both), ::getpid()));
  const std::vector<int> one{another.get()};
  EXPECT_TRUE(usersOf(system, "/proc", one).processes.empty());
}

TEST(BrokerUsers, AreNotCompleteWhereAProcessCannotBeLookedInto) {
  class Guarded final : public SystemCalls {
    int sameFile(int, pid_t, int) override {
      errno = EPERM;
      return -1;
    }
  };
  Guarded guarded;
  const UniqueFd file = memoryFile();
  const Child child;
  const std::vector<int> files{file.get()};
  const FileUsers users = usersOf(guarded, "/proc", files);
  EXPECT_FALSE(users.complete);
  EXPECT_TRUE(users.processes.empty());
}

TEST(BrokerUsers, AreNotCompleteInAnotherPidNamespace) {
  SystemCalls system;
  std::string name = (fs::temp_directory_path() / "transship-procfs-XXXXXX").string();
  const std::string procfs = ::mkdtemp(name.data());
  fs::create_directories(procfs + "/self/ns");
  fs::create_symlink("pid:[4026531836]", procfs + "/self/ns/pid");
  EXPECT_TRUE(usersOf(system, procfs, {}).complete);
  fs::remove(procfs + "/self/ns/pid");
  fs::create_symlink("pid:[4026532001]", procfs + "/self/ns/pid");
  EXPECT_FALSE(usersOf(system, procfs, {}).complete);
  fs::remove_all(procfs);
}

// The device's file as the agent has it, for `adopt`.
UniqueFd duplicateOf(const RawClient& agent, const std::string& device) {
  BrokerMessage reply = agent.ask("get " + device);
  EXPECT_EQ(reply.descriptors.size(), 2u);
  return std::move(reply.descriptors.at(0));
}

BrokerMessage takenOver(BrokerRig& rig, FileUsers users) {
  const UniqueFd device = duplicateOf(RawClient{rig.agent()}, "gpu/1");
  rig.restart("instance-2");
  rig.backend(1).users = std::move(users);
  const RawClient agent{rig.agent()};
  EXPECT_EQ(agent.ask("adopt gpu/1 instance-1 1 0 0", {device.get()}).text, R"({"ok":true})");
  rig.await(1, true);
  return agent.ask("info gpu/1");
}

TEST(BrokerUsers, OfADeviceThatWasTakenOverAreItsHolders) {
  BrokerRig rig;
  const Child child;
  const BrokerMessage info = takenOver(rig, {.processes = {::getpid(), child.id()}});
  EXPECT_TRUE(has(info, R"({"pid":)" + std::to_string(child.id()))) << info.text;
  EXPECT_TRUE(has(info, R"("role":"workload"})"));
  EXPECT_TRUE(has(info, R"("role":"agent"})"));  // who gave it
  EXPECT_TRUE(has(info, R"("holdersKnown":true)"));
}

TEST(BrokerUsers, ThatCannotAllBeToldAreSaidToBeUnknown) {
  BrokerRig rig;
  const BrokerMessage info = takenOver(rig, {.complete = false});
  EXPECT_TRUE(has(info, R"("holdersKnown":false)")) << info.text;
}

}  // namespace
}  // namespace transship::test
