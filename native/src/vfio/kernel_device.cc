#include "vfio/kernel_device.hh"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "common/mutant.hh"
#include "vfio/capability_chain.hh"
#include "vfio/file_mapping.hh"
#include "vfio/kernel_abi.hh"
#include "vfio/kernel_data.hh"
#include "vfio/kernel_errors.hh"

namespace transship::vfio {
namespace {

// Large enough that the cost of a system call does not show, small enough to be stopped between two.
constexpr std::size_t kMaxTransfer = 1024 * 1024;
// A region's description: real ones have a few hundred bytes.
constexpr std::size_t kMaxRegionInfo = 64 * 1024;
// The size may grow between two requests, but not again and again.
constexpr int kRegionInfoTries = 4;

/// A feature's header and its payload, as VFIO_DEVICE_FEATURE takes them.
template <typename Payload>
struct FeatureRequest {
  DeviceFeature header;
  Payload payload;
};

template <typename Payload>
FeatureRequest<Payload> featureRequest(std::uint32_t flags, Payload payload) {
  return {.header = {.argsz = sizeof(FeatureRequest<Payload>), .flags = flags}, .payload = payload};
}

}  // namespace

Result<std::unique_ptr<KernelDevice>> KernelDevice::open(SystemCalls& system,
                                                         std::shared_ptr<Cancellation> cancellation,
                                                         OpenedDevice device, Resetter resetter) {
  std::unique_ptr<KernelDevice> opened{
      new KernelDevice{system, std::move(cancellation), std::move(device), std::move(resetter)}};
  if (Status read = opened->readFacts(); !read) {
    return std::move(read.error());
  }
  return opened;
}

Status KernelDevice::request(const char* what, unsigned long number, void* argument) {
  while (system_.ioctl(device_.fd.get(), number, argument) < 0) {
    if (errno != EINTR) {
      return deviceRefused(what, errno);
    }
    if (cancellation_->cancelled()) {
      return Error{.code = ErrorCode::kClosed, .message = "the device was closed"};
    }
  }
  return Done{};
}

Status KernelDevice::readFacts() {
  DeviceInfo info{.argsz = sizeof(info), .flags = 0, .num_regions = 0, .num_irqs = 0};
  if (Status read = request("VFIO_DEVICE_GET_INFO", request::kDeviceGetInfo, &info); !read) {
    return read;
  }
  facts_ = {.resetSupported = (info.flags & kDeviceFlagsReset) != 0, .regions = info.num_regions};
  // Every device that migrates by v2 has a reset, which alone ends ERROR; some drivers forget to say so.
  FeatureMigration migration{};
  if (!facts_.resetSupported &&
      feature(kFeatureGet | kFeatureMigration, std::as_writable_bytes(std::span{&migration, 1}))) {
    facts_.resetSupported = true;
  }
  return Done{};
}

Result<RegionFacts> KernelDevice::region(std::uint32_t index) {
  std::vector<std::byte> buffer(sizeof(RegionInfo));
  for (int attempt = 0; attempt < kRegionInfoTries; ++attempt) {
    RegionInfo info{.argsz = static_cast<std::uint32_t>(buffer.size()),
                    .flags = 0,
                    .index = index,
                    .cap_offset = 0,
                    .size = 0,
                    .offset = 0};
    std::memcpy(buffer.data(), &info, sizeof(info));
    if (Status read = request("VFIO_DEVICE_GET_REGION_INFO", request::kDeviceGetRegionInfo, buffer.data());
        !read) {
      return std::move(read.error());
    }
    std::memcpy(&info, buffer.data(), sizeof(info));
    if (info.argsz > kMaxRegionInfo) {
      break;
    }
    if (info.argsz <= buffer.size()) {
      return parseRegionInfo(buffer, index);
    }
    buffer.assign(info.argsz, std::byte{0});
  }
  return Error{.code = ErrorCode::kBadRegionInfo,
               .message = "the device describes region " + std::to_string(index) + " wrongly: it has no end"};
}

Result<std::int64_t> KernelDevice::place(std::uint32_t index, std::uint64_t offset, std::size_t size) {
  auto known = extents_.find(index);
  if (known == extents_.end()) {
    auto facts = region(index);
    if (!facts) {
      return std::move(facts.error());
    }
    known = extents_.try_emplace(index, Extent{.start = facts->fileOffset, .size = facts->size}).first;
  }
  const Extent& extent = known->second;
  // The regions share one file: what is beyond one of them may be in another.
  if (offset > extent.size || size > extent.size - offset) {
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = "region " + std::to_string(index) + " has " + std::to_string(extent.size) +
                            " bytes, the access ends beyond them"};
  }
  return static_cast<std::int64_t>(extent.start + offset);  // both below 2^53
}

Status KernelDevice::read(std::uint32_t index, std::uint64_t offset, std::span<std::byte> into) {
  const auto at = place(index, offset, into.size());
  if (!at) {
    return at.error();
  }
  ssize_t moved = -1;
  do {
    moved = system_.pread(device_.fd.get(), into.data(), into.size(), *at);
  } while (moved < 0 && errno == EINTR && !cancellation_->cancelled());
  return checkMoved("a read", moved, into.size());
}

