#include "emulator_wire.hh"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <system_error>

#include "socket.hh"

namespace transship::emulator::test {

UniqueFd connectTo(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  const timeval patience{5, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    fd.reset();
  }
  return fd;
}

WireClient::Reply WireClient::command(vfio_user::Command command, const Bytes& payload, std::uint32_t flags,
                                      int fd) {
  vfio_user::Header header{};
  header.message_id = nextId_++;
  header.command = static_cast<std::uint16_t>(command);
  header.message_size = static_cast<std::uint32_t>(sizeof(header) + payload.size());
  header.flags = flags;
  Reply reply;
  const bool sent = sendAll(
      socket(), {{&header, sizeof(header)}, {const_cast<std::byte*>(payload.data()), payload.size()}}, fd);
  if (!sent || (flags & vfio_user::kFlagNoReply) != 0) {
    return reply;
  }
  vfio_user::Header answer{};
  if (!receiveAll(socket(), std::as_writable_bytes(std::span(&answer, 1)), &reply.fds) ||
      answer.message_id != header.message_id || answer.command != header.command) {
    return reply;
  }
  reply.payload.resize(answer.message_size - sizeof(answer));
  reply.arrived = receiveAll(socket(), reply.payload, &reply.fds);
  reply.error = (answer.flags & vfio_user::kFlagError) != 0 ? static_cast<int>(answer.error) : 0;
  return reply;
}

WireClient::Reply WireClient::version(std::uint16_t major, const std::string& json) {
  Bytes payload = bytesOf(vfio_user::VersionPayload{major, vfio_user::kVersionMinor});
  const auto text = std::as_bytes(std::span(json.c_str(), json.size() + 1));
  payload.insert(payload.end(), text.begin(), text.end());
  return command(vfio_user::Command::kVersion, payload);
}

WireClient::Reply WireClient::read(std::uint32_t region, std::uint64_t offset, std::uint32_t count) {
  Reply reply =
      command(vfio_user::Command::kRegionRead, bytesOf(vfio_user::RegionAccess{offset, region, count}));
  if (reply.arrived && reply.error == 0) {
    reply.payload.erase(reply.payload.begin(), reply.payload.begin() + sizeof(vfio_user::RegionAccess));
  }
  return reply;
}

WireClient::Reply WireClient::write(std::uint32_t region, std::uint64_t offset, const Bytes& data,
                                    std::uint32_t flags) {
  Bytes payload = bytesOf(vfio_user::RegionAccess{offset, region, static_cast<std::uint32_t>(data.size())});
  payload.insert(payload.end(), data.begin(), data.end());
  return command(vfio_user::Command::kRegionWrite, payload, flags);
}

Served::Served(std::size_t devices, const std::vector<std::string>& options) : rig_(devices, options) {
  directory_ = "/tmp/transship-emulator-" + std::string(6, 'X');  // mkdtemp(3) replaces these six
  if (::mkdtemp(directory_.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), directory_);
  }
  devices_ = std::make_unique<DeviceServer>(*rig_, directory_);
  control_ = std::make_unique<ControlServer>(*rig_, directory_);
}

Served::~Served() {
  stop();
  std::filesystem::remove_all(directory_);
}

void Served::stop() {
  control_.reset();
  devices_.reset();
}

std::string Served::control(const std::string& line) const {
  const UniqueFd socket = connectTo(path("control.sock"));
  std::string request = line + "\n";
  std::string answer;
  char c = 0;
  if (sendAll(socket.get(), {{request.data(), request.size()}})) {
    while (::recv(socket.get(), &c, 1, 0) == 1 && c != '\n') {
      answer += c;
    }
  }
  return answer;
}

}  // namespace transship::emulator::test
