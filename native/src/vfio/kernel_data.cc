#include "vfio/kernel_data.hh"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "vfio/kernel_abi.hh"
#include "vfio/kernel_errors.hh"

namespace transship::vfio {
namespace {

// How long one transfer waits for the driver. The device has one thread, which has more to do than this.
constexpr std::chrono::milliseconds kPatience{200};
// Between two tries with a driver that reports data too early.
constexpr int kTryAgainMs = 5;

}  // namespace

KernelData::KernelData(SystemCalls& system, std::shared_ptr<Cancellation> cancellation, UniqueFd fd)
    : system_(system), cancellation_(std::move(cancellation)), fd_(std::move(fd)) {
  // Should either be refused, the descriptor works all the same: it then blocks, and close-on-exec (V2-07) is
  // what the kernel gives it anyway.
  if (const int flags = system_.fcntl(fd_.get(), F_GETFL, 0); flags >= 0) {
    system_.fcntl(fd_.get(), F_SETFL, flags | O_NONBLOCK);
  }
  system_.fcntl(fd_.get(), F_SETFD, FD_CLOEXEC);
}

template <typename Transfer>
Result<std::size_t> KernelData::transfer(const char* what, short events, Transfer&& once) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (bool waited = false;;) {
    if (cancellation_->cancelled()) {
      return Error{.code = ErrorCode::kClosed, .message = "the device was closed"};
    }
    const ssize_t moved = once();
    if (moved >= 0) {
      return static_cast<std::size_t>(moved);
    }
    if (errno == EINTR) {
      continue;
    }
    const int why = errno;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (why != EAGAIN || left.count() <= 0) {
      return systemError(ErrorCode::kAccessFailed, std::string("the device refused to ") + what, why);
    }
    // The second time in a row the driver's poll() cannot be relied on: wait by the clock.
    std::array<pollfd, 2> entries{{{.fd = cancellation_->fd(), .events = POLLIN, .revents = 0},
                                   {.fd = fd_.get(), .events = events, .revents = 0}}};
    system_.poll(entries.data(), waited ? 1 : 2, waited ? kTryAgainMs : static_cast<int>(left.count()));
    waited = true;
  }
}

Result<std::size_t> KernelData::read(std::span<std::byte> into) {
  return transfer("hand out data", POLLIN, [&] { return system_.read(fd_.get(), into.data(), into.size()); });
}

Result<std::size_t> KernelData::write(std::span<const std::byte> from) {
  return transfer("take data", POLLOUT, [&] { return system_.write(fd_.get(), from.data(), from.size()); });
}

Result<PrecopyInfo> KernelData::precopyInfo() {
  MigPrecopyInfo info{.argsz = sizeof(info), .flags = 0, .initial_bytes = 0, .dirty_bytes = 0};
  if (system_.ioctl(fd_.get(), request::kMigGetPrecopyInfo, &info) != 0) {
    const int why = errno;
    return systemError(ErrorCode::kAccessFailed, "the device refused VFIO_MIG_GET_PRECOPY_INFO", why);
  }
  return PrecopyInfo{.initialBytes = info.initial_bytes,
                     .dirtyBytes = info.dirty_bytes,
                     .reinit = (info.flags & kPrecopyInfoReinit) != 0};
}

}  // namespace transship::vfio
