#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "common/error.hh"
#include "common/unique_fd.hh"
#include "file_users.hh"
#include "vfio/kernel_iommu.hh"

namespace transship::broker {

/// A device that a keeper holds.
struct HeldDevice {
  vfio::OpenedDevice file = {};
  std::string driver = {};
  /// Becomes readable when the host wants the device back; empty where the driver has no such interrupt.
  UniqueFd removal = {};
  /// Whether the device is still registered; asked now and then.
  std::function<bool()> present = [] { return true; };
  /// Process it was taken from; 0 for none.
  pid_t process = 0;
  /// Of a device that another broker had opened: those who had it when it was taken over.
  std::optional<FileUsers> users = {};
};

/// What has reset a device: the narrowest that worked.
enum class ResetRung : std::uint8_t { kFunction, kBus };

struct ResetDone {
  ResetRung rung = ResetRung::kFunction;
  /// Why the function could not be reset, when the bus was.
  std::string first = {};
};

/// How one device is opened, for a keeper; tests serve files of their own. Used by one thread at a time,
/// except for adopt().
class DeviceOpener {
 public:
  virtual ~DeviceOpener() = default;

  /// Errors: those of vfio::KernelIommu::open and vfio::locateDevice.
  virtual Result<HeldDevice> open() = 0;

  /// VFIO_DEVICE_RESET; where that fails, the device's bus once, if nothing else is on it. The error is that
  /// of the first, with what became of the second behind it: kAccessFailed with the device's errno,
  /// kConnectionLost when it is unplugged.
  virtual Result<ResetDone> reset(const HeldDevice& device) = 0;

  /// Takes over a device that another broker had opened: its file, and the one that memory is mapped through
  /// (null when it is not known). kInvalidArgument when `file` is not this device. May be called beside
  /// open().
  virtual Result<HeldDevice> adopt(vfio::OpenedDevice file) = 0;

  /// The other processes that have one of the devices open, or what their memory is mapped through. May take
  /// long.
  virtual FileUsers users(std::span<const std::shared_ptr<const HeldDevice>> devices) = 0;

  /// Takes all memory out of the address space of a device. kIommuRefused with the errno. May take long.
  virtual Status unmapAll(const HeldDevice& device) = 0;
};

}  // namespace transship::broker
