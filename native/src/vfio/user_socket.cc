#include "vfio/user_socket.hh"

#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <random>

#include "vfio/user_protocol.hh"

namespace transship::vfio_user {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How much the socket may hold in flight: one default transfer and its headers. Capped by the system.
constexpr int kSendBuffer = static_cast<int>(kDefaultMaxDataTransfer) + 4096;

Error closed() { return {.code = ErrorCode::kClosed, .message = "the device was closed"}; }

Error lost(int errorNumber) {
  return {.code = ErrorCode::kConnectionLost,
          .message = "the device's server ended the connection",
          .errorNumber = errorNumber};
}

Error timedOut() {
  return {.code = ErrorCode::kConnectTimeout,
          .message = "the device's server did not answer in time; it may be serving another client"};
}

Error cannotConnect(const std::string& path, int errorNumber) {
  return {.code = ErrorCode::kConnectFailed,
          .message = "cannot connect to " + path + ": " + std::strerror(errorNumber),
          .errorNumber = errorNumber};
}

// Milliseconds until the deadline for poll(2), rounded up so that a wait never ends just short of it.
int remainingMs(const Deadline& deadline) {
  if (!deadline) {
    return -1;
  }
  const auto left = std::chrono::ceil<milliseconds>(*deadline - steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

Status collectDescriptors(msghdr& message, std::vector<UniqueFd>& descriptors) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr;
       control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof(fd));
      descriptors.emplace_back(fd);
    }
  }
  if ((message.msg_flags & MSG_CTRUNC) != 0 || descriptors.size() > kMaxMessageFds) {
    descriptors.clear();
    return Error{.code = ErrorCode::kProtocolViolation,
                 .message = "the device's server passed more descriptors than a message may carry"};
  }
  return Done{};
}

}  // namespace

void pauseBeforeRetry(SystemCalls& system, const Cancellation& cancellation, int attempt) {
  thread_local std::minstd_rand random{std::random_device{}()};
  const int base = 10 << std::min(attempt, 4);
  pollfd entry{.fd = cancellation.fd(), .events = POLLIN, .revents = 0};
  system.poll(&entry, 1, std::uniform_int_distribution<int>{base / 2, base + base / 2}(random));
}

Result<UserSocket> UserSocket::connect(SystemCalls& system, std::shared_ptr<Cancellation> cancellation,
                                       const std::string& path, Deadline deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = "a socket path has 1 to 107 bytes, this one has " + std::to_string(path.size())};
  }
  std::memcpy(address.sun_path, path.data(), path.size());

  UniqueFd fd{system.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) {
    return cannotConnect(path, errno);
  }
  // Only a matter of speed, so a refusal does not matter.
  system.setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof(kSendBuffer));

  int attempt = 0;
  while (system.connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    if (cancellation->cancelled()) {
      return closed();
    }
    if (errno == EINTR) {
      continue;
    }
    if (errno != EAGAIN) {
      return cannotConnect(path, errno);
    }
    if (remainingMs(deadline) == 0) {
      return timedOut();
    }
    pauseBeforeRetry(system, *cancellation, attempt++);
  }
  return UserSocket{system, std::move(cancellation), std::move(fd)};
}

Status UserSocket::wait(short events, Deadline deadline) {
  for (;;) {
    std::array<pollfd, 2> entries{{{.fd = fd_.get(), .events = events, .revents = 0},
                                   {.fd = cancellation_->fd(), .events = POLLIN, .revents = 0}}};
    const int ready = system_->poll(entries.data(), entries.size(), remainingMs(deadline));
    if (cancellation_->cancelled()) {
      return closed();
    }
    if (ready == 0) {
      return timedOut();
    }
    if (ready > 0 && entries[0].revents != 0) {
      return Done{};  // hang-ups too: the following call says what happened
    }
    if (ready < 0 && errno != EINTR) {
      return lost(errno);
    }
  }
}

Status UserSocket::sendAll(std::span<iovec> parts, Deadline deadline) {
  while (!parts.empty()) {
    if (parts.front().iov_len == 0) {
      parts = parts.subspan(1);
      continue;
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    const ssize_t sent = system_->sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) {
        continue;
      }
      if (errno != EAGAIN && errno != EWOULDBLOCK) {
        return cancellation_->cancelled() ? closed() : lost(errno);
      }
      if (Status ready = wait(POLLOUT, deadline); !ready) {
        return ready;
      }
      continue;
    }
    auto left = static_cast<std::size_t>(sent);
    while (left > 0) {
      const std::size_t step = std::min(left, parts.front().iov_len);
      parts.front().iov_base = static_cast<std::byte*>(parts.front().iov_base) + step;
      parts.front().iov_len -= step;
      left -= step;
      if (parts.front().iov_len == 0) {
        parts = parts.subspan(1);
      }
    }
  }
  return Done{};
}

Result<std::size_t> UserSocket::receiveSome(std::span<const iovec> parts, std::vector<UniqueFd>& descriptors,
                                            Deadline deadline) {
  for (;;) {
    if (Status ready = wait(POLLIN, deadline); !ready) {
      return std::move(ready.error());
    }
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMaxMessageFds * sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());  // recvmsg(2) does not change the array
    message.msg_iovlen = parts.size();
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t received = system_->recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (received < 0) {
      if (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK) {
        continue;
      }
      return lost(errno);
    }
    if (Status taken = collectDescriptors(message, descriptors); !taken) {
      return std::move(taken.error());
    }
    if (received == 0) {
      return lost(0);
    }
    return static_cast<std::size_t>(received);
  }
}

}  // namespace transship::vfio_user
