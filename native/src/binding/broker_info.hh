#pragma once

#include <napi.h>

namespace transship::binding {

/// brokerInfo(socketPath, name, timeoutMs): a promise of the broker's replies, JSON as it came
/// (vfio/broker_door.hh); `name` is empty for all devices. Waits on a thread of libuv's pool, at most until
/// the deadline.
Napi::Value brokerInfo(const Napi::CallbackInfo& info);

}  // namespace transship::binding
