#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/unique_fd.hh"

namespace transship::broker {

/// The processes that were given a device. One stays in the list until it ends: whether it has closed the
/// device in the meantime cannot be seen from outside. Used by one thread.
class Holders {
 public:
  static constexpr std::string_view kAgent = "agent";
  static constexpr std::string_view kWorkload = "workload";
  /// Processes of the workload, more than one device has in any use of it.
  static constexpr std::size_t kMaxWorkload = 64;

  struct Holder {
    pid_t pid;
    std::string role;
    /// Name of the program now (/proc/PID/comm); empty when it cannot be read.
    std::string comm;
  };

  /// Remembers a process; false when there are too many of the workload. Others are never refused, so that a
  /// workload cannot lock the agent out; one agent is served, so they are few. The same process in the same
  /// role counts once. One that is not visible from here (pid 0: another PID namespace) is remembered for
  /// good.
  bool add(pid_t pid, std::string_view role);

  /// Those that still run.
  std::vector<Holder> list();

  /// Whether one of this role still runs.
  bool any(std::string_view role);
  /// Those of this role that still run.
  std::vector<pid_t> processes(std::string_view role);

  /// The device that they held is gone.
  void clear() { entries_.clear(); }

 private:
  struct Entry {
    pid_t pid;
    std::string role;
    UniqueFd process;  // readable once the process has ended
  };

  void forgetEnded();

  std::vector<Entry> entries_;
};

}  // namespace transship::broker
