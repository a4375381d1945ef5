#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "common/error.hh"
#include "vfio/user_protocol.hh"

namespace transship::vfio_user {

/// What the server allows, as far as this client uses it (it sends no descriptors, so their limit does not
/// matter). A capability that is not named has the protocol's default (QEMU docs/interop/vfio-user.rst,
/// VFIO_USER_VERSION).
struct PeerLimits {
  std::size_t maxDataTransfer = kDefaultMaxDataTransfer;
  /// The message that the server has for pre-copy info (struct vfio_precopy_info both ways). The protocol has
  /// none; a server that offers one names it in the capability x_mig_precopy_info.
  std::optional<Command> precopyInfo = {};
};

/// The largest version reply that is read.
inline constexpr std::size_t kMaxVersionData = 16 * 1024;

/// The JSON document of this client's capabilities, its terminating NUL included.
[[nodiscard]] std::string versionData();

/// Reads the payload of the server's VERSION reply: version numbers, then optionally a NUL-terminated
/// JSON document.
///
/// Errors: kVersionUnsupported for a version this client does not speak, kProtocolViolation for a payload
/// that is cut short, is not terminated, is not JSON or names limits with which no device can be driven.
Result<PeerLimits> parseVersionReply(std::span<const std::byte> payload);

}  // namespace transship::vfio_user
