#include "worker/worker.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "support/driver.hh"
#include "support/scripted_server.hh"
#include "vfio/user_device.hh"
#include "worker/device_host.hh"

namespace transship {
namespace {

class FunctionJob final : public Job {
 public:
  explicit FunctionJob(std::function<void()> work) : work_(std::move(work)) {}
  void run() override { work_(); }

 private:
  std::function<void()> work_;
};

std::unique_ptr<Job> job(std::function<void()> work) {
  return std::make_unique<FunctionJob>(std::move(work));
}

TEST(Worker, RunsJobsInTheOrderTheyWerePosted) {
  std::vector<int> order;
  {
    Worker worker;
    for (int i = 0; i < 200; ++i) {
      EXPECT_EQ(worker.post(job([&order, i] { order.push_back(i); })), nullptr);
    }
  }
  ASSERT_EQ(order.size(), 200u);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Worker, GivesBackWhatItCannotTake) {
  std::promise<void> go;
  std::promise<void> started;
  Worker worker;
  ASSERT_EQ(worker.post(job([&] {
    started.set_value();
    go.get_future().wait();
  })),
            nullptr);
  started.get_future().wait();
  for (std::size_t i = 0; i < Worker::kMaxQueued; ++i) {
    ASSERT_EQ(worker.post(job([] {})), nullptr);
  }
  EXPECT_NE(worker.post(job([] {})), nullptr);
  bool last = false;
  worker.finish(job([&last] { last = true; }));
  EXPECT_NE(worker.post(job([] {})), nullptr);
  go.set_value();
  worker.join();
  EXPECT_TRUE(last);
}

void aSlowDeviceDoesNotHoldUpAnother() {
  std::promise<void> go;
  std::promise<void> started;
  std::promise<void> other;
  Worker slow;
  Worker quick;
  ASSERT_EQ(slow.post(job([&] {
    started.set_value();
    go.get_future().wait();
  })),
            nullptr);
  started.get_future().wait();
  ASSERT_EQ(quick.post(job([&other] { other.set_value(); })), nullptr);
  EXPECT_EQ(other.get_future().wait_for(std::chrono::seconds{2}), std::future_status::ready);
  go.set_value();
}

TEST(Worker, V1_28_ADeviceThatTakesLongDoesNotHoldUpAnother) { aSlowDeviceDoesNotHoldUpAnother(); }

TEST(Worker, V2_37_ADeviceThatTakesLongDoesNotHoldUpAnother) { aSlowDeviceDoesNotHoldUpAnother(); }

TEST(Worker, V2_37_TheCallersThreadTouchesNoDevice) {
  std::promise<std::thread::id> ran;
  Worker worker;
  ASSERT_EQ(worker.post(job([&ran] { ran.set_value(std::this_thread::get_id()); })), nullptr);
  EXPECT_NE(ran.get_future().get(), std::this_thread::get_id());
}

TEST(Worker, V2_39_WhatWaitsForAStuckDeviceIsNotPiledOnIt) {
  std::promise<void> go;
  std::promise<void> started;
  std::atomic<bool> second{false};
  Worker worker;
  ASSERT_EQ(worker.post(job([&] {
    started.set_value();
    go.get_future().wait_for(std::chrono::seconds{2});
  })),
            nullptr);
  started.get_future().wait();
  ASSERT_EQ(worker.post(job([&second] { second = true; })), nullptr);
  EXPECT_FALSE(second);
  go.set_value();
  worker.finish(nullptr);
  worker.join();
  EXPECT_TRUE(second);
}

// A device whose reset never answers.
struct StuckDevice {
  std::promise<void> asked;
  std::promise<void> release;
  test::ScriptedServer server{[this](test::Peer& peer) {
    peer.greet("{}", 0);
    peer.receive();
    asked.set_value();
    release.get_future().wait();
  }};
  SystemCalls system = {};
};

/// Not a migration device: only what reaches the door matters here.
class DoorOnly final : public migration::Session {
 public:
  explicit DoorOnly(std::unique_ptr<vfio::Device> device) : device_(std::move(device)) {}

