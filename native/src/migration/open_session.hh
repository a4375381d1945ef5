#pragma once

#include <memory>

#include "common/error.hh"
#include "migration/session.hh"
#include "vfio/device.hh"

namespace transship::migration {

/// Finds out which migration protocol the device speaks, v2 first, and opens a session of it. `useMapping`
/// false keeps to accesses where a protocol could map memory.
///
/// Errors: kNotMigratable for a device without any; those of the protocol's own open().
Result<std::unique_ptr<Session>> openSession(std::unique_ptr<vfio::Device> device, bool useMapping);

}  // namespace transship::migration