Status KernelDevice::write(std::uint32_t index, std::uint64_t offset, std::span<const std::byte> from) {
  const auto at = place(index, offset, from.size());
  if (!at) {
    return at.error();
  }
  ssize_t moved = -1;
  do {
    moved = system_.pwrite(device_.fd.get(), from.data(), from.size(), *at);
  } while (moved < 0 && errno == EINTR && !cancellation_->cancelled());
  return checkMoved("a write", moved, from.size());
}

Status KernelDevice::checkMoved(const char* what, ssize_t moved, std::size_t wanted) {
  if (moved < 0) {
    return deviceRefused(what, errno);
  }
  if (static_cast<std::size_t>(moved) != wanted) {
    return Error{
        .code = ErrorCode::kAccessFailed,
        .message = "the device moved " + std::to_string(moved) + " of " + std::to_string(wanted) + " bytes"};
  }
  return Done{};
}

std::size_t KernelDevice::maxTransfer() const { return kMaxTransfer; }

std::unique_ptr<RegionMapping> KernelDevice::map(const RegionFacts& region) {
  return mapDevice(system_, region, device_.fd.get());
}

Status KernelDevice::reset() {
  return resetter_ ? resetter_(device_) : request("VFIO_DEVICE_RESET", request::kDeviceReset, nullptr);
}

Status KernelDevice::feature(std::uint32_t flagsAndIndex, std::span<std::byte> payload) {
  std::vector<std::byte> buffer(sizeof(DeviceFeature) + payload.size());
  const DeviceFeature header{.argsz = static_cast<std::uint32_t>(buffer.size()), .flags = flagsAndIndex};
  std::memcpy(buffer.data(), &header, sizeof(header));
  std::ranges::copy(payload, buffer.begin() + sizeof(header));
  if (Status asked = request("VFIO_DEVICE_FEATURE", request::kDeviceFeature, buffer.data()); !asked) {
    return asked;
  }
  std::copy(buffer.begin() + sizeof(header), buffer.end(), payload.begin());
  return Done{};
}

Result<std::uint32_t> KernelDevice::migrationState() {
  // A GET opens nothing: whatever stands in data_fd is no descriptor of ours (V2-40).
  auto ask = featureRequest<FeatureMigState>(kFeatureGet | kFeatureMigDeviceState,
                                             {.device_state = 0, .data_fd = -1});
  if (Status asked = request("GET of the migration state", request::kDeviceFeature, &ask); !asked) {
    return std::move(asked.error());
  }
  if (TRANSSHIP_MUTANT("V2-40")) {  // takes what stands there for a descriptor
    const UniqueFd ours{ask.payload.data_fd};
  }
  return ask.payload.device_state;
}

Result<MigrationStateReply> KernelDevice::setMigrationState(std::uint32_t state) {
  auto ask = featureRequest<FeatureMigState>(kFeatureSet | kFeatureMigDeviceState,
                                             {.device_state = state, .data_fd = -1});
  Status asked = request("SET of the migration state", request::kDeviceFeature, &ask);
  UniqueFd data{ask.payload.data_fd};  // -1 unless the kernel wrote one, also with a failure
  if (!asked) {
    return std::move(asked.error());
  }
  MigrationStateReply reply{.state = ask.payload.device_state};
  if (data) {
    reply.data = std::make_unique<KernelData>(system_, cancellation_, std::move(data));
  }
  return reply;
}

Result<std::uint64_t> KernelDevice::startDmaLogging(std::span<const IovaRange> ranges,
                                                    std::uint64_t pageSize) {
  std::vector<FeatureDmaLoggingRange> list;
  list.reserve(ranges.size());
  for (const IovaRange& range : ranges) {
    list.push_back({.iova = range.iova, .length = range.length});
  }
  auto ask = featureRequest<FeatureDmaLoggingControl>(
      kFeatureSet | kFeatureDmaLoggingStart, {.page_size = pageSize,
                                              .num_ranges = static_cast<std::uint32_t>(list.size()),
                                              .reserved = 0,
                                              .ranges = reinterpret_cast<std::uint64_t>(list.data())});
  if (Status asked = request("the start of DMA logging", request::kDeviceFeature, &ask); !asked) {
    return std::move(asked.error());
  }
  return ask.payload.page_size;
}

Status KernelDevice::reportDmaLogging(IovaRange range, std::uint64_t pageSize, std::span<std::byte> bitmap) {
  auto ask = featureRequest<FeatureDmaLoggingReport>(
      kFeatureGet | kFeatureDmaLoggingReport, {.iova = range.iova,
                                               .length = range.length,
                                               .page_size = pageSize,
                                               .bitmap = reinterpret_cast<std::uint64_t>(bitmap.data())});
  return request("a report of DMA logging", request::kDeviceFeature, &ask);
}

Status KernelDevice::stopDmaLogging() { return feature(kFeatureSet | kFeatureDmaLoggingStop, {}); }

}  // namespace transship::vfio
