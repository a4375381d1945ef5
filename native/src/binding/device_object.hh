#pragma once

#include <napi.h>

#include <memory>

#include "binding/promise_queue.hh"

namespace transship::binding {

/// The JavaScript class `DeviceHandle`: one method for each of migration::Session, each a promise. Arguments
/// were checked by native/lib (addon.ts declares them), so they are taken as they are.
class DeviceObject final : public Napi::ObjectWrap<DeviceObject> {
 public:
  static Napi::Function define(Napi::Env env);

  /// new DeviceHandle(options), see opener.hh
  explicit DeviceObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value open(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);
  Napi::Value connected(const Napi::CallbackInfo& info);
  Napi::Value state(const Napi::CallbackInfo& info);
  Napi::Value rawState(const Napi::CallbackInfo& info);
  Napi::Value arc(const Napi::CallbackInfo& info);
  Napi::Value reset(const Napi::CallbackInfo& info);
  Napi::Value nextSegment(const Napi::CallbackInfo& info);
  Napi::Value readSegment(const Napi::CallbackInfo& info);
  Napi::Value pendingBytes(const Napi::CallbackInfo& info);
  Napi::Value beginSegment(const Napi::CallbackInfo& info);
  Napi::Value writeSegment(const Napi::CallbackInfo& info);
  Napi::Value commitSegment(const Napi::CallbackInfo& info);
  Napi::Value stopCopySize(const Napi::CallbackInfo& info);
  Napi::Value precopyInfo(const Napi::CallbackInfo& info);
  Napi::Value startDmaLogging(const Napi::CallbackInfo& info);
  Napi::Value reportDmaLogging(const Napi::CallbackInfo& info);
  Napi::Value stopDmaLogging(const Napi::CallbackInfo& info);
  Napi::Value readConfig(const Napi::CallbackInfo& info);
  Napi::Value writeConfig(const Napi::CallbackInfo& info);
  Napi::Value regionRead(const Napi::CallbackInfo& info);
  Napi::Value regionWrite(const Napi::CallbackInfo& info);

  template <typename T>
  Napi::Value run(const Napi::CallbackInfo& info, std::function<Result<T>(migration::Session&)> work,
                  typename TypedCall<T>::Convert convert, Napi::Object argument = {});
  Napi::Value runStatus(const Napi::CallbackInfo& info, std::function<Status(migration::Session&)> work,
                        Napi::Object argument = {});

  std::unique_ptr<PromiseQueue> queue_;
};

}  // namespace transship::binding
