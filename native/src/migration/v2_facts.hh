#pragma once

#include <cstdint>
#include <optional>

#include "common/error.hh"
#include "vfio/device.hh"

namespace transship::migration {

/// The flags of VFIO_DEVICE_FEATURE_MIGRATION; nothing from a device that does not speak v2, which says
/// ENOTTY (V2-01).
///
/// kNotMigratable for flags whose meaning is not defined: STOP_COPY alone or with P2P, PRE_COPY or both are.
Result<std::optional<std::uint64_t>> migrationFlags(vfio::Device& device);

/// VFIO_DEVICE_FEATURE_MIG_DATA_SIZE: the device's estimate of what STOP_COPY hands out, bytes. Nothing when
/// it does not tell, for whatever reason (V2-19).
Result<std::optional<std::uint64_t>> migrationDataSize(vfio::Device& device);

/// Has the device report in its pre-copy info when new initial bytes appear. False where it cannot, and then
/// the flags of that info mean nothing (V2-20).
Result<bool> chooseReinitReports(vfio::Device& device);

}  // namespace transship::migration
