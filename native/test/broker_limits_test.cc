// What clients cannot use up of the broker: its thread, its descriptors, the room for holders.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <thread>

#include "support/broker_rig.hh"

namespace transship::test {
namespace {

using namespace std::chrono_literals;

TEST(BrokerLimits, OnlyTheAgentCanPassDescriptors) {
  BrokerRig rig;
  const RawClient workload{rig.workload("trainer")};
  EXPECT_TRUE(has(workload.ask("list"), "gpu/0"));
  // Since Linux 6.16 the kernel refuses them to the sender.
  if (broker::sendPacket(workload.fd(), "list", {0, 1})) {
    EXPECT_TRUE(refused(workload.receive(), "BadRequest"));
    EXPECT_TRUE(workload.receive().ended);
  } else {
    EXPECT_EQ(errno, EPERM);
  }
  EXPECT_TRUE(has(RawClient{rig.agent()}.ask("list", {0, 1}), "gpu/0"));
}

TEST(BrokerLimits, RefusedDescriptorsMakeARequestThatIsNone) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd from{ends[0]};
  const UniqueFd to{ends[1]};
  ASSERT_TRUE(broker::sendPacket(from.get(), "list", {0}));
  const broker::Packet refused = broker::receivePacket(to.get(), 512, broker::Descriptors::kRefused);
  EXPECT_EQ(refused.kind, broker::Packet::Kind::kTooLong);
  EXPECT_EQ(refused.descriptors.size(), 1u);  // for somebody else to close
  ASSERT_TRUE(broker::sendPacket(from.get(), "list", {0}));
  EXPECT_EQ(broker::receivePacket(to.get(), 512).descriptors.size(), 1u);
}

// Lets descriptors through to the broker of this process, as kernels before Linux 6.16 do. Connections
// inherit it from the listener.
void passDescriptors(const std::string& path) {
  constexpr int kPassRights = 83;
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_un address{};
    socklen_t length = sizeof(address);
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
        address.sun_family == AF_UNIX && path == static_cast<const char*>(address.sun_path)) {
      const int on = 1;
      [[maybe_unused]] const int old = ::setsockopt(fd, SOL_SOCKET, kPassRights, &on, sizeof(on));
    }
  }
}

// A TCP socket whose close waits until its data is taken, for as long as that takes.
class Lingering {
 public:
  Lingering() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), generic, length), 0);
    EXPECT_EQ(::listen(listener_.get(), 1), 0);
    EXPECT_EQ(::getsockname(listener_.get(), generic, &length), 0);
    socket_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(socket_.get(), generic, length), 0);
    peer_.reset(::accept(listener_.get(), nullptr, nullptr));
    const std::vector<char> data(64 * 1024);
    while (::send(socket_.get(), data.data(), data.size(), MSG_DONTWAIT) > 0) {
    }
    const linger wait{.l_onoff = 1, .l_linger = 600};
    EXPECT_EQ(::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &wait, sizeof(wait)), 0);
  }

  [[nodiscard]] int fd() const { return socket_.get(); }
  // Whoever got it has the last descriptor then.
  void forget() { socket_.reset(); }
  // Ends the wait.
  void hangUp() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    EXPECT_EQ(::setsockopt(peer_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    peer_.reset();
  }

 private:
  UniqueFd listener_;
  UniqueFd socket_;
  UniqueFd peer_;
};

TEST(BrokerLimits, ADescriptorWhoseCloseBlocksHoldsUpNobodyButItsSender) {
  BrokerRig rig;
  passDescriptors(rig.workload("trainer"));
  Lingering received;
  Lingering dropped;
  {
    const RawClient workload{rig.workload("trainer")};
    workload.send("list", {received.fd()});
    workload.send("list", {dropped.fd()});  // in flight when the connection ends
    received.forget();
    dropped.forget();
    EXPECT_TRUE(refused(workload.receive(), "BadRequest"));
  }
  EXPECT_TRUE(has(RawClient{rig.agent()}.ask("list"), "gpu/0"));
  EXPECT_TRUE(has(RawClient{rig.workload("other")}.ask("list"), "gpu/2"));
  const RawClient next{rig.workload("trainer")};
  next.send("list");
  pollfd reply{.fd = next.fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&reply, 1, 200), 0);  // not before all of that is closed
  received.hangUp();
  dropped.hangUp();
  EXPECT_TRUE(has(next.receive(), "gpu/0"));
}

TEST(BrokerLimits, WithoutDescriptorsForConnectionsItWaitsInsteadOfSpinning) {
  BrokerRig rig;
  for (std::size_t i = 0; i < 4; ++i) {
    rig.await(i, true);
  }
  const RawClient agent{rig.agent()};
  agent.ask("list");
  const UniqueFd waiting{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  rig.agent().copy(static_cast<char*>(address.sun_path), sizeof(address.sun_path) - 1);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  // The lowest free number: a lower limit would also refuse poll(2) its entries.
  const int lowest = UniqueFd{::dup(0)}.get();
  const rlimit none{.rlim_cur = static_cast<rlim_t>(lowest), .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const int connected =
      ::connect(waiting.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const std::clock_t start = std::clock();  // of all threads; this one sleeps
  std::this_thread::sleep_for(500ms);
  const double busy = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  const bool served = broker::sendPacket(agent.fd(), "list") && agent.receive().text.size() > 2;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(connected, 0);
  EXPECT_LT(busy, 0.15);
  EXPECT_TRUE(served);  // who is connected is served meanwhile
  ASSERT_TRUE(broker::sendPacket(waiting.get(), "list"));
  pollfd reply{.fd = waiting.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&reply, 1, 10000), 1);  // and the other one once there are descriptors again
}

TEST(BrokerLimits, AWorkloadsProcessesDoNotLockTheAgentOut) {
  broker::Holders holders;
  std::vector<pid_t> children;
  for (std::size_t i = 0; i <= broker::Holders::kMaxWorkload; ++i) {
    children.push_back(::fork());
    if (children.back() == 0) {
      ::pause();
      ::_exit(0);
    }
    EXPECT_EQ(holders.add(children.back(), "workload"), i < broker::Holders::kMaxWorkload) << i;
  }
  EXPECT_TRUE(holders.add(children[0], "workload"));
  EXPECT_TRUE(holders.add(::getpid(), "agent"));
  for (const pid_t child : children) {
    EXPECT_EQ(::kill(child, SIGKILL), 0);
    EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  }
  EXPECT_EQ(holders.list().size(), 1u);
}

}  // namespace
}  // namespace transship::test
