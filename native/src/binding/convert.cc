#include "binding/convert.hh"

#include <string>

namespace transship::binding {
namespace {

Napi::Value textOrNull(Napi::Env env, const char* text) {
  return text == nullptr ? env.Null() : Napi::Value{Napi::String::New(env, text)};
}

Napi::Number number(Napi::Env env, std::uint64_t value) {
  return Napi::Number::New(env, static_cast<double>(value));
}

}  // namespace

Napi::Value errorValue(Napi::Env env, const Error& error) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("code", std::string{errorName(error.code)});
  value.Set("message", error.message);
  value.Set("errno",
            error.errorNumber == 0 ? env.Null() : Napi::Value{Napi::Number::New(env, error.errorNumber)});
  value.Set("register", textOrNull(env, error.field));
  value.Set("state", textOrNull(env, error.state));
  return value;
}

Napi::Value infoValue(Napi::Env env, const migration::DeviceInfo& info) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("protocol", info.protocol == migration::Protocol::kV1 ? "v1" : "v2");
  value.Set("dmaLogging", info.dmaLogging);
  value.Set("migrationFlags", number(env, info.migrationFlags));
  value.Set("p2p", info.p2p);
  value.Set("preCopy", info.preCopy);
  value.Set("resetSupported", info.resetSupported);
  value.Set("vendorId", number(env, info.vendorId));
  value.Set("deviceId", number(env, info.deviceId));
  value.Set("subsystemVendorId", number(env, info.subsystemVendorId));
  value.Set("subsystemId", number(env, info.subsystemId));
  value.Set("revisionId", number(env, info.revisionId));
  value.Set("regionSize", number(env, info.regionSize));
  value.Set("dataWindowSize", number(env, info.dataWindowSize));
  Napi::Array areas = Napi::Array::New(env, info.mmapAreas.size());
  for (std::uint32_t i = 0; i < info.mmapAreas.size(); ++i) {
    Napi::Object area = Napi::Object::New(env);
    area.Set("offset", number(env, info.mmapAreas[i].offset));
    area.Set("size", number(env, info.mmapAreas[i].size));
    areas.Set(i, area);
  }
  value.Set("mmapAreas", areas);
  return value;
}

Napi::Value nextSegmentValue(Napi::Env env, const migration::NextSegment& next) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("size", number(env, next.size));
  value.Set("ended", next.ended);
  return value;
}

Napi::Value pieceValue(Napi::Env env, const migration::Piece& piece) {
  Napi::Object value = Napi::Object::New(env);
  value.Set("length", number(env, piece.length));
  value.Set("crc32c", number(env, piece.crc32c));
  value.Set("last", piece.last);
  return value;
}

Napi::Value precopyInfoValue(Napi::Env env, const std::optional<vfio::PrecopyInfo>& info) {
  if (!info) {
    return env.Null();
  }
  Napi::Object value = Napi::Object::New(env);
  value.Set("initialBytes", number(env, info->initialBytes));
  value.Set("dirtyBytes", number(env, info->dirtyBytes));
  value.Set("reinit", info->reinit);
  return value;
}

Napi::Value bitmapValue(Napi::Env env, const std::vector<std::byte>& bitmap) {
  return Napi::Buffer<std::byte>::Copy(env, bitmap.data(), bitmap.size());
}

}  // namespace transship::binding
