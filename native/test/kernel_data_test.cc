// The data descriptor of a kernel driver's migration.
#include "vfio/kernel_data.hh"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <thread>

#include "support/driver.hh"
#include "support/kernel_machine.hh"
#include "vfio/abi.hh"
#include "vfio/kernel_abi.hh"

namespace transship::test {
namespace {

// A driver that fails the first transfers with these errnos, then works on the descriptor.
class Script final : public SystemCalls {
 public:
  std::deque<int> errors = {};
  std::deque<int> polls = {};
  int ioctlError = 0;
  std::function<void()> onPoll = {};

  ssize_t read(int fd, void* into, std::size_t length) override {
    return refused() ? -1 : SystemCalls::read(fd, into, length);
  }
  ssize_t write(int fd, const void* from, std::size_t length) override {
    return refused() ? -1 : SystemCalls::write(fd, from, length);
  }
  int poll(pollfd* fds, nfds_t count, int timeoutMs) override {
    polls.push_back(timeoutMs);
    if (onPoll) {
      onPoll();
    }
    return SystemCalls::poll(fds, count, timeoutMs);
  }
  int ioctl(int, unsigned long request, void* argument) override {
    EXPECT_EQ(request, vfio::request::kMigGetPrecopyInfo);
    auto* const info = static_cast<vfio::MigPrecopyInfo*>(argument);
    EXPECT_EQ(info->argsz, sizeof(*info));
    EXPECT_EQ(info->flags, 0u);
    *info = {.argsz = info->argsz, .flags = vfio::kPrecopyInfoReinit, .initial_bytes = 11, .dirty_bytes = 22};
    errno = ioctlError;
    return ioctlError == 0 ? 0 : -1;
  }

 private:
  bool refused() {
    if (errors.empty()) {
      return false;
    }
    errno = errors.front();
    errors.pop_front();
    return true;
  }
};

struct Pipe {
  UniqueFd readEnd;
  UniqueFd writeEnd;

  Pipe() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, 0), 0);
    readEnd.reset(ends[0]);
    writeEnd.reset(ends[1]);
  }
};

struct Rig {
  Script system = {};
  std::shared_ptr<Cancellation> cancellation = std::make_shared<Cancellation>();
  Pipe pipe = {};
  int number = pipe.readEnd.get();
  std::unique_ptr<vfio::KernelData> reader =
      std::make_unique<vfio::KernelData>(system, cancellation, std::move(pipe.readEnd));

  Result<std::size_t> read() {
    Bytes into(16);
    return reader->read(into);
  }
};

TEST(KernelData, ADescriptorIsNonBlockingClosesOnExecAndIsClosedOnce_V2_07) {
  Rig rig;
  EXPECT_NE(::fcntl(rig.number, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(rig.number, F_GETFD) & FD_CLOEXEC, 0);
  rig.reader.reset();
  EXPECT_EQ(::fcntl(rig.number, F_GETFD), -1);
}

TEST(KernelData, OneTransferIsOneCallAndZeroIsNoError) {
  Rig rig;
  ASSERT_EQ(::write(rig.pipe.writeEnd.get(), "abcde", 5), 5);
  auto some = rig.read();
  ASSERT_TRUE(some);
  EXPECT_EQ(*some, 5u);
  rig.pipe.writeEnd.reset();
  auto end = rig.read();
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, 0u);
}

TEST(KernelData, AnInterruptedCallIsMadeAgain_V2_12) {
  Rig rig;
  rig.system.errors = {EINTR, EINTR};
  ASSERT_EQ(::write(rig.pipe.writeEnd.get(), "x", 1), 1);
  EXPECT_EQ(*rig.read(), 1u);
}

TEST(KernelData, ADriverWithoutDataIsWaitedFor_V2_12) {
  Rig rig;
  std::jthread driver{[&] {
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    EXPECT_EQ(::write(rig.pipe.writeEnd.get(), "late", 4), 4);
  }};
  auto some = rig.read();
  ASSERT_TRUE(some);
  EXPECT_EQ(*some, 4u);
  EXPECT_EQ(rig.system.polls.size(), 1u);  // one wait, not a look now and then
}

TEST(KernelData, ADriverThatIsReadyTooEarlyIsNotAskedInABusyLoop) {
  Rig rig;
  ASSERT_EQ(::write(rig.pipe.writeEnd.get(), "x", 1), 1);
  rig.system.errors = {EAGAIN, EAGAIN, EAGAIN};
  EXPECT_EQ(*rig.read(), 1u);
  ASSERT_EQ(rig.system.polls.size(), 3u);
  EXPECT_GT(rig.system.polls[0], 100);
  EXPECT_GT(rig.system.polls[1], 0);
  EXPECT_GT(rig.system.polls[2], 0);
}

TEST(KernelData, ADriverThatStaysWithoutDataDoesNotHoldUpTheDevicesThread_V2_12) {
  Rig rig;
  const auto start = std::chrono::steady_clock::now();
  const auto nothing = rig.read();
  EXPECT_EQ(codeOf(nothing), "TRANSSHIP_ACCESS_FAILED");
  EXPECT_EQ(nothing.error().errorNumber, EAGAIN);
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds{150});
  // So does one that is ready by its own account and has nothing all the same.
  ASSERT_EQ(::write(rig.pipe.writeEnd.get(), "x", 1), 1);
  rig.system.errors.assign(10000, EAGAIN);
  EXPECT_EQ(rig.read().error().errorNumber, EAGAIN);
  EXPECT_GT(rig.system.errors.size(), 9000u);
  rig.system.errors.clear();
  EXPECT_EQ(*rig.read(), 1u);
}

TEST(KernelData, CancellationEndsTheWait) {
  Rig rig;
  std::jthread closer{[&] {
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    rig.cancellation->cancel();
  }};
  EXPECT_EQ(codeOf(rig.read()), "TRANSSHIP_CLOSED");
  EXPECT_EQ(codeOf(rig.read()), "TRANSSHIP_CLOSED");
}

TEST(KernelData, TheDevicesErrnoIsPassedOn) {
  Rig rig;
  rig.system.errors = {ENOMSG, ENODEV};
  for (const int expected : {ENOMSG, ENODEV}) {
    const auto refused = rig.read();
    EXPECT_EQ(codeOf(refused), "TRANSSHIP_ACCESS_FAILED");
    EXPECT_EQ(refused.error().errorNumber, expected);
  }
  Bytes from(4);
  rig.system.errors = {EFAULT};
  EXPECT_EQ(rig.reader->write(from).error().errorNumber, EFAULT);
}

TEST(KernelData, TellsWhatADriverTook) {
  Script system;
  Pipe pipe;
  vfio::KernelData writer{system, std::make_shared<Cancellation>(), std::move(pipe.writeEnd)};
  const Bytes much(1 << 20);
  auto taken = writer.write(much);
  ASSERT_TRUE(taken);
  EXPECT_GT(*taken, 0u);
  EXPECT_LT(*taken, much.size());
}

TEST(KernelData, AsksForThePrecopyEstimate_V2_16) {
  Rig rig;
  auto info = rig.reader->precopyInfo();
  ASSERT_TRUE(info);
  EXPECT_EQ(info->initialBytes, 11u);
  EXPECT_EQ(info->dirtyBytes, 22u);
  EXPECT_TRUE(info->reinit);
  rig.system.ioctlError = EINVAL;
  EXPECT_EQ(rig.reader->precopyInfo().error().errorNumber, EINVAL);
}

}  // namespace
}  // namespace transship::test
