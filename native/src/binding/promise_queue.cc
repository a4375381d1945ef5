#include "binding/promise_queue.hh"

#include <utility>

namespace transship::binding {

/// What the device's thread runs: the call, then its way back.
class PromiseQueue::CallJob final : public Job {
 public:
  CallJob(PromiseQueue& queue, std::unique_ptr<Call> call) : queue_(queue), call_(std::move(call)) {}

  void run() override {
    call_->execute(queue_.host_);
    queue_.deliver(std::move(call_));
  }

  std::unique_ptr<Call> takeBack() { return std::move(call_); }

 private:
  PromiseQueue& queue_;
  std::unique_ptr<Call> call_;
};

PromiseQueue::PromiseQueue(Napi::Env env, DeviceHost::Opener opener)
    : env_(env), channel_(Channel::New(env, "transship device", 0, 1, this)), host_(std::move(opener)) {
  channel_.Unref(env);
  // Hooks run in reverse order, so the device's thread ends before the channel does.
  napi_add_env_cleanup_hook(env_, &PromiseQueue::onEnvironmentEnd, this);
}

PromiseQueue::~PromiseQueue() {
  if (environmentEnded_) {
    return;
  }
  napi_remove_env_cleanup_hook(env_, &PromiseQueue::onEnvironmentEnd, this);
  host_.close(nullptr);
  host_.join();
  channel_.Release();
}

void PromiseQueue::onEnvironmentEnd(void* queue) {
  auto* const self = static_cast<PromiseQueue*>(queue);
  self->environmentEnded_ = true;
  self->host_.close(nullptr);
  self->host_.join();
}

std::unique_ptr<Job> PromiseQueue::wrap(Napi::Env env, std::unique_ptr<Call> call) {
  if (unsettled_++ == 0) {
    channel_.Ref(env);
  }
  return std::make_unique<CallJob>(*this, std::move(call));
}

Napi::Value PromiseQueue::run(Napi::Env env, std::unique_ptr<Call> call) {
  const Napi::Promise promise = call->promise();
  if (auto job = host_.post(wrap(env, std::move(call)))) {
    const auto refused = static_cast<CallJob&>(*job).takeBack();
    refused->refuse(host_.closed()
                        ? Error{.code = ErrorCode::kClosed, .message = "the device was closed"}
                        : Error{.code = ErrorCode::kQueueFull,
                                .message = "too many calls wait for this device; await some first"});
    settle(env, *refused);
  }
  return promise;
}

Napi::Value PromiseQueue::close(Napi::Env env, std::unique_ptr<Call> last) {
  const Napi::Promise promise = last->promise();
  host_.close(wrap(env, std::move(last)));
  return promise;
}

void PromiseQueue::deliver(std::unique_ptr<Call> call) {
  if (channel_.NonBlockingCall(call.get()) == napi_ok) {
    [[maybe_unused]] Call* const delivered = call.release();  // callJs takes it over
  } else {
    call->abandon();
  }
}

void PromiseQueue::callJs(Napi::Env env, Napi::Function, PromiseQueue* queue, Call* call) {
  const std::unique_ptr<Call> owned{call};
  if (static_cast<napi_env>(env) == nullptr) {
    owned->abandon();  // the environment ends; the queue may be gone already
    return;
  }
  queue->settle(env, *owned);
}

void PromiseQueue::settle(Napi::Env env, Call& call) {
  if (host_.closed()) {
    // Nothing can hold the thread any more. After the last call it is about to end, and it is waited for so
    // that a settled close() means a thread gone.
    if (unsettled_ == 1) {
      host_.join();
    }
  }
  const Napi::HandleScope scope{env};
  call.settle(env);
  if (--unsettled_ == 0) {
    channel_.Unref(env);
  }
}

}  // namespace transship::binding
