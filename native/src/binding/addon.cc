// The module's exports: the class DeviceHandle, the functions crc32c(data, seed) and brokerInfo(socketPath,
// name, timeoutMs), and in the mutant build setMutant(item or null). native/lib/addon.ts declares them.
#include <napi.h>

#include <span>
#include <string>

#include "binding/broker_info.hh"
#include "binding/device_object.hh"
#include "common/crc32c.hh"
#include "common/mutant.hh"

namespace transship::binding {
namespace {

Napi::Value crc32cOf(const Napi::CallbackInfo& info) {
  auto data = info[0].As<Napi::Uint8Array>();
  const std::uint32_t seed = info[1].As<Napi::Number>().Uint32Value();
  return Napi::Number::New(info.Env(),
                           crc32c(std::as_bytes(std::span{data.Data(), data.ByteLength()}), seed));
}

#ifdef TRANSSHIP_MUTANTS
Napi::Value chooseMutant(const Napi::CallbackInfo& info) {
  setMutant(info[0].IsNull() ? std::string{} : info[0].As<Napi::String>().Utf8Value());
  return info.Env().Undefined();
}
#endif

Napi::Object exportAll(Napi::Env env, Napi::Object exports) {
  exports.Set("DeviceHandle", DeviceObject::define(env));
  exports.Set("brokerInfo", Napi::Function::New(env, brokerInfo, "brokerInfo"));
  exports.Set("crc32c", Napi::Function::New(env, crc32cOf, "crc32c"));
#ifdef TRANSSHIP_MUTANTS
  exports.Set("setMutant", Napi::Function::New(env, chooseMutant, "setMutant"));
#endif
  return exports;
}

}  // namespace

NODE_API_MODULE(transship, exportAll)

}  // namespace transship::binding
