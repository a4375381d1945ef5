#include "holders.hh"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace transship::broker {
namespace {

std::string commOf(pid_t pid) {
  std::string comm;
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  std::getline(file, comm);
  return comm;
}

}  // namespace

void Holders::forgetEnded() {
  std::erase_if(entries_, [](const Entry& entry) {
    pollfd state{.fd = entry.process.get(), .events = POLLIN, .revents = 0};
    return entry.process && ::poll(&state, 1, 0) > 0;
  });
}

bool Holders::add(pid_t pid, std::string_view role) {
  forgetEnded();
  const bool known = std::ranges::any_of(
      entries_, [&](const Entry& entry) { return entry.pid == pid && entry.role == role; });
  if (known) {
    return true;
  }
  if (role == kWorkload &&
      static_cast<std::size_t>(std::ranges::count(entries_, kWorkload, &Entry::role)) >= kMaxWorkload) {
    return false;
  }
  UniqueFd process{pid > 0 ? static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)) : -1};
  if (pid > 0 && !process && errno == ESRCH) {
    return true;  // it has ended already
  }
  entries_.push_back({pid, std::string(role), std::move(process)});
  return true;
}

bool Holders::any(std::string_view role) { return !processes(role).empty(); }

std::vector<pid_t> Holders::processes(std::string_view role) {
  forgetEnded();
  std::vector<pid_t> found;
  for (const Entry& entry : entries_) {
    if (entry.role == role) {
      found.push_back(entry.pid);
    }
  }
  return found;
}

std::vector<Holders::Holder> Holders::list() {
  forgetEnded();
  std::vector<Holder> holders;
  for (const Entry& entry : entries_) {
    holders.push_back({entry.pid, entry.role, commOf(entry.pid)});
  }
  return holders;
}

}  // namespace transship::broker
