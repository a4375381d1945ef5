#include "binding/device_object.hh"

#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "binding/opener.hh"

namespace transship::binding {
namespace {

using migration::Session;

std::uint64_t uint64Argument(const Napi::CallbackInfo& info, std::size_t index) {
  return static_cast<std::uint64_t>(info[index].As<Napi::Number>().Int64Value());
}

std::uint64_t bigArgument(const Napi::Value& value) {
  bool lossless = false;  // native/lib has checked that it fits
  return value.As<Napi::BigInt>().Uint64Value(&lossless);
}

// { iova, length }, both bigint
vfio::IovaRange rangeArgument(const Napi::Value& value) {
  const auto range = value.As<Napi::Object>();
  return {.iova = bigArgument(range.Get("iova")), .length = bigArgument(range.Get("length"))};
}

std::span<std::byte> bufferArgument(const Napi::CallbackInfo& info, std::size_t index) {
  auto buffer = info[index].As<Napi::Uint8Array>();
  return std::as_writable_bytes(std::span{buffer.Data(), buffer.ByteLength()});
}

Napi::Value undefinedValue(Napi::Env env, Done&) { return env.Undefined(); }

}  // namespace

Napi::Function DeviceObject::define(Napi::Env env) {
  return DefineClass(env, "DeviceHandle",
                     {InstanceMethod<&DeviceObject::open>("open"),
                      InstanceMethod<&DeviceObject::close>("close"),
                      InstanceMethod<&DeviceObject::connected>("connected"),
                      InstanceMethod<&DeviceObject::state>("state"),
                      InstanceMethod<&DeviceObject::rawState>("rawState"),
                      InstanceMethod<&DeviceObject::arc>("arc"),
                      InstanceMethod<&DeviceObject::reset>("reset"),
                      InstanceMethod<&DeviceObject::nextSegment>("nextSegment"),
                      InstanceMethod<&DeviceObject::readSegment>("readSegment"),
                      InstanceMethod<&DeviceObject::pendingBytes>("pendingBytes"),
                      InstanceMethod<&DeviceObject::beginSegment>("beginSegment"),
                      InstanceMethod<&DeviceObject::writeSegment>("writeSegment"),
                      InstanceMethod<&DeviceObject::commitSegment>("commitSegment"),
                      InstanceMethod<&DeviceObject::stopCopySize>("stopCopySize"),
                      InstanceMethod<&DeviceObject::precopyInfo>("precopyInfo"),
                      InstanceMethod<&DeviceObject::startDmaLogging>("startDmaLogging"),
                      InstanceMethod<&DeviceObject::reportDmaLogging>("reportDmaLogging"),
                      InstanceMethod<&DeviceObject::stopDmaLogging>("stopDmaLogging"),
                      InstanceMethod<&DeviceObject::readConfig>("readConfig"),
                      InstanceMethod<&DeviceObject::writeConfig>("writeConfig"),
                      InstanceMethod<&DeviceObject::regionRead>("regionRead"),
                      InstanceMethod<&DeviceObject::regionWrite>("regionWrite")});
}

DeviceObject::DeviceObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<DeviceObject>(info) {
  try {
    queue_ = std::make_unique<PromiseQueue>(info.Env(), openerOf(info[0].As<Napi::Object>()));
  } catch (const std::system_error& noThread) {
    Napi::Error::New(info.Env(), noThread.what()).ThrowAsJavaScriptException();
  }
}

template <typename T>
Napi::Value DeviceObject::run(const Napi::CallbackInfo& info, std::function<Result<T>(Session&)> work,
                              typename TypedCall<T>::Convert convert, Napi::Object argument) {
  auto onHost = [work = std::move(work)](DeviceHost& host) { return host.execute<T>(work); };
  return queue_->run(info.Env(),
                     std::make_unique<TypedCall<T>>(info.This().As<Napi::Object>(), std::move(onHost),
                                                    std::move(convert), argument));
}

Napi::Value DeviceObject::runStatus(const Napi::CallbackInfo& info, std::function<Status(Session&)> work,
                                    Napi::Object argument) {
  return run<Done>(info, std::move(work), undefinedValue, argument);
}

Napi::Value DeviceObject::open(const Napi::CallbackInfo& info) {
  auto call = std::make_unique<TypedCall<migration::DeviceInfo>>(
      info.This().As<Napi::Object>(), [](DeviceHost& host) { return host.open(); }, infoValue,
      Napi::Object{});
  return queue_->run(info.Env(), std::move(call));
}

Napi::Value DeviceObject::close(const Napi::CallbackInfo& info) {
  const auto drop = [](DeviceHost& host) -> Status {
    host.dropSession();
    return Done{};
  };
  return queue_->close(info.Env(), std::make_unique<TypedCall<Done>>(info.This().As<Napi::Object>(), drop,
                                                                     undefinedValue, Napi::Object{}));
}

Napi::Value DeviceObject::connected(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), queue_->host().connected());
}

Napi::Value DeviceObject::state(const Napi::CallbackInfo& info) {
  return run<migration::DeviceState>(
      info, [](Session& session) { return session.state(); },
      [](Napi::Env env, migration::DeviceState& state) {
        return Napi::String::New(env, migration::stateName(state));
      });
}

