#include "vfio/user_version.hh"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>

#include "vfio/json_reader.hh"

namespace transship::vfio_user {
namespace {

// Registers are accessed at their native width, the largest of which has eight bytes.
constexpr std::uint64_t kLeastTransfer = sizeof(std::uint64_t);
// Below are the numbers that the protocol may give away (a server's own begin at 0x8000).
constexpr std::uint64_t kFirstPrivateCommand = 0x8000;
constexpr std::uint64_t kMostTransfer = kMaxMessageSize - sizeof(Header) - sizeof(RegionAccess);

Error malformed(const std::string& what) {
  return {.code = ErrorCode::kProtocolViolation,
          .message = "the device's server sent a malformed version reply: " + what};
}

}  // namespace

std::string versionData() {
  std::string json = R"({"capabilities":{"max_msg_fds":)" + std::to_string(kMaxMessageFds) +
                     R"(,"max_data_xfer_size":)" + std::to_string(kMostTransfer) + "}}";
  json.push_back('\0');
  return json;
}

Result<PeerLimits> parseVersionReply(std::span<const std::byte> payload) {
  VersionPayload version{};
  if (payload.size() < sizeof(version)) {
    return malformed("it is cut short");
  }
  std::memcpy(&version, payload.data(), sizeof(version));
  if (version.major != kVersionMajor || version.minor > kVersionMinor) {
    return Error{.code = ErrorCode::kVersionUnsupported,
                 .message = "the device's server speaks vfio-user " + std::to_string(version.major) + "." +
                            std::to_string(version.minor) + ", this client " + std::to_string(kVersionMajor) +
                            "." + std::to_string(kVersionMinor)};
  }
  PeerLimits limits;
  const auto data = payload.subspan(sizeof(version));
  if (data.empty()) {
    return limits;
  }
  const std::string_view text{reinterpret_cast<const char*>(data.data()), data.size()};
  if (text.find('\0') != text.size() - 1) {
    return malformed("its text does not end with its only NUL");
  }
  const auto onInteger = [&limits](std::string_view path, std::uint64_t value) -> Status {
    if (path == "capabilities.max_data_xfer_size") {
      if (value < kLeastTransfer) {
        return malformed("a max_data_xfer_size below 8 bytes cannot carry a register");
      }
      limits.maxDataTransfer = std::min(value, kMostTransfer);
    } else if (path == "capabilities.x_mig_precopy_info") {
      if (value < kFirstPrivateCommand || value > std::numeric_limits<std::uint16_t>::max()) {
        return malformed("x_mig_precopy_info is no number of a message of its own");
      }
      limits.precopyInfo = static_cast<Command>(value);
    }
    return Done{};
  };
  if (Status read = JsonReader::read(text.substr(0, text.size() - 1), onInteger); !read) {
    return std::move(read.error());
  }
  return limits;
}

}  // namespace transship::vfio_user
