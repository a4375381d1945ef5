// A vfio-user client of the tests' own, and a served node in a folder of its own.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/unique_fd.hh"
#include "control.hh"
#include "emulator_rig.hh"
#include "server.hh"
#include "vfio/user_protocol.hh"

namespace transship::emulator::test {

/// Connects to a Unix socket; empty when nobody listens. Replies that take longer than five seconds fail.
UniqueFd connectTo(const std::string& path);

class WireClient {
 public:
  struct Reply {
    bool arrived = false;  // false: the server closed the connection
    int error = 0;
    Bytes payload;
    std::vector<UniqueFd> fds;
  };

  explicit WireClient(const std::string& path) : socket_(connectTo(path)) {}

  [[nodiscard]] int socket() const { return socket_.get(); }
  void close() { socket_.reset(); }
  /// Sends one command and receives its reply.
  Reply command(vfio_user::Command command, const Bytes& payload, std::uint32_t flags = 0, int fd = -1);
  Reply version(std::uint16_t major = 0, const std::string& json = R"({"capabilities":{}})");
  Reply read(std::uint32_t region, std::uint64_t offset, std::uint32_t count);
  Reply write(std::uint32_t region, std::uint64_t offset, const Bytes& data, std::uint32_t flags = 0);

 private:
  UniqueFd socket_;
  std::uint16_t nextId_ = 1;
};

/// A node whose sockets are served from a temporary folder.
class Served {
 public:
  explicit Served(std::size_t devices, const std::vector<std::string>& options = {});
  ~Served();
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  Rig& rig() { return rig_; }
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name; }
  /// Sends one line to the control socket, over a connection of its own.
  [[nodiscard]] std::string control(const std::string& line) const;
  void stop();

 private:
  std::string directory_;
  Rig rig_;
  std::unique_ptr<DeviceServer> devices_;
  std::unique_ptr<ControlServer> control_;
};

template <typename T>
Bytes bytesOf(const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  return {bytes.begin(), bytes.end()};
}

}  // namespace transship::emulator::test
