#pragma once

#include <cstddef>
#include <cstdint>

#include "common/error.hh"
#include "vfio/device.hh"

namespace transship::migration {

/// One register of struct vfio_device_migration_info: its place, and its name for errors.
struct Register {
  std::uint64_t offset;
  const char* name;
};

inline constexpr Register kDeviceState{offsetof(vfio::MigrationInfo, device_state), "device_state"};
inline constexpr Register kReserved{offsetof(vfio::MigrationInfo, reserved), "reserved"};
inline constexpr Register kPendingBytes{offsetof(vfio::MigrationInfo, pending_bytes), "pending_bytes"};
inline constexpr Register kDataOffset{offsetof(vfio::MigrationInfo, data_offset), "data_offset"};
inline constexpr Register kDataSize{offsetof(vfio::MigrationInfo, data_size), "data_size"};

// Registers are accessed at their native width and alignment only, in one access each (V1-02, RFC L37).
// Errors carry the register's name.

Result<std::uint32_t> readRegister32(vfio::Device& device, std::uint32_t region, Register from);
Status writeRegister32(vfio::Device& device, std::uint32_t region, Register to, std::uint32_t value);
Result<std::uint64_t> readRegister64(vfio::Device& device, std::uint32_t region, Register from);
Status writeRegister64(vfio::Device& device, std::uint32_t region, Register to, std::uint64_t value);

}  // namespace transship::migration
