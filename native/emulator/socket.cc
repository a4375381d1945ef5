#include "socket.hh"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "vfio/user_protocol.hh"

namespace transship::emulator {
namespace {

constexpr int kBacklog = 16;
// Room for one transfer of the default size in the socket, so that sender and receiver overlap.
constexpr int kSocketBuffer = 2 * 1024 * 1024;

void takeFds(const msghdr& message, std::vector<UniqueFd>* fds) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr;
       control = CMSG_NXTHDR(const_cast<msghdr*>(&message), control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(control) + i * sizeof(int), sizeof(int));
      UniqueFd fd(number);
      if (fds != nullptr) {
        fds->push_back(std::move(fd));
      }
    }
  }
}

}  // namespace

UniqueFd listenUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    throw std::system_error(ENAMETOOLONG, std::generic_category(), path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::unlink(path.c_str());
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    throw std::system_error(errno, std::generic_category(), path);
  }
  return fd;
}

UniqueFd acceptUnix(int listener) {
  UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  if (fd) {
    // The forced variant ignores the system's limit but needs a privilege; the other is the second best.
    for (const int option : {SO_SNDBUFFORCE, SO_RCVBUFFORCE}) {
      if (::setsockopt(fd.get(), SOL_SOCKET, option, &kSocketBuffer, sizeof(kSocketBuffer)) != 0) {
        const int plain = option == SO_SNDBUFFORCE ? SO_SNDBUF : SO_RCVBUF;
        ::setsockopt(fd.get(), SOL_SOCKET, plain, &kSocketBuffer, sizeof(kSocketBuffer));
      }
    }
  }
  return fd;
}

bool receiveAll(int socket, std::span<std::byte> to, std::vector<UniqueFd>* fds) {
  while (!to.empty()) {
    iovec part{to.data(), to.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * vfio_user::kMaxMessageFds)];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    const ssize_t got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return false;
    }
    takeFds(message, fds);
    to = to.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

bool sendAll(int socket, std::vector<iovec> parts, int fd) {
  std::size_t first = 0;
  while (first < parts.size()) {
    if (parts[first].iov_len == 0) {
      ++first;
      continue;
    }
    msghdr message{};
    message.msg_iov = &parts[first];
    message.msg_iovlen = parts.size() - first;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))]{};
    if (fd >= 0) {
      message.msg_control = control;
      message.msg_controllen = sizeof(control);
      cmsghdr* const header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    }
    const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) {
      continue;
    }
    if (sent <= 0) {
      return false;
    }
    fd = -1;  // it went with the first byte
    auto left = static_cast<std::size_t>(sent);
    while (left > 0) {
      iovec& part = parts[first];
      const std::size_t step = std::min(left, part.iov_len);
      part.iov_base = static_cast<char*>(part.iov_base) + step;
      part.iov_len -= step;
      left -= step;
      if (part.iov_len == 0) {
        ++first;
      }
    }
  }
  return true;
}

bool pendingInput(int socket) {
  char first = 0;
  return ::recv(socket, &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool peerGone(int socket) {
  pollfd entry{socket, POLLRDHUP, 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace transship::emulator
