#pragma once

#include <cstdint>
#include <string>

#include "vfio/kernel_locate.hh"

namespace transship::broker {

/// Whether a descriptor is that of a device, and how it was opened. Of one that was opened by its group an
/// older kernel does not say which device it is.
enum class Match : std::uint8_t { kNo, kPerhapsGroup, kGroup, kCdev };

/// A descriptor of a process, and how well it matches a device.
struct Descriptor {
  int number = -1;
  Match match = Match::kNo;
};

/// Compares descriptor `number` of the process behind `processFolder` (/proc/PID or /proc/self) with a
/// device.
[[nodiscard]] Match matchDescriptor(const std::string& processFolder, int number,
                                    const vfio::DevicePlace& place);

}  // namespace transship::broker
