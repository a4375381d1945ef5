#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/unique_fd.hh"
#include "support/fake_device.hh"
#include "vfio/user_protocol.hh"

namespace transship::test {

/// A command as it arrived.
struct Received {
  vfio_user::Header header{};
  Bytes payload;
};

/// The server's end of one connection, for scripts.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}

  /// The next command; header zero when the client has gone.
  Received receive();
  /// A correct reply to `command`.
  void reply(const Received& command, std::span<const std::byte> payload, std::vector<int> descriptors = {});
  void refuse(const Received& command, std::uint32_t errorNumber);
  void send(std::span<const std::byte> bytes, std::vector<int> descriptors = {});
  /// Answers VERSION with `json` and DEVICE_GET_INFO with a device of `regions` regions.
  void greet(const std::string& json, std::uint32_t regions = 0);
  void hangUp() { fd_.reset(); }
  [[nodiscard]] bool connected() const { return static_cast<bool>(fd_); }

 private:
  UniqueFd fd_;
};

using Script = std::function<void(Peer&)>;

/// Listens on a socket of its own and plays one script to each client, in order, on its own thread.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<Script> scripts);
  template <typename... S>
    requires(std::is_invocable_v<S, Peer&> && ...)
  explicit ScriptedServer(S... scripts) : ScriptedServer(std::vector<Script>{std::move(scripts)...}) {}
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  UniqueFd listener_;
  std::thread thread_;
};

template <typename T>
std::span<const std::byte> bytesOf(const T& object) {
  return std::as_bytes(std::span{&object, 1});
}

}  // namespace transship::test
