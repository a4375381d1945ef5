// The commands of the protocol, one function each.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "connection.hh"
#include "socket.hh"

namespace transship::emulator {
namespace {

// struct vfio_irq_info and struct vfio_irq_set of vfio.h, as the messages carry them.
struct IrqInfo {
  std::uint32_t argsz, flags, index, count;
};
struct IrqSet {
  std::uint32_t argsz, flags, index, start, count;
};
constexpr std::uint32_t kMsixIrq = 2;
constexpr std::uint32_t kIrqInfoEventfd = 1u << 0;
constexpr std::uint32_t kDataNone = 1u << 0;
constexpr std::uint32_t kDataEventfd = 1u << 2;
constexpr std::uint32_t kActionTrigger = 1u << 5;

}  // namespace

bool Connection::version(Message& message) {
  vfio_user::VersionPayload theirs{};
  if (greeted_ || receive(message, theirs) != Received::kAll) {
    return false;
  }
  const bool terminated = buffer_.empty() || buffer_.back() == std::byte{0};
  if (theirs.major != vfio_user::kVersionMajor || !terminated) {
    static_cast<void>(fail(message, EINVAL));  // the connection ends either way
    return false;
  }
  greeted_ = true;
  vfio_user::VersionPayload ours{vfio_user::kVersionMajor, std::min(theirs.minor, vfio_user::kVersionMinor)};
  if (device_.faults().take(FaultKind::kBadVersion)) {
    ours.major = 99;
  }
  const std::string capabilities =
      "{\"capabilities\":{\"max_msg_fds\":" + std::to_string(vfio_user::kMaxMessageFds) +
      ",\"max_data_xfer_size\":" + std::to_string(maxTransfer_) +
      (device_.estimatesPrecopy()
           ? ",\"x_mig_precopy_info\":" + std::to_string(static_cast<int>(kMigPrecopyInfo))
           : std::string()) +
      "}}";
  return reply(message,
               {part(ours), partOf(std::as_bytes(std::span(capabilities.c_str(), capabilities.size() + 1)))});
}

bool Connection::deviceInfo(Message& message) {
  vfio::DeviceInfo asked{};
  if (const Received received = receive(message, asked); received != Received::kAll) {
    return received == Received::kRefused;
  }
  const vfio::DeviceInfo info = device_.info();
  return asked.argsz < sizeof(info) ? fail(message, EINVAL) : reply(message, {part(info)});
}

bool Connection::regionInfo(Message& message) {
  vfio::RegionInfo info{};
  if (const Received received = receive(message, info); received != Received::kAll) {
    return received == Received::kRefused;
  }
  RegionDescription region;
  const std::uint32_t room = info.argsz;
  if (room < sizeof(info) || device_.describeRegion(info.index, region) != 0) {
    return fail(message, EINVAL);
  }
  // A client whose buffer is too small for the capabilities learns their size and asks again.
  const std::size_t whole = sizeof(info) + region.capabilities.size();
  const bool fits = room >= whole;
  info.argsz = static_cast<std::uint32_t>(whole);
  info.flags = region.flags;
  info.size = region.size;
  info.offset = 0;
  info.cap_offset = fits && !region.capabilities.empty() ? sizeof(info) : 0;
  std::vector<iovec> parts{part(info)};
  if (fits) {
    parts.push_back(partOf(region.capabilities));
  }
  return reply(message, std::move(parts), region.fd);
}

bool Connection::irqInfo(Message& message) {
  IrqInfo info{};
  if (const Received received = receive(message, info); received != Received::kAll) {
    return received == Received::kRefused;
  }
  if (info.argsz < sizeof(info) || info.index >= device_.info().num_irqs) {
    return fail(message, EINVAL);
  }
  info.argsz = sizeof(info);
  info.flags = info.index == kMsixIrq ? kIrqInfoEventfd : 0;
  info.count = info.index == kMsixIrq ? Irqs::kVectors : 0;
  return reply(message, {part(info)});
}

bool Connection::setIrqs(Message& message) {
  IrqSet set{};
  if (const Received received = receive(message, set); received != Received::kAll) {
    return received == Received::kRefused;
  }
  const bool inside = set.start <= Irqs::kVectors && set.count <= Irqs::kVectors - set.start;
  if (set.index != kMsixIrq || !inside) {
    return fail(message, EINVAL);
  }
  if (set.flags == (kDataNone | kActionTrigger) && set.count == 0) {
    device_.irqs().clear();
  } else if (set.flags == (kDataNone | kActionTrigger)) {
    for (std::uint32_t i = 0; i < set.count; ++i) {
      device_.irqs().trigger(set.start + i);
    }
  } else if (set.flags == (kDataEventfd | kActionTrigger) && message.fds.size() <= set.count) {
    for (std::uint32_t i = 0; i < set.count; ++i) {  // a vector without a descriptor is switched off
      device_.irqs().set(set.start + i, i < message.fds.size() ? std::move(message.fds[i]) : UniqueFd());
    }
  } else {
    return fail(message, EINVAL);
  }
  return reply(message, {});
}

bool Connection::regionRead(Message& message) {
  vfio_user::RegionAccess access{};
  if (const Received received = receive(message, access); received != Received::kAll) {
    return received == Received::kRefused;
  }
  if (access.count > maxTransfer_) {
    return fail(message, EINVAL);
  }
  const Device::Read read = device_.read(access.region, access.offset, access.count);
  if (read.error != 0) {
    return fail(message, read.error);
  }
  access.count = static_cast<std::uint32_t>(read.data.size());
  return reply(message, {part(access), partOf(read.data)});
}

bool Connection::regionWrite(Message& message) {
  vfio_user::RegionAccess access{};
  if (message.payload < sizeof(access)) {
    return discard(message) && fail(message, EINVAL);
  }
  if (!receiveAll(socket_, std::as_writable_bytes(std::span(&access, 1)), &message.fds)) {
    return false;
  }
  message.payload -= sizeof(access);
  if (message.payload != access.count || access.count > maxTransfer_) {
    return discard(message) && fail(message, EINVAL);
  }
  // Migration data goes straight into the window; anything else is small and passes through the buffer.
  std::span<std::byte> to;
  if (std::byte* const place = device_.landing(access.region, access.offset, access.count)) {
    to = {place, access.count};
  } else {
    buffer_.resize(access.count);
    to = buffer_;
  }
  if (!receiveAll(socket_, to, &message.fds)) {
    return false;
  }
  message.payload = 0;
  const int error = device_.write(access.region, access.offset, to);
  return error == 0 ? reply(message, {part(access)}) : fail(message, error);
}

}  // namespace transship::emulator
