#include "worker/device_host.hh"

namespace transship {

DeviceHost::DeviceHost(Opener opener)
    : opener_(std::move(opener)), cancellation_(std::make_shared<Cancellation>()) {}

DeviceHost::~DeviceHost() { close(nullptr); }

void DeviceHost::close(std::unique_ptr<Job> last) {
  cancellation_->cancel();
  connected_.store(false, std::memory_order_release);
  worker_.finish(std::move(last));
}

Result<migration::DeviceInfo> DeviceHost::open() {
  if (cancellation_->cancelled()) {
    return notOpen();
  }
  if (!cancellation_->usable()) {
    return Error{.code = ErrorCode::kConnectFailed,
                 .message = "the process has no file descriptors left",
                 .errorNumber = EMFILE};
  }
  try {
    auto session = opener_(cancellation_);
    if (!session) {
      return std::move(session.error());
    }
    session_ = std::move(*session);
    connected_.store(true, std::memory_order_release);
    return session_->info();
  } catch (const std::exception& unexpected) {
    return Error{.code = ErrorCode::kInternal, .message = unexpected.what()};
  }
}

void DeviceHost::dropSession() noexcept {
  connected_.store(false, std::memory_order_release);
  session_.reset();
}

Error DeviceHost::notOpen() const {
  return {.code = ErrorCode::kClosed,
          .message = cancellation_->cancelled() ? "the device was closed" : "the device is not open"};
}

void DeviceHost::noteError(const Error& error) noexcept {
  if (error.code == ErrorCode::kConnectionLost || error.code == ErrorCode::kClosed ||
      error.code == ErrorCode::kProtocolViolation) {
    connected_.store(false, std::memory_order_release);
  }
}

}  // namespace transship
