#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "common/unique_fd.hh"
#include "node.hh"

namespace transship::emulator {

/// Answers one request line ("verb key=value ...") with one line of JSON (see docs/emulator.md).
[[nodiscard]] std::string answerControl(Node& node, std::string_view request);

/// Serves <directory>/control.sock: any number of requests per connection, a thread per connection.
class ControlServer {
 public:
  static constexpr std::size_t kMaxRequest = 512 * 1024;  // a workload's state in hexadecimal, and some room
  static constexpr std::size_t kMaxConnections = 64;

  ControlServer(Node& node, const std::string& directory);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  struct Client {
    UniqueFd socket;
    bool done = false;
    std::thread thread;
  };

  void accept();
  void serve(Client& client);
  void sweep();

  Node& node_;
  const std::string path_;
  UniqueFd listener_;
  UniqueFd wake_;
  std::mutex mutex_;  // clients_
  std::list<Client> clients_;
  std::thread acceptor_;
};

}  // namespace transship::emulator
