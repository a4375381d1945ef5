#include "vfio/user_features.hh"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "vfio/abi.hh"

namespace transship::vfio_user {
namespace {

constexpr std::uint64_t kBitsPerByte = 8;

template <typename T>
void append(std::vector<std::byte>& to, const T& object) {
  const auto bytes = std::as_bytes(std::span{&object, 1});
  to.insert(to.end(), bytes.begin(), bytes.end());
}

// Requests that carry nothing a server could find wrong: EINVAL then means that it knows no such thing.
bool onlyAsksWhether(std::uint32_t flagsAndIndex) {
  return (flagsAndIndex & vfio::kFeatureProbe) != 0 ||
         flagsAndIndex == (vfio::kFeatureGet | vfio::kFeatureMigration);
}

Error refused(Error error, std::uint32_t flagsAndIndex) {
  const bool unknown = error.errorNumber == ENOSYS || error.errorNumber == EOPNOTSUPP ||
                       (error.errorNumber == EINVAL && onlyAsksWhether(flagsAndIndex));
  if (error.code == ErrorCode::kAccessFailed && unknown) {
    error.errorNumber = ENOTTY;
    error.message = "the device has no such feature";
  }
  return error;
}

}  // namespace

Status UserFeatures::exchange(std::uint32_t flagsAndIndex, std::span<const std::byte> ask,
                              std::span<std::byte> answer) {
  const DeviceFeature header{
      .argsz = static_cast<std::uint32_t>(sizeof(DeviceFeature) + std::max(ask.size(), answer.size())),
      .flags = flagsAndIndex};
  DeviceFeature echoed{};
  auto answered =
      client_.exchange(Command::kDeviceFeature, {.fixed = std::as_bytes(std::span{&header, 1}), .bulk = ask},
                       {.fixed = std::as_writable_bytes(std::span{&echoed, 1}), .bulk = answer});
  if (!answered) {
    return refused(std::move(answered.error()), flagsAndIndex);
  }
  if (answered->size != sizeof(echoed) + answer.size() || echoed.flags != flagsAndIndex) {
    client_.abandon();
    return Error{.code = ErrorCode::kProtocolViolation,
                 .message =
                     "the device's server broke the vfio-user protocol: the reply to a feature request "
                     "does not fit it"};
  }
  return Done{};
}

Status UserFeatures::request(std::uint32_t flagsAndIndex, std::span<std::byte> payload) {
  const bool sends = (flagsAndIndex & vfio::kFeatureSet) != 0 && (flagsAndIndex & vfio::kFeatureProbe) == 0;
  return exchange(flagsAndIndex, sends ? payload : std::span<std::byte>{}, payload);
}

Result<std::uint64_t> UserFeatures::startDmaLogging(std::span<const vfio::IovaRange> ranges,
                                                    std::uint64_t pageSize) {
  std::vector<std::byte> payload;
  append(payload,
         FeatureDmaLoggingControl{
             .page_size = pageSize, .num_ranges = static_cast<std::uint32_t>(ranges.size()), .reserved = 0});
  for (const auto& range : ranges) {
    append(payload, vfio::FeatureDmaLoggingRange{.iova = range.iova, .length = range.length});
  }
  if (Status done = request(vfio::kFeatureSet | vfio::kFeatureDmaLoggingStart, payload); !done) {
    return std::move(done.error());
  }
  FeatureDmaLoggingControl chosen{};
  std::memcpy(&chosen, payload.data(), sizeof(chosen));
  return chosen.page_size;
}

Status UserFeatures::reportDmaLogging(vfio::IovaRange range, std::uint64_t pageSize,
                                      std::span<std::byte> bitmap, std::size_t maxTransfer) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  const std::size_t most = std::max(maxTransfer / kWord, std::size_t{1}) * kWord;
  while (!bitmap.empty()) {
    const auto bits = bitmap.first(std::min(bitmap.size(), most));
    const std::uint64_t length = std::min(range.length, bits.size() * kBitsPerByte * pageSize);
    if (Status reported = reportPart({.iova = range.iova, .length = length}, pageSize, bits); !reported) {
      return reported;
    }
    bitmap = bitmap.subspan(bits.size());
    range = {.iova = range.iova + length, .length = range.length - length};
  }
  return Done{};
}

Status UserFeatures::reportPart(vfio::IovaRange part, std::uint64_t pageSize, std::span<std::byte> bitmap) {
  const FeatureDmaLoggingReport ask{.iova = part.iova, .length = part.length, .page_size = pageSize};
  std::vector<std::byte> answer(sizeof(ask) + bitmap.size());
  if (Status done = exchange(vfio::kFeatureGet | vfio::kFeatureDmaLoggingReport,
                             std::as_bytes(std::span{&ask, 1}), answer);
      !done) {
    return done;
  }
  for (std::size_t i = 0; i < bitmap.size(); ++i) {
    bitmap[i] |= answer[sizeof(ask) + i];
  }
  return Done{};
}

}  // namespace transship::vfio_user
