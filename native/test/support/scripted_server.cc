#include "support/scripted_server.hh"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "vfio/abi.hh"

namespace transship::test {
namespace {

bool receiveExactly(int fd, std::span<std::byte> into) {
  while (!into.empty()) {
    const ssize_t got = ::recv(fd, into.data(), into.size(), 0);
    if (got <= 0) {
      return false;
    }
    into = into.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

}  // namespace

Received Peer::receive() {
  Received command;
  if (!receiveExactly(fd_.get(), std::as_writable_bytes(std::span{&command.header, 1}))) {
    return {};
  }
  command.payload.resize(command.header.message_size - sizeof(command.header));
  if (!receiveExactly(fd_.get(), command.payload)) {
    return {};
  }
  return command;
}

void Peer::send(std::span<const std::byte> bytes, std::vector<int> descriptors) {
  iovec part{.iov_base = const_cast<std::byte*>(bytes.data()), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  Bytes control(CMSG_SPACE(descriptors.size() * sizeof(int)));
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size() * sizeof(int));
  }
  [[maybe_unused]] const auto sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
}

void Peer::reply(const Received& command, std::span<const std::byte> payload, std::vector<int> descriptors) {
  vfio_user::Header header = command.header;
  header.flags = vfio_user::kFlagTypeReply;
  header.message_size = static_cast<std::uint32_t>(sizeof(header) + payload.size());
  const auto start = bytesOf(header);
  Bytes whole(start.begin(), start.end());
  whole.insert(whole.end(), payload.begin(), payload.end());
  send(whole, std::move(descriptors));
}

void Peer::refuse(const Received& command, std::uint32_t errorNumber) {
  vfio_user::Header header = command.header;
  header.flags = vfio_user::kFlagTypeReply | vfio_user::kFlagError;
  header.message_size = sizeof(header);
  header.error = errorNumber;
  send(bytesOf(header));
}

void Peer::greet(const std::string& json, std::uint32_t regions) {
  const Received version = receive();
  const vfio_user::VersionPayload numbers{.major = 0, .minor = 1};
  const auto start = bytesOf(numbers);
  Bytes payload(start.begin(), start.end());
  const auto text = std::as_bytes(std::span{json.c_str(), json.empty() ? 0 : json.size() + 1});
  payload.insert(payload.end(), text.begin(), text.end());
  reply(version, payload);
  const Received getInfo = receive();
  if (getInfo.header.message_size != 0) {
    const vfio::DeviceInfo info{
        .argsz = sizeof(info), .flags = vfio::kDeviceFlagsReset, .num_regions = regions, .num_irqs = 0};
    reply(getInfo, bytesOf(info));
  }
}

ScriptedServer::ScriptedServer(std::vector<Script> scripts) {
  std::string folder = "/tmp/transship-test-XXXXXX";
  path_ = std::string{::mkdtemp(folder.data())} + "/device.sock";
  listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path_.data(), std::min(path_.size(), sizeof(address.sun_path) - 1));
  ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  ::listen(listener_.get(), 1);
  thread_ = std::thread([this, scripts = std::move(scripts)] {
    for (const Script& script : scripts) {
      Peer peer{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
      if (!peer.connected()) {
        return;
      }
      script(peer);
    }
  });
}

ScriptedServer::~ScriptedServer() {
  ::shutdown(listener_.get(), SHUT_RDWR);  // ends an accept that no client came to
  thread_.join();
  ::unlink(path_.c_str());
  ::rmdir(path_.substr(0, path_.rfind('/')).c_str());
}

}  // namespace transship::test
