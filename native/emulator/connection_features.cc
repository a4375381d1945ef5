// The commands of v2 migration: device features, and the data stream that takes the place of a descriptor.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "connection.hh"
#include "socket.hh"

namespace transship::emulator {
namespace {

using vfio::kFeatureGet;
using vfio::kFeatureMask;
using vfio::kFeatureProbe;
using vfio::kFeatureSet;
using Bytes = std::vector<std::byte>;

constexpr std::uint32_t kNoDataFd = ~0u;

template <typename T>
void append(Bytes& to, const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

// The payload's fixed part; nothing when the payload is shorter.
template <typename T>
bool take(std::span<const std::byte> payload, T& value) {
  if (payload.size() < sizeof(T)) {
    return false;
  }
  std::memcpy(&value, payload.data(), sizeof(T));
  return true;
}

std::uint32_t methodsOf(std::uint32_t feature) {
  switch (feature) {
    case vfio::kFeatureMigDeviceState:
      return kFeatureGet | kFeatureSet;
    case vfio::kFeatureMigPrecopyInfoV2:
    case vfio::kFeatureDmaLoggingStart:
    case vfio::kFeatureDmaLoggingStop:
      return kFeatureSet;
    default:
      return kFeatureGet;
  }
}

int get(FeaturesV2& features, std::uint32_t feature, std::span<const std::byte> payload, Bytes& answer) {
  switch (feature) {
    case vfio::kFeatureMigration:
      append(answer, vfio::FeatureMigration{features.migrationFlags()});
      return 0;
    case vfio::kFeatureMigDeviceState:
      append(answer, vfio_user::FeatureMigState{features.getState(), kNoDataFd});
      return 0;
    case vfio::kFeatureMigDataSize:
      append(answer, vfio::FeatureMigDataSize{features.dataSize()});
      return 0;
    default: {
      vfio_user::FeatureDmaLoggingReport ask{};
      if (!take(payload, ask)) {
        return EINVAL;
      }
      Bytes bitmap;
      const int error = features.reportLog({ask.iova, ask.length}, ask.page_size, bitmap);
      append(answer, ask);
      answer.insert(answer.end(), bitmap.begin(), bitmap.end());
      return error;
    }
  }
}

int startLog(FeaturesV2& features, std::span<const std::byte> payload, Bytes& answer) {
  vfio_user::FeatureDmaLoggingControl control{};
  if (!take(payload, control)) {
    return EINVAL;
  }
  const auto listed = payload.subspan(sizeof(control));
  if (listed.size() / sizeof(DmaRange) < control.num_ranges) {
    return EINVAL;
  }
  static_assert(sizeof(DmaRange) == sizeof(vfio::FeatureDmaLoggingRange));
  std::vector<DmaRange> ranges(control.num_ranges);
  if (ranges.empty()) {  // vfio-user: everything
    ranges.push_back({0, ~(std::max(control.page_size, DmaEngine::kPageSize) - 1)});
  } else {
    std::memcpy(ranges.data(), listed.data(), ranges.size() * sizeof(DmaRange));
  }
  std::uint64_t pageSize = control.page_size;
  const int error = features.startLog(pageSize, std::move(ranges));
  control.page_size = pageSize;
  std::memcpy(answer.data(), &control, sizeof(control));
  return error;
}

// `answer` is the request's payload, and changes where the device has something to say.
int set(FeaturesV2& features, std::uint32_t feature, std::span<const std::byte> payload, Bytes& answer) {
  switch (feature) {
    case vfio::kFeatureMigDeviceState: {
      vfio_user::FeatureMigState state{};
      if (!take(payload, state)) {
        return EINVAL;
      }
      const int error = features.setState(state.device_state);
      state.data_fd = kNoDataFd;  // the stream goes over this connection
      std::memcpy(answer.data(), &state, sizeof(state));
      return error;
    }
    case vfio::kFeatureMigPrecopyInfoV2:
      return features.optIn();
    case vfio::kFeatureDmaLoggingStart:
      return startLog(features, payload, answer);
    default:
      return features.stopLog();
  }
}

// What vfio_main.c of Linux does with a request before any driver sees it.
int carryOut(FeaturesV2& features, std::uint32_t flags, std::span<const std::byte> payload, Bytes& answer) {
  const std::uint32_t feature = flags & kFeatureMask;
  const std::uint32_t methods = flags & (kFeatureGet | kFeatureSet);
  const bool probe = (flags & kFeatureProbe) != 0;
  if ((flags & ~(kFeatureMask | kFeatureGet | kFeatureSet | kFeatureProbe)) != 0 ||
      (!probe && methods == (kFeatureGet | kFeatureSet))) {
    return EINVAL;
  }
  if (!features.offers(feature)) {
    return ENOTTY;
  }
  if ((methods & ~methodsOf(feature)) != 0 || (!probe && methods == 0)) {
    return EINVAL;
  }
  if (const int error = features.featureFault(feature); error != 0 && !probe) {
    return error;
  }
  if (probe || methods == kFeatureSet) {
    answer.assign(payload.begin(), payload.end());
  }
  if (probe) {
    return 0;
  }
  return methods == kFeatureGet ? get(features, feature, payload, answer)
                                : set(features, feature, payload, answer);
}

}  // namespace

bool Connection::deviceFeature(Message& message) {
  vfio_user::DeviceFeature header{};
  if (const Received received = receive(message, header); received != Received::kAll) {
    return received == Received::kRefused;
  }
  if (header.argsz < sizeof(header)) {
    return fail(message, EINVAL);
  }
  Bytes answer;
  const std::size_t room = header.argsz - sizeof(header);
  const bool setsState = header.flags == (kFeatureSet | vfio::kFeatureMigDeviceState);
  const int error = device_.withFeatures([&](FeaturesV2& features) {
    const int outcome = carryOut(features, header.flags, buffer_, answer);
    if (setsState && pendingInput(socket_)) {
      features.notePiledOn();
    }
    return outcome;
  });
  if (error != 0 || answer.size() > room) {
    return fail(message, error != 0 ? error : EINVAL);
  }
  header.argsz = static_cast<std::uint32_t>(sizeof(header) + answer.size());
  return reply(message, {part(header), partOf(answer)});
}

bool Connection::migDataRead(Message& message) {
  vfio_user::MigData data{};
  if (const Received received = receive(message, data); received != Received::kAll) {
    return received == Received::kRefused;
  }
  if (data.size > maxTransfer_ || data.argsz < sizeof(data) + data.size) {
    return fail(message, EINVAL);
  }
  ReadResult read;
  const int refused = device_.withFeatures([&](FeaturesV2& features) {
    read = features.readData(data.size);
    return read.error;
  });
  if (refused != 0) {
    return fail(message, refused);
  }
  data.size = static_cast<std::uint32_t>(read.data.size());
  data.argsz = static_cast<std::uint32_t>(sizeof(data)) + data.size;
  return reply(message, {part(data), partOf(read.data)});
}

bool Connection::migDataWrite(Message& message) {
  vfio_user::MigData data{};
  if (message.payload < sizeof(data)) {
    return discard(message) && fail(message, EINVAL);
  }
  if (!receiveAll(socket_, std::as_writable_bytes(std::span(&data, 1)), &message.fds)) {
    return false;
  }
  message.payload -= sizeof(data);
  if (message.payload != data.size || data.size > maxTransfer_) {
    return discard(message) && fail(message, EINVAL);
  }
  buffer_.resize(data.size);
  if (!receiveAll(socket_, buffer_, &message.fds)) {
    return false;
  }
  message.payload = 0;
  const int error = device_.withFeatures([&](FeaturesV2& features) { return features.writeData(buffer_); });
  return error == 0 ? reply(message, {}) : fail(message, error);
}

bool Connection::migPrecopyInfo(Message& message) {
  vfio::MigPrecopyInfo info{};
  if (const Received received = receive(message, info); received != Received::kAll) {
    return received == Received::kRefused;
  }
  PrecopyEstimate estimate;
  const int error = device_.withFeatures([&](FeaturesV2& features) {
    return features.precopyInfo(info.argsz >= sizeof(info) && info.flags == 0, estimate);
  });
  if (error != 0) {
    return fail(message, error);
  }
  // Without the opt-in nobody fills the flags in: they come back as they were (vfio.h).
  if (estimate.optedIn) {
    info.flags = estimate.reinit ? vfio::kPrecopyInfoReinit : 0;
  }
  info.initial_bytes = estimate.initialBytes;
  info.dirty_bytes = estimate.dirtyBytes;
  return reply(message, {part(info)});
}

}  // namespace transship::emulator