Napi::Value DeviceObject::rawState(const Napi::CallbackInfo& info) {
  return run<std::uint32_t>(
      info, [](Session& session) { return session.rawState(); },
      [](Napi::Env env, std::uint32_t& value) { return Napi::Number::New(env, value); });
}

Napi::Value DeviceObject::arc(const Napi::CallbackInfo& info) {
  const auto to = migration::stateOfName(info[0].As<Napi::String>().Utf8Value());
  return runStatus(info, [to](Session& session) -> Status {
    if (!to) {
      return Error{.code = ErrorCode::kInvalidArgument, .message = "there is no such device state"};
    }
    return session.arc(*to);
  });
}

Napi::Value DeviceObject::reset(const Napi::CallbackInfo& info) {
  return runStatus(info, [](Session& session) { return session.reset(); });
}

Napi::Value DeviceObject::nextSegment(const Napi::CallbackInfo& info) {
  return run<migration::NextSegment>(
      info, [](Session& session) { return session.nextSegment(); }, nextSegmentValue);
}

Napi::Value DeviceObject::readSegment(const Napi::CallbackInfo& info) {
  return run<migration::Piece>(
      info, [into = bufferArgument(info, 0)](Session& session) { return session.readSegment(into); },
      pieceValue, info[0].As<Napi::Object>());
}

Napi::Value DeviceObject::pendingBytes(const Napi::CallbackInfo& info) {
  return run<std::uint64_t>(
      info, [](Session& session) { return session.pendingBytes(); },
      [](Napi::Env env, std::uint64_t& bytes) { return Napi::Number::New(env, static_cast<double>(bytes)); });
}

Napi::Value DeviceObject::beginSegment(const Napi::CallbackInfo& info) {
  return runStatus(info,
                   [size = uint64Argument(info, 0)](Session& session) { return session.beginSegment(size); });
}

Napi::Value DeviceObject::writeSegment(const Napi::CallbackInfo& info) {
  return runStatus(
      info, [data = bufferArgument(info, 0)](Session& session) { return session.writeSegment(data); },
      info[0].As<Napi::Object>());
}

Napi::Value DeviceObject::commitSegment(const Napi::CallbackInfo& info) {
  return runStatus(info, [](Session& session) { return session.commitSegment(); });
}

Napi::Value DeviceObject::stopCopySize(const Napi::CallbackInfo& info) {
  return run<std::optional<std::uint64_t>>(
      info, [](Session& session) { return session.stopCopySize(); },
      [](Napi::Env env, std::optional<std::uint64_t>& bytes) {
        return bytes ? Napi::Value{Napi::Number::New(env, static_cast<double>(*bytes))} : env.Null();
      });
}

Napi::Value DeviceObject::precopyInfo(const Napi::CallbackInfo& info) {
  return run<std::optional<vfio::PrecopyInfo>>(
      info, [](Session& session) { return session.precopyInfo(); }, precopyInfoValue);
}

Napi::Value DeviceObject::startDmaLogging(const Napi::CallbackInfo& info) {
  const auto list = info[0].As<Napi::Array>();
  std::vector<vfio::IovaRange> ranges;
  for (std::uint32_t i = 0; i < list.Length(); ++i) {
    ranges.push_back(rangeArgument(list.Get(i)));
  }
  return run<std::uint64_t>(
      info,
      [ranges = std::move(ranges), pageSize = uint64Argument(info, 1)](Session& session) {
        return session.startDmaLogging(ranges, pageSize);
      },
      [](Napi::Env env, std::uint64_t& used) { return Napi::Number::New(env, static_cast<double>(used)); });
}

Napi::Value DeviceObject::reportDmaLogging(const Napi::CallbackInfo& info) {
  return run<std::vector<std::byte>>(
      info, [range = rangeArgument(info[0])](Session& session) { return session.reportDmaLogging(range); },
      bitmapValue);
}

Napi::Value DeviceObject::stopDmaLogging(const Napi::CallbackInfo& info) {
  return runStatus(info, [](Session& session) { return session.stopDmaLogging(); });
}

Napi::Value DeviceObject::readConfig(const Napi::CallbackInfo& info) {
  return runStatus(
      info,
      [offset = uint64Argument(info, 0), into = bufferArgument(info, 1)](Session& session) {
        return session.readConfig(offset, into);
      },
      info[1].As<Napi::Object>());
}

Napi::Value DeviceObject::writeConfig(const Napi::CallbackInfo& info) {
  return runStatus(
      info,
      [offset = uint64Argument(info, 0), from = bufferArgument(info, 1)](Session& session) {
        return session.writeConfig(offset, from);
      },
      info[1].As<Napi::Object>());
}

Napi::Value DeviceObject::regionRead(const Napi::CallbackInfo& info) {
  return runStatus(
      info,
      [index = static_cast<std::uint32_t>(uint64Argument(info, 0)), offset = uint64Argument(info, 1),
       into = bufferArgument(info, 2)](Session& session) { return session.regionRead(index, offset, into); },
      info[2].As<Napi::Object>());
}

Napi::Value DeviceObject::regionWrite(const Napi::CallbackInfo& info) {
  return runStatus(
      info,
      [index = static_cast<std::uint32_t>(uint64Argument(info, 0)), offset = uint64Argument(info, 1),
       from = bufferArgument(info, 2)](Session& session) { return session.regionWrite(index, offset, from); },
      info[2].As<Napi::Object>());
}

}  // namespace transship::binding
