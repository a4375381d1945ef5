#pragma once

#include <cstdint>
#include <span>

#include "common/error.hh"
#include "migration/session.hh"
#include "vfio/device.hh"

namespace transship::migration {

/// Reads the identity registers of PCI configuration space (vendor, device, revision, subsystem) into `info`.
Status readIdentity(vfio::Device& device, DeviceInfo& info);

/// Reads or writes PCI configuration space, in accesses that the door can carry. Errors name the field
/// "config".
Status readConfigSpace(vfio::Device& device, std::uint64_t offset, std::span<std::byte> into);
Status writeConfigSpace(vfio::Device& device, std::uint64_t offset, std::span<const std::byte> from);

}  // namespace transship::migration
