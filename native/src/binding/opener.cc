#include "binding/opener.hh"

#include <chrono>
#include <string>

#include "common/system_calls.hh"
#include "migration/open_session.hh"
#include "vfio/broker_door.hh"
#include "vfio/kernel_door.hh"
#include "vfio/user_device.hh"

namespace transship::binding {
namespace {

using OpenedSession = Result<std::unique_ptr<migration::Session>>;

SystemCalls& realSystem() {
  static SystemCalls calls;
  return calls;
}

std::string text(const Napi::Object& options, const char* name) {
  return options.Get(name).As<Napi::String>().Utf8Value();
}

std::int64_t number(const Napi::Object& options, const char* name) {
  return options.Get(name).As<Napi::Number>().Int64Value();
}

bool flag(const Napi::Object& options, const char* name) {
  return options.Get(name).As<Napi::Boolean>().Value();
}

// { door: 'vfio-user', path, timeoutMs, mmap, maxTransfer }
DeviceHost::Opener vfioUserOpener(const Napi::Object& options) {
  const vfio_user::UserDeviceOptions chosen{
      .timeout = std::chrono::milliseconds{number(options, "timeoutMs")},
      .maxTransfer = static_cast<std::size_t>(number(options, "maxTransfer")),
  };
  return [path = text(options, "path"), chosen,
          useMapping = flag(options, "mmap")](std::shared_ptr<Cancellation> cancellation) -> OpenedSession {
    auto device = vfio_user::UserDevice::open(realSystem(), std::move(cancellation), path, chosen);
    return device ? migration::openSession(std::move(*device), useMapping)
                  : OpenedSession{std::move(device.error())};
  };
}

// { door: 'kernel', address, interface, timeoutMs, mmap }
DeviceHost::Opener kernelOpener(const Napi::Object& options) {
  const vfio::KernelOptions chosen{
      .interface = vfio::interfaceOfName(text(options, "interface")).value_or(vfio::Interface::kAuto),
      .timeout = std::chrono::milliseconds{number(options, "timeoutMs")},
  };
  return [address = text(options, "address"), chosen,
          useMapping = flag(options, "mmap")](std::shared_ptr<Cancellation> cancellation) -> OpenedSession {
    auto device = vfio::openKernelDevice(realSystem(), std::move(cancellation), address, chosen);
    return device ? migration::openSession(std::move(*device), useMapping)
                  : OpenedSession{std::move(device.error())};
  };
}

// { door: 'broker', path, name, timeoutMs, mmap }
DeviceHost::Opener brokerOpener(const Napi::Object& options) {
  const std::chrono::milliseconds timeout{number(options, "timeoutMs")};
  return [path = text(options, "path"), name = text(options, "name"), timeout,
          useMapping = flag(options, "mmap")](std::shared_ptr<Cancellation> cancellation) -> OpenedSession {
    auto device = vfio::openBrokeredDevice(realSystem(), std::move(cancellation), path, name, timeout);
    return device ? migration::openSession(std::move(*device), useMapping)
                  : OpenedSession{std::move(device.error())};
  };
}

}  // namespace

DeviceHost::Opener openerOf(const Napi::Object& options) {
  const std::string door = text(options, "door");
  if (door == "vfio-user") {
    return vfioUserOpener(options);
  }
  if (door == "kernel") {
    return kernelOpener(options);
  }
  if (door == "broker") {
    return brokerOpener(options);
  }
  return [door](const std::shared_ptr<Cancellation>&) -> OpenedSession {
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = "there is no door '" + door + "' to a device"};
  };
}

}  // namespace transship::binding
