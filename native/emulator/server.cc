#include "server.hh"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.hh"
#include "socket.hh"

namespace transship::emulator {

DeviceServer::DeviceServer(Node& node, const std::string& directory)
    : node_(node), wake_(::eventfd(0, EFD_CLOEXEC)) {
  for (std::size_t index = 0; index < node.size(); ++index) {
    auto channel = std::make_unique<Channel>();
    channel->path = directory + "/" + std::to_string(index) + ".sock";
    channel->listener = listenUnix(channel->path);
    channels_.push_back(std::move(channel));
  }
  for (std::size_t index = 0; index < node.size(); ++index) {
    Channel& channel = *channels_[index];
    channel.thread = std::thread([this, &channel, index] { serve(channel, node_.device(index)); });
  }
  acceptor_ = std::thread([this] { accept(); });
}

DeviceServer::~DeviceServer() {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_.get(), &one, sizeof(one)));
  acceptor_.join();
  for (const auto& channel : channels_) {
    {
      const std::lock_guard lock(channel->mutex);
      channel->stopping = true;
      if (channel->current) {
        ::shutdown(channel->current.get(), SHUT_RDWR);
      }
    }
    channel->changed.notify_all();
  }
  for (std::size_t index = 0; index < channels_.size(); ++index) {
    node_.device(index).stop();
    channels_[index]->thread.join();
    ::unlink(channels_[index]->path.c_str());
  }
}

void DeviceServer::accept() {
  std::vector<pollfd> entries{{wake_.get(), POLLIN, 0}};
  for (const auto& channel : channels_) {
    entries.push_back({channel->listener.get(), POLLIN, 0});
  }
  while (true) {
    if (::poll(entries.data(), entries.size(), -1) < 0) {
      continue;  // EINTR
    }
    if (entries[0].revents != 0) {
      return;
    }
    for (std::size_t i = 1; i < entries.size(); ++i) {
      if (entries[i].revents != 0) {
        admit(*channels_[i - 1], acceptUnix(entries[i].fd));
      }
    }
  }
}

void DeviceServer::admit(Channel& channel, UniqueFd connection) {
  const std::lock_guard lock(channel.mutex);
  const auto taken = [](const UniqueFd& fd) { return fd && !peerGone(fd.get()); };
  if (!taken(channel.current) && !taken(channel.waiting)) {
    channel.waiting = std::move(connection);
    channel.changed.notify_all();
  }
}

void DeviceServer::serve(Channel& channel, Device& device) {
  while (true) {
    int socket = -1;
    {
      std::unique_lock lock(channel.mutex);
      channel.current.reset();
      channel.changed.wait(lock, [&channel] { return channel.stopping || channel.waiting; });
      if (channel.stopping) {
        return;
      }
      channel.current = std::move(channel.waiting);
      socket = channel.current.get();
    }
    device.userCame();
    Connection(device, socket, node_.options().maxTransfer).serve();
    device.userLeft();
  }
}

}  // namespace transship::emulator
