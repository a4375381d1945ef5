#include "connection.hh"

#include <algorithm>
#include <cerrno>

#include "socket.hh"

namespace transship::emulator {

using vfio_user::Command;

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
  if (command == kMigPrecopyInfo) {
    return migPrecopyInfo(message);
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
      return dmaMap(message);
    case Command::kDmaUnmap:
      return dmaUnmap(message);
    case Command::kDeviceFeature:
      return deviceFeature(message);
    case Command::kMigDataRead:
      return migDataRead(message);
    case Command::kMigDataWrite:
      return migDataWrite(message);
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

Connection::Received Connection::receiveFixed(Message& message, std::span<std::byte> fixed) {
  if (message.payload < fixed.size()) {
    return discard(message) && fail(message, EINVAL) ? Received::kRefused : Received::kGone;
  }
  if (message.payload > kMaxPayload) {
    return Received::kGone;
  }
  buffer_.resize(message.payload - fixed.size());
  message.payload = 0;
  const bool whole = receiveAll(socket_, fixed, &message.fds) && receiveAll(socket_, buffer_, &message.fds);
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
