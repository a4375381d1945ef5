#include "server.hh"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace transship::broker {
namespace {

constexpr mode_t kAgentMode = 0600;
constexpr mode_t kWorkloadMode = 0660;
// Without a descriptor for it a connection stays in the backlog, and its listener readable.
constexpr std::chrono::milliseconds kAcceptPause{100};

}  // namespace

Server::Server(const Options& options, Devices& devices)
    : devices_(devices), completions_(std::make_shared<Completions>()) {
  completions_->event.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  listeners_.reserve(options.workloads.size() + 1);  // clients point to them
  listen(options.agentSocket, kAgentMode, "", options.agentUid);
  for (const WorkloadSpec& workload : options.workloads) {
    listen(workload.path, kWorkloadMode, workload.name, workload.uid);
  }
}

void Server::listen(std::string path, mode_t mode, std::string workload, uid_t uid) {
  const Descriptors descriptors = workload.empty() ? Descriptors::kTaken : Descriptors::kRefused;
  UniqueFd socket = listenPackets(path, mode, uid, descriptors);
  auto closer = std::make_unique<Closer>([completions = completions_] { completions->wake(); });
  listeners_.push_back({std::move(path), std::move(socket), std::move(workload), uid, std::move(closer)});
}

Server::~Server() {
  for (const Listener& listener : listeners_) {
    ::unlink(listener.path.c_str());
  }
}

void Server::run(int stop) {
  for (;;) {
    std::vector<pollfd> entries{{.fd = stop, .events = POLLIN, .revents = 0},
                                {.fd = completions_->event.get(), .events = POLLIN, .revents = 0}};
    const int pause = acceptPause();
    for (const Listener& listener : listeners_) {
      const bool closed = pause >= 0 || listener.waits();
      entries.push_back(
          {.fd = listener.socket.get(), .events = closed ? short{0} : short{POLLIN}, .revents = 0});
    }
    for (const Client& client : clients_) {
      // One that waits for a reset is not read from: its next request waits in the socket.
      const bool quiet = client.resetting || client.from->waits();
      entries.push_back(
          {.fd = client.socket.get(), .events = quiet ? short{0} : short{POLLIN}, .revents = 0});
    }
    if (::poll(entries.data(), entries.size(), pause) < 0) {
      continue;  // EINTR
    }
    if (entries[0].revents != 0) {
      return;
    }
    finishResets();
    auto entry = entries.begin() + 2 + static_cast<std::ptrdiff_t>(listeners_.size());
    for (Client& client : clients_) {
      if ((entry++)->revents != 0) {
        serve(client);
      }
    }
    std::erase_if(clients_, [&](Client& client) {
      if (client.gone) {
        retire(client);
      }
      return client.gone;
    });
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      if (entries[i + 2].revents != 0) {
        accept(listeners_[i]);
      }
    }
  }
}

// Milliseconds until connections are accepted again, -1 when they are now.
int Server::acceptPause() const {
  const auto left = acceptAgain_ - std::chrono::steady_clock::now();
  return left.count() > 0 ? static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()) : -1;
}

void Server::accept(const Listener& listener) {
  UniqueFd socket = acceptPackets(listener.socket.get());
  if (!socket) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
      acceptAgain_ = std::chrono::steady_clock::now() + kAcceptPause;
    }
    return;
  }
  makeRoom(listener);
  const Peer peer = peerOf(socket.get());
  clients_.push_back({.from = &listener,
                      .socket = std::move(socket),
                      .asker = {.workload = listener.workload, .peer = peer},
                      .number = nextClient_++,
                      .allowed = peer.uid == listener.uid,
                      .active = std::chrono::steady_clock::now()});
}

void Server::makeRoom(const Listener& listener) {
  const auto own = [&](const Client& client) { return client.from == &listener; };
  const std::size_t most = listener.workload.empty() ? kMaxAgentClients : kMaxWorkloadClients;
  if (static_cast<std::size_t>(std::ranges::count_if(clients_, own)) < most) {
    return;
  }
  auto idlest = clients_.end();
  for (auto client = clients_.begin(); client != clients_.end(); ++client) {
    if (own(*client) && (idlest == clients_.end() || client->active < idlest->active)) {
      idlest = client;
    }
  }
  retire(*idlest);
  clients_.erase(idlest);
}

