#include "vfio/user_device.hh"

#include <algorithm>
#include <cstring>
#include <utility>

#include "vfio/capability_chain.hh"
#include "vfio/file_mapping.hh"
#include "vfio/user_migration_data.hh"

namespace transship::vfio_user {
namespace {

// A region's description: real ones have a few hundred bytes.
constexpr std::size_t kMaxRegionInfo = 64 * 1024;
// The size may grow between two requests, but not again and again.
constexpr int kRegionInfoTries = 4;
// A PCI device has nine fixed regions and a few of its own.
constexpr std::uint32_t kMaxRegions = 1024;
constexpr std::uint32_t kNoDescriptor = 0xFFFFFFFF;  // data_fd -1

template <typename T>
std::span<std::byte> writableBytes(T& object) {
  return std::as_writable_bytes(std::span{&object, 1});
}

template <typename T>
std::span<const std::byte> bytes(const T& object) {
  return std::as_bytes(std::span{&object, 1});
}

Error violation(const char* what) {
  return {.code = ErrorCode::kProtocolViolation,
          .message = std::string("the device's server broke the vfio-user protocol: ") + what};
}

}  // namespace

Result<std::unique_ptr<UserDevice>> UserDevice::open(SystemCalls& system,
                                                     std::shared_ptr<Cancellation> cancellation,
                                                     const std::string& path,
                                                     const UserDeviceOptions& options) {
  const auto end = std::chrono::steady_clock::now() + options.timeout;
  for (int attempt = 0;; ++attempt) {
    auto device = tryOpen(system, cancellation, path, options, end);
    if (device || device.error().code != ErrorCode::kConnectionLost) {
      return device;
    }
    if (std::chrono::steady_clock::now() >= end) {
      device.error().code = ErrorCode::kConnectTimeout;
      device.error().message = "the device's server keeps hanging up; it may be serving another client";
      return device;
    }
    pauseBeforeRetry(system, *cancellation, attempt);
  }
}

Result<std::unique_ptr<UserDevice>> UserDevice::tryOpen(SystemCalls& system,
                                                        std::shared_ptr<Cancellation> cancellation,
                                                        const std::string& path,
                                                        const UserDeviceOptions& options, Deadline deadline) {
  auto socket = UserSocket::connect(system, std::move(cancellation), path, deadline);
  if (!socket) {
    return std::move(socket.error());
  }
  std::unique_ptr<UserDevice> device{new UserDevice{system, UserClient{std::move(*socket)}}};
  if (Status agreed = device->negotiate(options, deadline); !agreed) {
    return std::move(agreed.error());
  }
  if (Status read = device->readFacts(deadline); !read) {
    return std::move(read.error());
  }
  return device;
}

Status UserDevice::negotiate(const UserDeviceOptions& options, Deadline deadline) {
  const VersionPayload version{.major = kVersionMajor, .minor = kVersionMinor};
  const std::string data = versionData();
  std::vector<std::byte> reply(sizeof(VersionPayload) + kMaxVersionData);
  auto answered =
      client_.exchange(Command::kVersion, {.fixed = bytes(version), .bulk = std::as_bytes(std::span{data})},
                       {.fixed = reply}, deadline);
  if (!answered) {
    if (answered.error().code == ErrorCode::kAccessFailed) {
      answered.error().code = ErrorCode::kVersionUnsupported;
      answered.error().message = "the device's server refused the version exchange";
    }
    return std::move(answered.error());
  }
  auto limits = parseVersionReply(std::span{reply}.first(answered->size));
  if (!limits) {
    return std::move(limits.error());
  }
  limits_ = *limits;
  maxTransfer_ = options.maxTransfer == 0 ? limits_.maxDataTransfer
                                          : std::min(options.maxTransfer, limits_.maxDataTransfer);
  return Done{};
}

Status UserDevice::readFacts(Deadline deadline) {
  vfio::DeviceInfo info{.argsz = sizeof(vfio::DeviceInfo), .flags = 0, .num_regions = 0, .num_irqs = 0};
  vfio::DeviceInfo answer{};
  auto answered = client_.exchange(Command::kDeviceGetInfo, {.fixed = bytes(info)},
                                   {.fixed = writableBytes(answer)}, deadline);
  if (!answered) {
    return std::move(answered.error());
  }
  if (answered->size != sizeof(answer)) {
    return violation("the description of the device is cut short");
  }
  if (answer.num_regions > kMaxRegions) {
    return violation("the device claims an absurd number of regions");
  }
  facts_ = {.resetSupported = (answer.flags & vfio::kDeviceFlagsReset) != 0, .regions = answer.num_regions};
  return Done{};
}

Result<vfio::RegionFacts> UserDevice::region(std::uint32_t index) {
  std::vector<std::byte> buffer(sizeof(vfio::RegionInfo));
  for (int attempt = 0; attempt < kRegionInfoTries; ++attempt) {
    const vfio::RegionInfo ask{.argsz = static_cast<std::uint32_t>(buffer.size()),
                               .flags = 0,
                               .index = index,
                               .cap_offset = 0,
                               .size = 0,
                               .offset = 0};
    auto answered =
        client_.exchange(Command::kDeviceGetRegionInfo, {.fixed = bytes(ask)}, {.fixed = std::span{buffer}});
    if (!answered) {
      return std::move(answered.error());
    }
    vfio::RegionInfo info{};
    if (answered->size < sizeof(info)) {
      return violation("the description of a region is cut short");
    }
    std::memcpy(&info, buffer.data(), sizeof(info));
    if (info.argsz > kMaxRegionInfo) {
      break;
    }
    if (info.argsz > buffer.size()) {
      buffer.assign(info.argsz, std::byte{0});
      continue;
    }
    auto facts = vfio::parseRegionInfo(std::span{buffer}.first(answered->size), index);
    if (facts && !answered->descriptors.empty()) {
      facts->memory = std::move(answered->descriptors.front());
    }
    return facts;
  }
  return Error{.code = ErrorCode::kBadRegionInfo,
               .message = "the device describes region " + std::to_string(index) + " wrongly: it has no end"};
}

Status UserDevice::checkAnswer(const RegionAccess& asked, const RegionAccess& answer, std::size_t size,
                               std::size_t dataSize) {
  if (size < sizeof(answer) || answer.region != asked.region || answer.offset != asked.offset ||
      answer.count > asked.count || size - sizeof(answer) != dataSize) {
    client_.abandon();
    return violation("the reply to an access does not fit the request");
  }
  if (answer.count != asked.count) {
    return Error{.code = ErrorCode::kAccessFailed,
                 .message = "the device moved " + std::to_string(answer.count) + " of " +
                            std::to_string(asked.count) + " bytes"};
  }
  return Done{};
}

Status UserDevice::checkAccess(std::size_t size) const {
  if (size > limits_.maxDataTransfer) {
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = "an access has at most " + std::to_string(limits_.maxDataTransfer) +
                            " bytes with this server, not " + std::to_string(size)};
  }
  return Done{};
}

