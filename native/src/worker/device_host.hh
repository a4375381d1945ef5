#pragma once

#include <atomic>
#include <cerrno>
#include <exception>
#include <functional>
#include <memory>
#include <new>

#include "common/cancellation.hh"
#include "common/error.hh"
#include "migration/session.hh"
#include "worker/worker.hh"

namespace transship {

/// One device with its own thread. Jobs run in the order they were posted, and everything that touches the
/// device runs in a job; close() may be called at any moment and unblocks the one that is running.
class DeviceHost {
 public:
  using Opener = std::function<Result<std::unique_ptr<migration::Session>>(std::shared_ptr<Cancellation>)>;

  /// Throws std::system_error when the system has no thread left.
  explicit DeviceHost(Opener opener);
  DeviceHost(const DeviceHost&) = delete;
  DeviceHost& operator=(const DeviceHost&) = delete;
  ~DeviceHost();

  // From the owner's thread.

  /// Queues a job; gives it back when it was not taken: after close(), or when too many are waiting.
  [[nodiscard]] std::unique_ptr<Job> post(std::unique_ptr<Job> job) { return worker_.post(std::move(job)); }

  /// Interrupts what is running, lets what is queued fail with kClosed, and runs `last`, which should call
  /// dropSession(). Bounded: no job waits for the device any more.
  void close(std::unique_ptr<Job> last);

  /// Waits for the thread after close().
  void join() { worker_.join(); }

  [[nodiscard]] bool connected() const noexcept {
    return connected_.load(std::memory_order_acquire) && !closed();
  }
  [[nodiscard]] bool closed() const noexcept { return cancellation_->cancelled(); }

  // From jobs.

  /// Opens the device.
  Result<migration::DeviceInfo> open();

  /// Runs `work` on the open device. kClosed once close() was called.
  template <typename T>
  Result<T> execute(const std::function<Result<T>(migration::Session&)>& work);

  /// Lets go of the device: its connection ends here.
  void dropSession() noexcept;

 private:
  [[nodiscard]] Error notOpen() const;
  void noteError(const Error& error) noexcept;

  Opener opener_;
  std::shared_ptr<Cancellation> cancellation_;
  std::unique_ptr<migration::Session> session_;
  std::atomic<bool> connected_{false};
  Worker worker_;  // last: its thread uses all of the above
};

template <typename T>
Result<T> DeviceHost::execute(const std::function<Result<T>(migration::Session&)>& work) {
  if (!session_ || cancellation_->cancelled()) {
    return notOpen();
  }
  try {
    Result<T> result = work(*session_);
    if (!result) {
      noteError(result.error());
    }
    return result;
  } catch (const std::bad_alloc&) {
    return Error{
        .code = ErrorCode::kOutOfMemory, .message = "the process is out of memory", .errorNumber = ENOMEM};
  } catch (const std::exception& unexpected) {
    return Error{.code = ErrorCode::kInternal, .message = unexpected.what()};
  }
}

}  // namespace transship