void Server::retire(Client& client, std::vector<UniqueFd> descriptors) {
  descriptors.push_back(std::move(client.socket));
  client.from->closer->close(std::move(descriptors));
}

void Server::serve(Client& client) {
  if (client.resetting) {
    client.gone = true;  // only a hang-up wakes us for it; the reset goes on
    return;
  }
  const bool trusted = client.allowed && client.asker.agent();
  Packet packet =
      receivePacket(client.socket.get(), kMaxRequest, trusted ? Descriptors::kTaken : Descriptors::kRefused);
  client.active = std::chrono::steady_clock::now();
  switch (packet.kind) {
    case Packet::Kind::kNone:
      return;
    case Packet::Kind::kEnd:
      client.gone = true;
      return;
    case Packet::Kind::kTooLong:
      reply(client, {.text = refusal("BadRequest",
                                     "a request has at most 512 bytes, and two descriptors from the agent")});
      client.gone = true;
      client.from->closer->close(std::move(packet.descriptors));
      return;
    case Packet::Kind::kRequest:
      break;
  }
  if (!client.allowed) {
    reply(client, {.text = refusal("NotAllowed", "the user " + std::to_string(client.asker.peer.uid) +
                                                     " is not served on this socket")});
    client.gone = true;
    return;
  }
  const Answer answer = answerRequest(devices_, client.asker, packet.text, std::move(packet.descriptors));
  if (answer.toReset != nullptr) {
    beginReset(client, *answer.toReset);
  } else {
    reply(client, answer);
  }
}

void Server::reply(Client& client, const Answer& answer) {
  // A client that lets its replies pile up is not waited for.
  client.gone = !sendPacket(client.socket.get(), answer.text, answer.descriptors) || client.gone;
}

void Server::beginReset(Client& client, Device& device) {
  client.resetting = true;
  device.keeper->reset([completions = completions_, number = client.number,
                        device = &device](const Result<Keeper::Reset>& outcome) {
    completions->push({number, device, resetReply(outcome), !outcome, {}, false});
  });
}

void Server::Completions::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(event.get(), &one, sizeof(one));
}

void Server::Completions::push(Completion completion) {
  {
    const std::lock_guard lock{mutex};
    waiting.push_back(std::move(completion));
  }
  wake();
}

void Server::finishResets() {
  std::vector<Completion> finished;
  {
    const std::lock_guard lock{completions_->mutex};
    finished.swap(completions_->waiting);
    std::uint64_t count = 0;
    [[maybe_unused]] const auto drained = ::read(completions_->event.get(), &count, sizeof(count));
  }
  for (Completion& completion : finished) {
    finish(completion);
  }
}

// What a workload that has ended had mapped is unmapped before the reset is answered; until then no other one
// gets the devices, which might map its own memory in between. What could not be unmapped is left for the
// next reset of one of them.
void Server::finish(Completion& completion) {
  for (Device* const device : completion.memory) {
    if (device->memory == Memory::kUnmapping) {
      device->memory = completion.unmapped ? Memory::kNone : Memory::kLeft;
    }
  }
  const std::vector<Device*> left =
      completion.done ? std::vector<Device*>{} : leftMemory(devices_, *completion.device);
  if (!left.empty()) {
    std::vector<std::shared_ptr<const HeldDevice>> open;
    std::vector<pid_t> agents;
    for (Device* const device : left) {
      device->memory = Memory::kUnmapping;
      if (auto held = device->keeper->view().device) {
        open.push_back(std::move(held));
      }
      std::ranges::copy(device->holders.processes(Holders::kAgent), std::back_inserter(agents));
    }
    completion.device->keeper->unmap(
        std::move(open), std::move(agents),
        [completions = completions_, next = Completion{completion.client, completion.device, completion.reply,
                                                       true, left, false}](bool unmapped) mutable {
          next.unmapped = unmapped;
          completions->push(std::move(next));
        });
    return;
  }
  const auto client = std::ranges::find(clients_, completion.client, &Client::number);
  if (client != clients_.end()) {
    client->resetting = false;
    reply(*client, {.text = completion.reply});
  }
}

}  // namespace transship::broker
