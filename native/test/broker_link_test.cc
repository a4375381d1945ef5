// Giving a device back to a broker that does not take it at the first try.
#include "vfio/broker_link.hh"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "broker/socket.hh"

namespace transship::test {
namespace {

using namespace std::chrono_literals;

// Listens like a broker and answers the n-th `adopt` with the n-th reply, at last with the last one; an empty
// one ends the connection.
class Answers {
 public:
  explicit Answers(std::vector<std::string> replies)
      : path_(folder_ + "/agent.sock"), listener_(broker::listenPackets(path_, 0600, ::geteuid())) {
    thread_ = std::jthread([this, replies = std::move(replies)](const std::stop_token& stop) {
      std::vector<UniqueFd> open;
      while (!stop.stop_requested()) {
        pollfd entry{.fd = listener_.get(), .events = POLLIN, .revents = 0};
        if (::poll(&entry, 1, 5) <= 0) {
          continue;
        }
        UniqueFd client = broker::acceptPackets(listener_.get());
        pollfd request{.fd = client.get(), .events = POLLIN, .revents = 0};
        EXPECT_EQ(::poll(&request, 1, 10000), 1);
        const broker::Packet packet = broker::receivePacket(client.get(), 512);
        EXPECT_EQ(packet.text, "adopt gpu/0 old 3 2 0");
        EXPECT_EQ(packet.descriptors.size(), 1u);
        const std::size_t number = asked++;
        const std::string& reply = replies[std::min(number, replies.size() - 1)];
        if (!reply.empty()) {
          EXPECT_TRUE(broker::sendPacket(client.get(), reply));
          open.push_back(std::move(client));
        }
      }
    });
  }
  ~Answers() {
    thread_.request_stop();
    thread_.join();
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }

  std::atomic<std::size_t> asked = 0;

  [[nodiscard]] const std::string& path() const { return path_; }
  void await(std::size_t times) const {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (asked < times && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(5ms);
    }
    EXPECT_GE(asked, times);
  }

 private:
  std::string name_ = "/tmp/transship-answers-XXXXXX";
  std::string folder_ = ::mkdtemp(name_.data());
  std::string path_;
  UniqueFd listener_;
  std::jthread thread_;
};

std::string refusal(const std::string& code) {
  return R"({"ok":false,"code":")" + code + R"(","error":"a","errno":0})";
}

struct Link {
  SystemCalls system = {};
  vfio::BrokerLink link;

  explicit Link(const std::string& path)
      : link(system, path, "gpu/0", {.instance = "old", .opens = 3, .resets = 2},
             UniqueFd{::open("/dev/null", O_RDWR | O_CLOEXEC)}, nullptr) {}
};

TEST(BrokerLink, ABrokerThatCouldNotTakeTheDeviceIsAskedAgainUntilItDoes) {
  Answers answers{{refusal("Failed"), refusal("AccessFailed"), "", R"({"ok":true})"}};
  const Link link{answers.path()};
  answers.await(4);
  std::this_thread::sleep_for(800ms);
  EXPECT_EQ(answers.asked, 4u);  // what it has, it is not given again
}

TEST(BrokerLink, RefusalsAreRetriedMoreAndMoreRarely) {
  Answers answers{{refusal("Failed")}};
  const Link link{answers.path()};
  std::this_thread::sleep_for(2s);
  // After 0.16 to 0.48 s, another 0.32 to 0.96 s, another 0.64 to 1.92 s.
  EXPECT_GE(answers.asked, 2u);
  EXPECT_LE(answers.asked, 4u);
}

TEST(BrokerLink, ABrokerThatHasTheDeviceItselfIsNotAskedAgain) {
  Answers answers{{refusal("DeviceBusy")}};
  const Link link{answers.path()};
  answers.await(1);
  std::this_thread::sleep_for(1s);
  EXPECT_EQ(answers.asked, 1u);
}

}  // namespace
}  // namespace transship::test
