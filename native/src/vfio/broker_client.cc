#include "vfio/broker_client.hh"

#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

#include "vfio/json_reader.hh"
#include "vfio/kernel_errors.hh"

namespace transship::vfio {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMaxReply = 64 * 1024;
constexpr std::size_t kMaxDescriptors = 2;

Error closed() { return {.code = ErrorCode::kClosed, .message = "the device was closed"}; }

Error timedOut() {
  return {.code = ErrorCode::kConnectTimeout, .message = "the broker did not answer in time"};
}

Error violation(const char* what) {
  return {.code = ErrorCode::kProtocolViolation,
          .message = std::string("the broker broke its protocol: ") + what};
}

Error lost(int errorNumber) {
  return systemError(ErrorCode::kConnectionLost, "the broker ended the connection", errorNumber);
}

bool past(const Deadline& deadline) { return deadline && steady_clock::now() >= *deadline; }

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

// The error behind a refusal's code.
ErrorCode errorOf(std::string_view code) {
  static constexpr std::array<std::pair<std::string_view, ErrorCode>, 9> kCodes{{
      {"NotAllowed", ErrorCode::kNotAllowed},
      {"DeviceBusy", ErrorCode::kDeviceBusy},
      {"DeviceNotFound", ErrorCode::kNotFound},
      {"UnknownDevice", ErrorCode::kNotFound},
      {"IommuRefused", ErrorCode::kIommuRefused},
      {"AccessFailed", ErrorCode::kAccessFailed},
      {"DeviceGone", ErrorCode::kConnectionLost},
      {"BadRequest", ErrorCode::kInvalidArgument},
      {"Opening", ErrorCode::kQueueFull},
  }};
  const auto known = std::ranges::find(kCodes, code, &std::pair<std::string_view, ErrorCode>::first);
  return known == kCodes.end() ? ErrorCode::kConnectFailed : known->second;
}

// Whoever could make a socket at the path could hand out devices that are none and see every request. A
// broker runs as root, or as the asker where one user does everything. The kernel tells the user that called
// listen(2).
Status checkServer(SystemCalls& system, int fd, const std::string& path) {
  ucred server{};
  socklen_t length = sizeof(server);
  if (system.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &server, &length) != 0) {
    return systemError(ErrorCode::kConnectFailed, "cannot tell whose socket " + path + " is", errno);
  }
  if (server.uid != 0 && server.uid != ::geteuid()) {
    return Error{.code = ErrorCode::kNotAllowed,
                 .message = "the user " + std::to_string(server.uid) + " listens at " + path +
                            ": a broker runs as root or as the user that asks"};
  }
  return Done{};
}

Status parse(BrokerReply& reply) {
  return JsonReader::read(
      reply.json,
      [&](std::string_view path, std::uint64_t value) -> Status {
        reply.numbers.insert_or_assign(std::string(path), value);
        return Done{};
      },
      [&](std::string_view path, std::string_view value) {
        reply.texts.insert_or_assign(std::string(path), unescapeJson(value));
      });
}

}  // namespace

Result<BrokerConnection> BrokerConnection::connect(SystemCalls& system, const Cancellation& cancellation,
                                                   const std::string& path, Deadline deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return Error{.code = ErrorCode::kInvalidArgument,
                 .message = "a socket path has 1 to 107 bytes, this one has " + std::to_string(path.size())};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd{system.socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) {
    return systemError(ErrorCode::kConnectFailed, "no socket for the broker", errno);
  }
  for (int attempt = 0;
       system.connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0;) {
    const int why = errno;
    if (why == EACCES) {
      return systemError(ErrorCode::kNotAllowed, "no permission for the broker's socket " + path, why);
    }
    if (why != EINTR && why != EAGAIN) {
      return systemError(ErrorCode::kConnectFailed, "no broker listens at " + path, why);
    }
    if (cancellation.cancelled()) {
      return closed();
    }
    if (past(deadline)) {
      return timedOut();
    }
    vfio_user::pauseBeforeRetry(system, cancellation, attempt++);
  }
  if (Status checked = checkServer(system, fd.get(), path); !checked) {
    return std::move(checked.error());
  }
  return BrokerConnection{system, cancellation, std::move(fd)};
}

