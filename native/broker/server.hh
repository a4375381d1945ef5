#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "closer.hh"
#include "common/cancellation.hh"
#include "devices.hh"
#include "options.hh"
#include "requests.hh"
#include "socket.hh"

namespace transship::broker {

/// Serves the agent's socket and the workloads', on one thread: a packet is a whole request and a whole
/// reply, so nothing but a reset (which the keeper's thread does) makes a client wait for another.
class Server {
 public:
  /// Connections of one socket; when there are more, the one that has been idle longest ends.
  static constexpr std::size_t kMaxAgentClients = 2 * kMaxDevices;
  static constexpr std::size_t kMaxWorkloadClients = 8;

  /// Begins to listen. Throws std::system_error.
  Server(const Options& options, Devices& devices);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  /// Removes the sockets.
  ~Server();

  /// Serves until `stop` is readable.
  void run(int stop);

 private:
  struct Listener {
    std::string path;
    UniqueFd socket;
    std::string workload;  // empty for the agent's
    uid_t uid;
    /// Of connections, and of what came over them. A workload is not served while it is busy.
    std::unique_ptr<Closer> closer;

    [[nodiscard]] bool waits() const { return !workload.empty() && closer->busy(); }
  };
  struct Client {
    const Listener* from;
    UniqueFd socket;
    Asker asker;
    std::uint64_t number;
    bool allowed;
    bool resetting = false;
    bool gone = false;
    std::chrono::steady_clock::time_point active;
  };
  /// A reset, or what followed it, has come to its end.
  struct Completion {
    std::uint64_t client;
    Device* device;
    std::string reply;
    bool done;
    /// Whose memory was to be unmapped, and whether it was.
    std::vector<Device*> memory;
    bool unmapped;
  };
  /// Shared with the keepers, which may outlive the server by a moment.
  struct Completions {
    std::mutex mutex;
    std::vector<Completion> waiting;
    UniqueFd event;

    void wake() const;
    void push(Completion completion);
  };

  void listen(std::string path, mode_t mode, std::string workload, uid_t uid);
  [[nodiscard]] int acceptPause() const;
  void accept(const Listener& listener);
  void makeRoom(const Listener& listener);
  void retire(Client& client, std::vector<UniqueFd> descriptors = {});
  void serve(Client& client);
  void reply(Client& client, const Answer& answer);
  void beginReset(Client& client, Device& device);
  void finishResets();
  void finish(Completion& completion);

  Devices& devices_;
  std::vector<Listener> listeners_;
  std::list<Client> clients_;
  std::uint64_t nextClient_ = 0;
  /// No connection is accepted before.
  std::chrono::steady_clock::time_point acceptAgain_ = {};
  std::shared_ptr<Completions> completions_;
};

}  // namespace transship::broker
