#include "broker.hh"

#include <fcntl.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using google::protobuf::Struct;

constexpr auto kPatience = 30s;
constexpr auto kBetweenTries = 200ms;
constexpr std::size_t kMaxReply = 64 * 1024;

Fd connectTo(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    throw std::runtime_error("the path of the broker's socket is too long: " + path);
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  Fd socket{must(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "socket")};
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  must(::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), "SO_RCVTIMEO");
  must(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
       "connect to " + path);
  return socket;
}

/// One request a packet; the reply is a JSON object, and descriptors come beside it.
std::pair<Struct, std::vector<Fd>> exchange(int socket, const std::string& request) {
  must(::send(socket, request.data(), request.size(), MSG_NOSIGNAL), "send to the broker");
  std::string text(kMaxReply, '\0');
  iovec part{.iov_base = text.data(), .iov_len = text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(4 * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto length = must(::recvmsg(socket, &message, MSG_CMSG_CLOEXEC), "the broker's reply");
  std::vector<Fd> descriptors;
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    for (std::size_t at = 0; at + sizeof(int) <= head->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(head) + at, sizeof(fd));
      descriptors.emplace_back(fd);
    }
  }
  text.resize(static_cast<std::size_t>(length));
  Struct reply;
  if (!google::protobuf::util::JsonStringToMessage(text, &reply).ok()) {
    throw std::runtime_error("the broker answered no JSON: " + text.substr(0, 100));
  }
  return {std::move(reply), std::move(descriptors)};
}

const std::string& textOf(const Struct& reply, const char* field) {
  static const google::protobuf::Value kNone;
  const auto found = reply.fields().find(field);
  return (found == reply.fields().end() ? kNone : found->second).string_value();
}

DeviceFiles askOnce(const std::string& socketPath, const std::string& name) {
  const Fd socket = connectTo(socketPath);
  auto [reply, descriptors] = exchange(socket.get(), "get " + name);
  const auto ok = reply.fields().find("ok");
  if (ok == reply.fields().end() || !ok->second.bool_value()) {
    throw std::runtime_error("the broker: " + textOf(reply, "code") + ": " + textOf(reply, "error"));
  }
  if (descriptors.size() != 2) {
    throw std::runtime_error("the broker gave no address space with " + name);
  }
  const auto ioas = reply.fields().find("ioas");
  return DeviceFiles{
      .device = std::move(descriptors[0]),
      .iommu = std::move(descriptors[1]),
      .iommufd = textOf(reply, "iommu") == "iommufd",
      .ioas = ioas == reply.fields().end() ? 0 : static_cast<std::uint32_t>(ioas->second.number_value()),
  };
}

}  // namespace

DeviceFiles deviceFromBroker(const std::string& socketPath, const std::string& name) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    try {
      return askOnce(socketPath, name);
    } catch (const std::exception&) {
      if (std::chrono::steady_clock::now() >= deadline) {
        throw;
      }
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
}

DeviceFiles deviceFromGroup(int group, const std::string& name) {
  DeviceFiles files;
  files.iommu = Fd{must(::open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC), "/dev/vfio/vfio")};
  const std::string path = "/dev/vfio/" + std::to_string(group);
  const Fd file{must(::open(path.c_str(), O_RDWR | O_CLOEXEC), path)};
  const int container = files.iommu.get();
  must(::ioctl(file.get(), VFIO_GROUP_SET_CONTAINER, &container), "VFIO_GROUP_SET_CONTAINER");
  must(::ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), "VFIO_SET_IOMMU");
  files.device = Fd{must(::ioctl(file.get(), VFIO_GROUP_GET_DEVICE_FD, name.c_str()), "device " + name)};
  return files;
}
