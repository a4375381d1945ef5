#include "connection.hh"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "socket.hh"

namespace transship::emulator {
namespace {

using vfio_user::Command;

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

// The payload of any command but a transfer is small; one that is larger comes from no client of this
// protocol.
constexpr std::size_t kMaxPayload = 64 * 1024;

template <typename T>
iovec part(const T& value) {
  return {const_cast<T*>(&value), sizeof(T)};
}
iovec partOf(std::span<const std::byte> bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

}  // namespace

Connection::Connection(Device& device, int socket, std::size_t maxTransfer)
    : device_(device), socket_(socket), maxTransfer_(maxTransfer) {}

void Connection::serve() {
  while (true) {
    Message message{};
    if (!receiveHeader(message) || !handle(message)) {
      return;
    }
  }
}

bool Connection::receiveHeader(Message& message) {
  if (!receiveAll(socket_, std::as_writable_bytes(std::span(&message.header, 1)), &message.fds)) {
    return false;
  }
  const std::uint32_t size = message.header.message_size;
  if (size < sizeof(vfio_user::Header) || size > vfio_user::kMaxMessageSize ||
      (message.header.flags & vfio_user::kFlagTypeMask) != vfio_user::kFlagTypeCommand) {
    return false;  // the stream is out of step; there is no way back into it
  }
  message.payload = size - sizeof(vfio_user::Header);
  return true;
}

bool Connection::handle(Message& message) {
  const auto command = static_cast<Command>(message.header.command);
  if (!greeted_ && command != Command::kVersion) {
    return false;
  }
  switch (command) {
    case Command::kVersion:
      return version(message);
    case Command::kDeviceGetInfo:
      return deviceInfo(message);
    case Command::kDeviceGetRegionInfo:
      return regionInfo(message);
    case Command::kDeviceGetIrqInfo:
      return irqInfo(message);
    case Command::kDeviceSetIrqs:
      return setIrqs(message);
    case Command::kRegionRead:
      return regionRead(message);
    case Command::kRegionWrite:
      return regionWrite(message);
    case Command::kDmaMap:
    case Command::kDmaUnmap: {
      // The devices DMA into each other only, never into the client's memory: nothing is to be kept.
      if (message.payload > kMaxPayload) {
        return false;
      }
      buffer_.resize(message.payload);
      return receiveAll(socket_, buffer_, &message.fds) &&
             (command == Command::kDmaMap ? reply(message, {}) : reply(message, {partOf(buffer_)}));
    }
    case Command::kDeviceReset: {
      if (!discard(message)) {
        return false;
      }
      const int error = device_.reset();
      return error == 0 ? reply(message, {}) : fail(message, error);
    }
    default:
      return discard(message) && fail(message, ENOTSUP);
  }
}

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
      ",\"max_data_xfer_size\":" + std::to_string(maxTransfer_) + "}}";
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

template <typename T>
Connection::Received Connection::receive(Message& message, T& fixed) {
  if (message.payload < sizeof(T)) {
    return discard(message) && fail(message, EINVAL) ? Received::kRefused : Received::kGone;
  }
  if (message.payload > kMaxPayload) {
    return Received::kGone;
  }
  buffer_.resize(message.payload - sizeof(T));
  message.payload = 0;
  const bool whole = receiveAll(socket_, std::as_writable_bytes(std::span(&fixed, 1)), &message.fds) &&
                     receiveAll(socket_, buffer_, &message.fds);
  return whole ? Received::kAll : Received::kGone;
}

bool Connection::discard(Message& message) {
  buffer_.resize(std::min(message.payload, kMaxPayload));
  while (message.payload > 0) {
    const auto piece = std::span(buffer_).first(std::min(message.payload, buffer_.size()));
    if (!receiveAll(socket_, piece, &message.fds)) {
      return false;
    }
    message.payload -= piece.size();
  }
  return true;
}

bool Connection::reply(const Message& message, std::vector<iovec> parts, int fd) {
  if ((message.header.flags & vfio_user::kFlagNoReply) != 0) {
    return true;
  }
  vfio_user::Header header = message.header;
  header.flags = vfio_user::kFlagTypeReply;
  header.error = 0;
  std::size_t size = sizeof(header);
  for (const iovec& one : parts) {
    size += one.iov_len;
  }
  header.message_size = static_cast<std::uint32_t>(size);
  parts.insert(parts.begin(), part(header));
  return sendAll(socket_, std::move(parts), fd);
}

bool Connection::fail(Message& message, int error) {
  if ((message.header.flags & vfio_user::kFlagNoReply) != 0) {
    return true;
  }
  vfio_user::Header header = message.header;
  header.flags = vfio_user::kFlagTypeReply | vfio_user::kFlagError;
  header.error = static_cast<std::uint32_t>(error);
  header.message_size = sizeof(header);
  return sendAll(socket_, {part(header)});
}

}  // namespace transship::emulator
