#pragma once

#include <napi.h>

#include <memory>

#include "binding/call.hh"
#include "worker/device_host.hh"

namespace transship::binding {

/// Everything asynchronous of one device: hands calls to the device's thread, carries them back to the
/// JavaScript thread in order, and keeps the event loop alive exactly while a promise is unsettled.
/// Belongs to the JavaScript thread.
class PromiseQueue {
 public:
  PromiseQueue(Napi::Env env, DeviceHost::Opener opener);
  PromiseQueue(const PromiseQueue&) = delete;
  PromiseQueue& operator=(const PromiseQueue&) = delete;
  /// Closes the device if nobody has, and waits for its thread, which nothing can block any more.
  ~PromiseQueue();

  /// Queues the call and returns its promise. A full queue or a closed device rejects it at once.
  Napi::Value run(Napi::Env env, std::unique_ptr<Call> call);

  /// Interrupts what is running and queues the call as the last one; the device's thread has ended when its
  /// promise settles. To be called once.
  Napi::Value close(Napi::Env env, std::unique_ptr<Call> last);

  [[nodiscard]] const DeviceHost& host() const noexcept { return host_; }

 private:
  class CallJob;
  static void callJs(Napi::Env env, Napi::Function unused, PromiseQueue* queue, Call* call);
  using Channel = Napi::TypedThreadSafeFunction<PromiseQueue, Call, &PromiseQueue::callJs>;

  std::unique_ptr<Job> wrap(Napi::Env env, std::unique_ptr<Call> call);
  /// From the device's thread.
  void deliver(std::unique_ptr<Call> call);
  void settle(Napi::Env env, Call& call);
  static void onEnvironmentEnd(void* queue);

  napi_env env_;
  Channel channel_;
  std::size_t unsettled_ = 0;
  bool environmentEnded_ = false;
  DeviceHost host_;  // last: its thread delivers through the channel
};

}  // namespace transship::binding
