#pragma once

#include <napi.h>

#include "worker/device_host.hh"

namespace transship::binding {

/// What opens a device on the device's own thread, from the options of `new DeviceHandle(options)`. Their
/// property `door` names the way to the device, the others are that door's (type Door of native/lib/addon.ts,
/// whose users have checked the values). A door that there is not opens nothing: kInvalidArgument.
[[nodiscard]] DeviceHost::Opener openerOf(const Napi::Object& options);

}  // namespace transship::binding
