#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "broker/devices.hh"
#include "broker/server.hh"
#include "common/unique_fd.hh"

namespace transship::test {

/// What stands behind a broker's device in tests: a file in memory, and how opening and resetting it goes.
struct FakeBackend {
  std::mutex mutex = {};
  /// The next tries to open fail like that.
  std::deque<Error> openErrors = {};
  /// The next reset fails like that; 0 lets it pass.
  int resetErrno = 0;
  /// It takes the reset of its bus instead.
  bool busHelps = false;
  std::string content = "state of the device";
  bool withIommu = true;
  pid_t process = 0;
  int opened = 0;
  int resets = 0;
  /// Who has the device open, as the system tells.
  broker::FileUsers users = {};
  /// The next tries to unmap fail like that.
  std::deque<int> unmapErrnos = {};
  /// What happened to the memory, by the number of devices looked at: "users 2", "unmap".
  std::vector<std::string> memory = {};
  std::atomic<bool> present = true;
  /// Resets wait while this is true.
  std::atomic<bool> stalled = false;
  /// And unmapping while this is.
  std::atomic<bool> unmapStalled = false;
  /// Readable once the host wants the device back.
  UniqueFd removal = {};
  /// Shared by the devices of a workload.
  std::shared_ptr<vfio::IommuFile> iommu = {};

  void askBack();
};

/// Opens a FakeBackend.
class FakeOpener final : public broker::DeviceOpener {
 public:
  explicit FakeOpener(std::shared_ptr<FakeBackend> backend) : backend_(std::move(backend)) {}
  Result<broker::HeldDevice> open() override;
  Result<broker::ResetDone> reset(const broker::HeldDevice& device) override;
  Result<broker::HeldDevice> adopt(vfio::OpenedDevice file) override;
  broker::FileUsers users(std::span<const std::shared_ptr<const broker::HeldDevice>> devices) override;
  Status unmapAll(const broker::HeldDevice& device) override;

 private:
  broker::HeldDevice held(vfio::OpenedDevice file);

  std::shared_ptr<FakeBackend> backend_;
};

constexpr broker::KeeperTiming kFast{.firstRetry = std::chrono::milliseconds{1},
                                     .mostRetry = std::chrono::milliseconds{5},
                                     .check = std::chrono::milliseconds{5}};

/// A broker in this process, with real sockets in a folder of its own: the workload "trainer" has gpu/0 and
/// gpu/1, "other" has gpu/2, and gpu/3 belongs to nobody.
class BrokerRig {
 public:
  explicit BrokerRig(uid_t agentUid = ::geteuid(), const std::string& instance = "instance-1");
  BrokerRig(const BrokerRig&) = delete;
  BrokerRig& operator=(const BrokerRig&) = delete;
  ~BrokerRig();

  [[nodiscard]] std::string agent() const { return folder_ + "/agent.sock"; }
  [[nodiscard]] std::string workload(const std::string& name) const { return folder_ + "/" + name + ".sock"; }
  [[nodiscard]] FakeBackend& backend(std::size_t index) { return *backends_[index]; }
  /// Waits until the device is open, or is not.
  void await(std::size_t index, bool open);
  /// Ends the broker: its sockets and descriptors are gone.
  void end();
  /// Another broker process in its place, which finds every device held by somebody else.
  void restart(const std::string& instance);

 private:
  void begin(const std::string& instance);

  uid_t agentUid_;
  std::string folder_;
  std::vector<std::shared_ptr<FakeBackend>> backends_;
  broker::Devices devices_;
  std::unique_ptr<broker::Server> server_;
  UniqueFd stop_;
  std::thread thread_;
};

struct BrokerMessage {
  bool ended = false;
  std::string text = {};
  std::vector<UniqueFd> descriptors = {};
};

[[nodiscard]] bool has(const BrokerMessage& message, const std::string& part);
/// Says this code, and brings no descriptor.
[[nodiscard]] bool refused(const BrokerMessage& message, const std::string& code);

/// A client that sends what it is told, right or wrong.
class RawClient {
 public:
  explicit RawClient(const std::string& path);
  void send(const std::string& text, const std::vector<int>& descriptors = {}) const;
  [[nodiscard]] BrokerMessage receive(std::chrono::milliseconds timeout = std::chrono::seconds{10}) const;
  BrokerMessage ask(const std::string& text, const std::vector<int>& descriptors = {}) const;
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

/// All bytes of a file, from its start.
std::string contentOf(int fd);

}  // namespace transship::test
