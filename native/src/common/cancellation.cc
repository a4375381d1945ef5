#include "common/cancellation.hh"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace transship {

Cancellation::Cancellation() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Cancellation::cancel() noexcept {
  cancelled_.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  // Cannot fail in a way that matters: a full counter is readable already.
  [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof(one));
}

}  // namespace transship