// Waits until the socket is ready or has failed.
Status BrokerConnection::await(short events, const Deadline& deadline) {
  for (;;) {
    int most = -1;
    if (deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - steady_clock::now()).count();
      most = static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
    }
    std::array<pollfd, 2> entries{{{.fd = socket_.get(), .events = events, .revents = 0},
                                   {.fd = cancellation_->fd(), .events = POLLIN, .revents = 0}}};
    const int ready = system_->poll(entries.data(), entries.size(), most);
    if (cancellation_->cancelled()) {
      return closed();
    }
    if (ready == 0) {
      return timedOut();
    }
    if (ready > 0) {
      return Done{};
    }
    if (errno != EINTR) {
      return systemError(ErrorCode::kConnectionLost, "cannot wait for the broker", errno);
    }
  }
}

Status BrokerConnection::awaitEnd() {
  if (Status ended = await(POLLRDHUP, std::nullopt); !ended) {
    return ended;
  }
  return lost(ECONNRESET);
}

Status BrokerConnection::send(const std::string& request, std::span<const int> descriptors) {
  iovec part{.iov_base = const_cast<char*>(request.data()), .iov_len = request.size()};  // not written to
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control{};
  if (!descriptors.empty() && descriptors.size() <= kMaxDescriptors) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  // A small packet on a connection with nothing under way: there is room for it.
  while (system_->sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
    if (errno != EINTR) {
      return lost(errno);
    }
  }
  return Done{};
}

Result<BrokerReply> BrokerConnection::receive(const Deadline& deadline) {
  BrokerReply reply;
  reply.json.resize(kMaxReply);
  iovec part{.iov_base = reply.json.data(), .iov_len = reply.json.size()};
  for (;;) {
    if (Status ready = await(POLLIN, deadline); !ready) {
      return std::move(ready.error());
    }
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMaxDescriptors * sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = system_->recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
      continue;
    }
    if (got <= 0) {
      return lost(got < 0 ? errno : ECONNRESET);
    }
    takeDescriptors(message, reply.descriptors);
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
      return violation("a reply is too large");
    }
    reply.json.resize(static_cast<std::size_t>(got));
    return reply;
  }
}

Result<BrokerReply> BrokerConnection::exchange(const std::string& request, std::span<const int> descriptors,
                                               Deadline deadline) {
  if (Status sent = send(request, descriptors); !sent) {
    return std::move(sent.error());
  }
  auto reply = receive(deadline);
  if (!reply) {
    return reply;
  }
  if (Status read = parse(*reply); !read) {
    return violation("a reply is no JSON object");
  }
  const auto code = reply->texts.find("code");  // only refusals have one
  if (code == reply->texts.end()) {
    return reply;
  }
  return Error{.code = errorOf(code->second),
               .message = "broker: " + reply->texts["error"],
               .errorNumber = static_cast<int>(std::min<std::uint64_t>(reply->numbers["errno"], 4095))};
}

Result<BrokerReply> askBroker(SystemCalls& system, const Cancellation& cancellation, const std::string& path,
                              const std::string& request, Deadline deadline) {
  for (int attempt = 0;; ++attempt) {
    auto connection = BrokerConnection::connect(system, cancellation, path, deadline);
    if (!connection) {
      return std::move(connection.error());
    }
    auto reply = connection->exchange(request, {}, deadline);
    if (reply || reply.error().code != ErrorCode::kQueueFull) {
      return reply;
    }
    if (past(deadline)) {
      return timedOut();
    }
    vfio_user::pauseBeforeRetry(system, cancellation, attempt);
    if (cancellation.cancelled()) {
      return closed();
    }
  }
}

}  // namespace transship::vfio
