#include "binding/broker_info.hh"

#include <chrono>
#include <exception>
#include <optional>
#include <string>

#include "binding/convert.hh"
#include "common/cancellation.hh"
#include "common/system_calls.hh"
#include "vfio/broker_door.hh"

namespace transship::binding {
namespace {

class BrokerInfo final : public Napi::AsyncWorker {
 public:
  BrokerInfo(Napi::Env env, std::string path, std::string name, std::chrono::milliseconds timeout)
      : Napi::AsyncWorker(env),
        deferred_(Napi::Promise::Deferred::New(env)),
        path_(std::move(path)),
        name_(std::move(name)),
        timeout_(timeout) {}

  [[nodiscard]] Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      SystemCalls system;
      const Cancellation never;
      reply_.emplace(vfio::describeBrokered(system, never, path_, name_, timeout_));
    } catch (const std::exception& unexpected) {
      reply_.emplace(Error{.code = ErrorCode::kInternal, .message = unexpected.what()});
    }
  }

  void OnOK() override {
    const Napi::HandleScope scope{Env()};
    if (*reply_) {
      deferred_.Resolve(Napi::String::New(Env(), **reply_));
    } else {
      deferred_.Reject(errorValue(Env(), reply_->error()));
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::string path_;
  std::string name_;
  std::chrono::milliseconds timeout_;
  std::optional<Result<std::string>> reply_;
};

}  // namespace

Napi::Value brokerInfo(const Napi::CallbackInfo& info) {
  auto* const worker = new BrokerInfo{info.Env(), info[0].As<Napi::String>().Utf8Value(),
                                      info[1].As<Napi::String>().Utf8Value(),
                                      std::chrono::milliseconds{info[2].As<Napi::Number>().Int64Value()}};
  const Napi::Promise promise = worker->promise();
  worker->Queue();  // deletes itself
  return promise;
}

}  // namespace transship::binding
