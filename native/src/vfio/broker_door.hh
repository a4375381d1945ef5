#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "common/cancellation.hh"
#include "common/system_calls.hh"
#include "vfio/device.hh"

namespace transship::vfio {

/// Gets a duplicate of the device `name` from the broker that listens at `path`. A reset goes through the
/// broker, which counts it, and closing the duplicate leaves the device as it is. When the broker dies, its
/// successor is given the device (broker_link.hh).
///
/// Errors: those of askBroker, and of the device when it is asked what it is. `system` must outlive the
/// device.
Result<std::unique_ptr<Device>> openBrokeredDevice(SystemCalls& system,
                                                   std::shared_ptr<Cancellation> cancellation,
                                                   const std::string& path, const std::string& name,
                                                   std::chrono::milliseconds timeout);

/// The broker's description of its devices, or of the one called `name`: JSON objects whose member `devices`
/// is an array, one to a line, since more devices than fit a reply are told in several. Errors: those of
/// askBroker.
Result<std::string> describeBrokered(SystemCalls& system, const Cancellation& cancellation,
                                     const std::string& path, const std::string& name,
                                     std::chrono::milliseconds timeout);

}  // namespace transship::vfio
