#pragma once

#include <string>

#include "common/error.hh"
#include "vfio/kernel_locate.hh"

namespace transship::vfio {

/// `what` failed with `errorNumber`; the message ends with the system's words for it.
[[nodiscard]] Error systemError(ErrorCode code, const std::string& what, int errorNumber);

/// A file of the kernel's interface did not open: kDeviceBusy for EBUSY, kNotAllowed without permission,
/// kNotFound when the device behind it went away, else `otherwise`.
[[nodiscard]] Error cannotOpen(const std::string& path, int errorNumber, ErrorCode otherwise);

/// kNotFound for a device that no VFIO driver registered, with the driver that has it and what to do.
[[nodiscard]] Error notVfio(const DevicePlace& place);

/// A request to an open device failed: kConnectionLost for ENODEV, since the device was unplugged; else
/// kAccessFailed with the device's errno.
[[nodiscard]] Error deviceRefused(const char* what, int errorNumber);

}  // namespace transship::vfio
