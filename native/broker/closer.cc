#include "closer.hh"

#include <iterator>
#include <mutex>
#include <system_error>
#include <thread>

namespace transship::broker {

struct Closer::Queue {
  std::mutex mutex = {};
  std::vector<UniqueFd> waiting = {};
  bool running = false;
  std::function<void()> idle = {};

  void run() {
    for (;;) {
      std::vector<UniqueFd> closing;
      {
        const std::lock_guard lock{mutex};
        if (waiting.empty()) {
          running = false;
          break;
        }
        closing.swap(waiting);
      }
    }
    idle();
  }
};

Closer::Closer(std::function<void()> idle) : queue_(std::make_shared<Queue>()) {
  queue_->idle = std::move(idle);
}

void Closer::close(std::vector<UniqueFd> descriptors) {
  if (descriptors.empty()) {
    return;
  }
  {
    const std::lock_guard lock{queue_->mutex};
    std::ranges::move(descriptors, std::back_inserter(queue_->waiting));
    if (queue_->running) {
      return;
    }
    queue_->running = true;
  }
  try {
    std::thread{[queue = queue_] { queue->run(); }}.detach();
  } catch (const std::system_error& noThread) {
    queue_->run();
  }
}

bool Closer::busy() const {
  const std::lock_guard lock{queue_->mutex};
  return queue_->running;
}

}  // namespace transship::broker
