#include "vfio/user_client.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace transship::vfio_user {
namespace {

constexpr std::uint32_t kLargestErrno = 4095;  // MAX_ERRNO of the kernel

Deadline stallDeadline() { return std::chrono::steady_clock::now() + UserClient::kStallLimit; }

Error violation(const std::string& what) {
  return {.code = ErrorCode::kProtocolViolation,
          .message = "the device's server broke the vfio-user protocol: " + what};
}

Error stalled() {
  return {.code = ErrorCode::kConnectionLost,
          .message = "the device's server stalled in the middle of a message"};
}

iovec part(std::span<const std::byte> bytes) {
  return {.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
}

// What is left of the three receive buffers after `received` bytes, limited to `end` bytes in all.
std::array<iovec, 3> remaining(std::array<std::span<std::byte>, 3> buffers, std::size_t received,
                               std::size_t end) {
  std::array<iovec, 3> parts{};
  std::size_t position = 0;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    const std::size_t start = std::max(position, received);
    const std::size_t stop = std::min(position + buffers[i].size(), end);
    if (start < stop) {
      parts[i] = {.iov_base = buffers[i].data() + (start - position), .iov_len = stop - start};
    }
    position += buffers[i].size();
  }
  return parts;
}

Status checkHeader(const Header& header, Command command, std::uint16_t id, std::size_t capacity) {
  if ((header.flags & kFlagTypeMask) != kFlagTypeReply) {
    return violation("a message that is not a reply came while one was due");
  }
  if (header.message_id != id) {
    return violation("reply to message " + std::to_string(header.message_id) + " instead of " +
                     std::to_string(id));
  }
  if (header.command != static_cast<std::uint16_t>(command)) {
    return violation("reply to command " + std::to_string(header.command) + " instead of " +
                     std::to_string(static_cast<int>(command)));
  }
  if (header.message_size < sizeof(Header) || header.message_size > capacity) {
    return violation("reply of " + std::to_string(header.message_size) + " bytes where " +
                     std::to_string(sizeof(Header)) + " to " + std::to_string(capacity) + " are possible");
  }
  return Done{};
}

}  // namespace

Error UserClient::breakOff(Error error) {
  broken_ = true;
  return error;
}

Result<Reply> UserClient::exchange(Command command, Payload payload, Buffers into, Deadline deadline) {
  if (broken_) {
    return Error{.code = ErrorCode::kConnectionLost,
                 .message = "the connection to the device's server broke earlier; open the device again"};
  }
  const std::uint16_t id = nextId_++;
  const std::size_t size = sizeof(Header) + payload.fixed.size() + payload.bulk.size();
  const Header header{.message_id = id,
                      .command = static_cast<std::uint16_t>(command),
                      .message_size = static_cast<std::uint32_t>(size),
                      .flags = kFlagTypeCommand,
                      .error = 0};
  std::array<iovec, 3> parts{part(std::as_bytes(std::span{&header, 1})), part(payload.fixed),
                             part(payload.bulk)};
  if (Status sent = socket_.sendAll(parts, deadline ? deadline : stallDeadline()); !sent) {
    if (sent.error().code == ErrorCode::kConnectTimeout && !deadline) {
      return breakOff(stalled());
    }
    return breakOff(std::move(sent.error()));
  }
  return receive(command, id, into, deadline);
}

Result<Reply> UserClient::receive(Command command, std::uint16_t id, Buffers into, Deadline deadline) {
  Header header{};
  const std::array<std::span<std::byte>, 3> buffers{std::as_writable_bytes(std::span{&header, 1}), into.fixed,
                                                    into.bulk};
  const std::size_t capacity = sizeof(Header) + into.fixed.size() + into.bulk.size();
  Reply reply;
  std::size_t received = 0;
  // Only one command is out at a time, so all that arrives belongs to its reply: the first call may take
  // header and payload together. Until the header is there its size is not known.
  std::size_t end = capacity;
  while (received < sizeof(Header) || received < end) {
    const Deadline limit = deadline || received == 0 ? deadline : stallDeadline();
    const auto parts = remaining(buffers, received, end);
    auto got = socket_.receiveSome(parts, reply.descriptors, limit);
    if (!got) {
      if (got.error().code == ErrorCode::kConnectTimeout && !deadline) {
        return breakOff(stalled());
      }
      return breakOff(std::move(got.error()));
    }
    const bool hadHeader = received >= sizeof(Header);
    received += *got;
    if (!hadHeader && received >= sizeof(Header)) {
      if (Status valid = checkHeader(header, command, id, capacity); !valid) {
        return breakOff(std::move(valid.error()));
      }
      end = header.message_size;
      if (received > end) {
        return breakOff(violation("bytes after the end of a reply"));
      }
    }
  }
  if ((header.flags & kFlagError) != 0) {
    const bool plausible = header.error > 0 && header.error <= kLargestErrno;
    const int errorNumber = plausible ? static_cast<int>(header.error) : EIO;
    return Error{.code = ErrorCode::kAccessFailed,
                 .message = std::string("the device refused the access: ") + std::strerror(errorNumber),
                 .errorNumber = errorNumber};
  }
  reply.size = end - sizeof(Header);
  return reply;
}

}  // namespace transship::vfio_user
