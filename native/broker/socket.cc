#include "socket.hh"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace transship::broker {
namespace {

constexpr int kBacklog = 16;
constexpr std::size_t kMaxDescriptors = 2;
constexpr std::size_t kMaxForeign = 253;  // SCM_MAX_FD of net/scm.h
constexpr int kPassRights = 83;  // SO_PASSRIGHTS of asm-generic/socket.h, newer than the headers in use
constexpr int kType = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;

[[noreturn]] void fail(int errorNumber, const std::string& path) {
  throw std::system_error(errorNumber, std::generic_category(), path);
}

bool answers(const sockaddr_un& address) {
  const UniqueFd probe{::socket(AF_UNIX, kType, 0)};
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
         errno == EAGAIN || errno == EPROTOTYPE;
}

void takeDescriptors(msghdr& message, std::vector<UniqueFd>& into) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr;
       control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof(fd));
      into.emplace_back(fd);
    }
  }
}

}  // namespace

UniqueFd listenPackets(const std::string& path, mode_t mode, uid_t owner, Descriptors descriptors) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    fail(ENAMETOOLONG, path);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode) || answers(address)) {
      fail(EADDRINUSE, path);
    }
    ::unlink(path.c_str());
  }
  UniqueFd fd{::socket(AF_UNIX, kType, 0)};
  if (descriptors == Descriptors::kRefused) {
    const int off = 0;  // connections inherit it; an older kernel does not know it
    [[maybe_unused]] const int set = ::setsockopt(fd.get(), SOL_SOCKET, kPassRights, &off, sizeof(off));
  }
  // Nobody connects before owner and mode are what they should be.
  const mode_t before = ::umask(0777);
  const bool bound =
      fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  const int why = errno;
  ::umask(before);
  if (!bound) {
    fail(why, path);
  }
  if ((owner != ::geteuid() && ::chown(path.c_str(), owner, static_cast<gid_t>(-1)) != 0) ||
      ::chmod(path.c_str(), mode) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    const int failed = errno;
    ::unlink(path.c_str());
    fail(failed, path);
  }
  return fd;
}

UniqueFd acceptPackets(int listener) {
  return UniqueFd{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
}

Peer peerOf(int socket) {
  ucred credentials{};
  socklen_t length = sizeof(credentials);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    return {.pid = 0, .uid = static_cast<uid_t>(-1)};
  }
  return {.pid = credentials.pid, .uid = credentials.uid};
}

Packet receivePacket(int socket, std::size_t most, Descriptors descriptors) {
  Packet packet;
  packet.text.resize(most);
  iovec part{.iov_base = packet.text.data(), .iov_len = most};
  // All of those that are refused: the kernel would close the others here and now.
  const std::size_t mostDescriptors = descriptors == Descriptors::kTaken ? kMaxDescriptors : kMaxForeign;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxForeign)];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(sizeof(int) * mostDescriptors);
  const ssize_t got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got <= 0) {
    const bool later = got < 0 && (errno == EAGAIN || errno == EINTR);
    packet.kind = later ? Packet::Kind::kNone : Packet::Kind::kEnd;
    return packet;
  }
  takeDescriptors(message, packet.descriptors);
  packet.text.resize(static_cast<std::size_t>(got));
  const bool refused = descriptors == Descriptors::kRefused && !packet.descriptors.empty();
  packet.kind = refused || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ? Packet::Kind::kTooLong
                                                                               : Packet::Kind::kRequest;
  return packet;
}

bool sendPacket(int socket, std::string_view text, const std::vector<int>& descriptors) {
  iovec part{.iov_base = const_cast<char*>(text.data()),
             .iov_len = text.size()};  // sendmsg(2) does not write
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxDescriptors)]{};
  if (!descriptors.empty() && descriptors.size() <= kMaxDescriptors) {
    const std::size_t size = descriptors.size() * sizeof(int);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(size);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(header), descriptors.data(), size);
  }
  ssize_t sent = -1;
  do {
    sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(text.size());
}

}  // namespace transship::broker
