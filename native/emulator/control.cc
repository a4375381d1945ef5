#include "control.hh"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "socket.hh"

namespace transship::emulator {

ControlServer::ControlServer(Node& node, const std::string& directory)
    : node_(node),
      path_(directory + "/control.sock"),
      listener_(listenUnix(path_)),
      wake_(::eventfd(0, EFD_CLOEXEC)),
      acceptor_([this] { accept(); }) {}

ControlServer::~ControlServer() {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_.get(), &one, sizeof(one)));
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (Client& client : clients_) {
      ::shutdown(client.socket.get(), SHUT_RDWR);
    }
  }
  for (Client& client : clients_) {
    client.thread.join();
  }
  ::unlink(path_.c_str());
}

void ControlServer::accept() {
  pollfd entries[] = {{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
  while (true) {
    if (::poll(entries, 2, -1) < 0) {
      continue;  // EINTR
    }
    if (entries[0].revents != 0) {
      return;
    }
    UniqueFd socket = acceptUnix(listener_.get());
    sweep();
    const std::lock_guard lock(mutex_);
    if (socket && clients_.size() < kMaxConnections) {
      Client& client = clients_.emplace_back();
      client.socket = std::move(socket);
      client.thread = std::thread([this, &client] { serve(client); });
    }
  }
}

// Lets go of the connections that have ended.
void ControlServer::sweep() {
  const std::lock_guard lock(mutex_);
  clients_.remove_if([](Client& client) {
    if (client.done) {
      client.thread.join();
    }
    return client.done;
  });
}

void ControlServer::serve(Client& client) {
  const int socket = client.socket.get();
  std::string pending;
  char piece[64 * 1024];
  bool alive = true;
  while (alive) {
    const ssize_t got = ::recv(socket, piece, sizeof(piece), 0);
    if (got <= 0) {
      break;
    }
    pending.append(piece, static_cast<std::size_t>(got));
    for (std::size_t end = 0; alive && (end = pending.find('\n')) != std::string::npos;) {
      const std::string answer = answerControl(node_, std::string_view(pending).substr(0, end)) + "\n";
      pending.erase(0, end + 1);
      alive = sendAll(socket, {{const_cast<char*>(answer.data()), answer.size()}});
    }
    alive = alive && pending.size() <= kMaxRequest;
  }
  const std::lock_guard lock(mutex_);
  ::shutdown(socket, SHUT_RDWR);  // the client hears the end now, the descriptor goes with the sweep
  client.done = true;
}

}  // namespace transship::emulator