  const migration::DeviceInfo& info() const override { return info_; }
  Result<migration::DeviceState> state() override { return migration::DeviceState::kRunning; }
  Result<std::uint32_t> rawState() override { return 1u; }
  Status arc(migration::DeviceState) override { return Done{}; }
  Status reset() override { return device_->reset(); }
  Result<migration::NextSegment> nextSegment() override { return migration::NextSegment{}; }
  Result<migration::Piece> readSegment(std::span<std::byte>) override { return migration::Piece{}; }
  Result<std::uint64_t> pendingBytes() override { return std::uint64_t{0}; }
  Status beginSegment(std::uint64_t) override { return Done{}; }
  Status writeSegment(std::span<const std::byte>) override { return Done{}; }
  Status commitSegment() override { return Done{}; }
  Result<std::optional<std::uint64_t>> stopCopySize() override { return std::optional<std::uint64_t>{}; }
  Result<std::optional<vfio::PrecopyInfo>> precopyInfo() override {
    return std::optional<vfio::PrecopyInfo>{};
  }
  Result<std::uint64_t> startDmaLogging(std::span<const vfio::IovaRange>, std::uint64_t pageSize) override {
    return pageSize;
  }
  Result<std::vector<std::byte>> reportDmaLogging(vfio::IovaRange) override {
    return std::vector<std::byte>{};
  }
  Status stopDmaLogging() override { return Done{}; }
  Status readConfig(std::uint64_t, std::span<std::byte>) override { return Done{}; }
  Status writeConfig(std::uint64_t, std::span<const std::byte>) override { return Done{}; }
  Status regionRead(std::uint32_t, std::uint64_t, std::span<std::byte>) override { return Done{}; }
  Status regionWrite(std::uint32_t, std::uint64_t, std::span<const std::byte>) override { return Done{}; }

 private:
  std::unique_ptr<vfio::Device> device_;
  migration::DeviceInfo info_;
};

TEST(DeviceHost, CloseWhileBlockedFailsWhatRunsAndWhatWaitsAndEndsTheThread) {
  StuckDevice stuck;
  DeviceHost host{
      [&stuck](std::shared_ptr<Cancellation> cancellation) -> Result<std::unique_ptr<migration::Session>> {
        auto device =
            vfio_user::UserDevice::open(stuck.system, std::move(cancellation), stuck.server.path(), {});
        if (!device) {
          return std::move(device.error());
        }
        return std::unique_ptr<migration::Session>{std::make_unique<DoorOnly>(std::move(*device))};
      }};
  std::vector<std::string> codes;
  ASSERT_EQ(host.post(job([&] { codes.push_back(test::codeOf(host.open())); })), nullptr);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(host.post(job([&] {
      codes.push_back(
          test::codeOf(host.execute<Done>([](migration::Session& session) { return session.reset(); })));
    })),
              nullptr);
  }
  stuck.asked.get_future().wait();
  EXPECT_TRUE(host.connected());
  host.close(job([&host] { host.dropSession(); }));
  host.join();
  EXPECT_EQ(codes, (std::vector<std::string>{"no error", "TRANSSHIP_CLOSED", "TRANSSHIP_CLOSED"}));
  EXPECT_FALSE(host.connected());
  EXPECT_NE(host.post(job([] {})), nullptr);
  stuck.release.set_value();
}

TEST(DeviceHost, CloseDuringOpenEndsIt) {
  std::promise<void> release;
  const test::ScriptedServer silent{[&release](test::Peer&) { release.get_future().wait(); }};
  SystemCalls system;
  std::promise<void> opening;
  DeviceHost host{
      [&](std::shared_ptr<Cancellation> cancellation) -> Result<std::unique_ptr<migration::Session>> {
        opening.set_value();
        auto device = vfio_user::UserDevice::open(system, std::move(cancellation), silent.path(),
                                                  {.timeout = std::chrono::milliseconds{60'000}});
        return std::move(device.error());
      }};
  std::string code;
  ASSERT_EQ(host.post(job([&] { code = test::codeOf(host.open()); })), nullptr);
  opening.get_future().wait();
  host.close(nullptr);
  host.join();
  EXPECT_EQ(code, "TRANSSHIP_CLOSED");
  release.set_value();
}

TEST(DeviceHost, WhatAJobThrowsIsAnError) {
  DeviceHost host{[](std::shared_ptr<Cancellation>) -> Result<std::unique_ptr<migration::Session>> {
    return std::unique_ptr<migration::Session>{std::make_unique<DoorOnly>(nullptr)};
  }};
  std::vector<std::string> codes;
  ASSERT_EQ(host.post(job([&] {
    codes.push_back(test::codeOf(host.open()));
    codes.push_back(
        test::codeOf(host.execute<Done>([](migration::Session&) -> Status { throw std::bad_alloc{}; })));
    codes.push_back(test::codeOf(
        host.execute<Done>([](migration::Session&) -> Status { throw std::runtime_error{"x"}; })));
  })),
            nullptr);
  host.close(nullptr);
  host.join();
  // close() may have come first: then nothing was opened.
  EXPECT_EQ(codes.size(), 3u);
}

}  // namespace
}  // namespace transship
