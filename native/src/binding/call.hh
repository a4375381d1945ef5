#pragma once

#include <napi.h>

#include <functional>
#include <optional>
#include <utility>

#include "binding/convert.hh"
#include "common/error.hh"
#include "worker/device_host.hh"

namespace transship::binding {

/// One promise under way: is executed on the device's thread, then settled on the JavaScript thread.
class Call {
 public:
  explicit Call(Napi::Env env) : deferred_(Napi::Promise::Deferred::New(env)) {}
  virtual ~Call() = default;

  [[nodiscard]] Napi::Promise promise() const { return deferred_.Promise(); }

  virtual void execute(DeviceHost& host) = 0;
  /// Gives it an error for outcome, without execution.
  virtual void refuse(Error error) = 0;
  /// Resolves or rejects the promise.
  virtual void settle(Napi::Env env) = 0;
  /// Lets go of everything of JavaScript without calling into it: the environment is gone.
  virtual void abandon() noexcept = 0;

 protected:
  Napi::Promise::Deferred deferred_;
};

template <typename T>
class TypedCall final : public Call {
 public:
  using Work = std::function<Result<T>(DeviceHost&)>;
  using Convert = std::function<Napi::Value(Napi::Env, T&)>;

  /// `owner` (the device object) and `argument` (a buffer that `work` uses, or empty) are kept alive until
  /// the promise is settled.
  TypedCall(Napi::Object owner, Work work, Convert convert, Napi::Object argument)
      : Call(owner.Env()),
        work_(std::move(work)),
        convert_(std::move(convert)),
        owner_(Napi::Persistent(owner)) {
    if (!argument.IsEmpty()) {
      argument_ = Napi::Persistent(argument);
    }
  }

  void execute(DeviceHost& host) override { result_.emplace(work_(host)); }

  void refuse(Error error) override { result_.emplace(std::move(error)); }

  void settle(Napi::Env env) override {
    if (*result_) {
      deferred_.Resolve(convert_(env, **result_));
    } else {
      deferred_.Reject(errorValue(env, result_->error()));
    }
  }

  void abandon() noexcept override {
    owner_.SuppressDestruct();
    argument_.SuppressDestruct();
  }

 private:
  Work work_;
  Convert convert_;
  Napi::ObjectReference owner_;
  Napi::ObjectReference argument_;
  std::optional<Result<T>> result_;
};

}  // namespace transship::binding
