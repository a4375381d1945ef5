#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/unique_fd.hh"
#include "node.hh"

namespace transship::emulator {

/// Serves <directory>/<index>.sock for every device of a node: one thread per device, one client at a time. A
/// client that comes while another is connected is turned away, unless the other has closed already and the
/// device is still busy with its last request: then it waits for that.
class DeviceServer {
 public:
  /// The sockets listen when this returns. Throws std::system_error.
  DeviceServer(Node& node, const std::string& directory);
  ~DeviceServer();
  DeviceServer(const DeviceServer&) = delete;
  DeviceServer& operator=(const DeviceServer&) = delete;

 private:
  struct Channel {
    std::string path;
    UniqueFd listener;
    std::mutex mutex;
    std::condition_variable changed;
    UniqueFd current, waiting;
    bool stopping = false;
    std::thread thread;
  };

  void accept();
  void admit(Channel& channel, UniqueFd connection);
  void serve(Channel& channel, Device& device);

  Node& node_;
  std::vector<std::unique_ptr<Channel>> channels_;
  UniqueFd wake_;
  std::thread acceptor_;
};

}  // namespace transship::emulator