Status UserDevice::read(std::uint32_t region, std::uint64_t offset, std::span<std::byte> into) {
  if (Status allowed = checkAccess(into.size()); !allowed) {
    return allowed;
  }
  const RegionAccess ask{
      .offset = offset, .region = region, .count = static_cast<std::uint32_t>(into.size())};
  RegionAccess answer{};
  auto answered = client_.exchange(Command::kRegionRead, {.fixed = bytes(ask)},
                                   {.fixed = writableBytes(answer), .bulk = into});
  return answered ? checkAnswer(ask, answer, answered->size, answer.count)
                  : Status{std::move(answered.error())};
}

Status UserDevice::write(std::uint32_t region, std::uint64_t offset, std::span<const std::byte> from) {
  if (Status allowed = checkAccess(from.size()); !allowed) {
    return allowed;
  }
  const RegionAccess ask{
      .offset = offset, .region = region, .count = static_cast<std::uint32_t>(from.size())};
  RegionAccess answer{};
  auto answered = client_.exchange(Command::kRegionWrite, {.fixed = bytes(ask), .bulk = from},
                                   {.fixed = writableBytes(answer)});
  return answered ? checkAnswer(ask, answer, answered->size, 0) : Status{std::move(answered.error())};
}

std::unique_ptr<vfio::RegionMapping> UserDevice::map(const vfio::RegionFacts& region) {
  return vfio::mapFile(system_, region, region.memory.get());
}

Status UserDevice::reset() {
  stream_ = Stream::kNone;
  auto answered = client_.exchange(Command::kDeviceReset, {}, {});
  return answered ? Status{Done{}} : Status{std::move(answered.error())};
}

UserDevice::Stream UserDevice::streamOf(std::uint32_t state) noexcept {
  switch (vfio::MigState{state}) {
    case vfio::MigState::kPreCopy:
    case vfio::MigState::kPreCopyP2p:
    case vfio::MigState::kStopCopy:
      return Stream::kSaving;
    case vfio::MigState::kResuming:
      return Stream::kResuming;
    default:
      return Stream::kNone;
  }
}

Status UserDevice::feature(std::uint32_t flagsAndIndex, std::span<std::byte> payload) {
  return features_.request(flagsAndIndex, payload);
}

Result<std::uint32_t> UserDevice::migrationState() {
  FeatureMigState answer{};
  if (Status got = features_.request(vfio::kFeatureGet | vfio::kFeatureMigDeviceState, writableBytes(answer));
      !got) {
    return std::move(got.error());
  }
  stream_ = streamOf(answer.device_state);
  return answer.device_state;
}

Result<vfio::MigrationStateReply> UserDevice::setMigrationState(std::uint32_t state) {
  FeatureMigState payload{.device_state = state, .data_fd = kNoDescriptor};
  if (Status set =
          features_.request(vfio::kFeatureSet | vfio::kFeatureMigDeviceState, writableBytes(payload));
      !set) {
    return std::move(set.error());
  }
  // No descriptor comes with the reply, so a stream begins where a kernel would have given one: where the
  // state has one and the state before it had not.
  const Stream before = std::exchange(stream_, streamOf(payload.device_state));
  vfio::MigrationStateReply reply{.state = payload.device_state};
  if (stream_ != Stream::kNone && stream_ != before) {
    reply.data = std::make_unique<UserMigrationData>(client_, maxTransfer_, limits_.precopyInfo);
  }
  return reply;
}

Result<std::uint64_t> UserDevice::startDmaLogging(std::span<const vfio::IovaRange> ranges,
                                                  std::uint64_t pageSize) {
  return features_.startDmaLogging(ranges, pageSize);
}

Status UserDevice::reportDmaLogging(vfio::IovaRange range, std::uint64_t pageSize,
                                    std::span<std::byte> bitmap) {
  return features_.reportDmaLogging(range, pageSize, bitmap, maxTransfer_);
}

Status UserDevice::stopDmaLogging() {
  return features_.request(vfio::kFeatureSet | vfio::kFeatureDmaLoggingStop, {});
}

}  // namespace transship::vfio_user
