#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "common/system_calls.hh"

namespace transship::broker {

/// Processes that have a file open.
struct FileUsers {
  std::vector<pid_t> processes = {};
  /// False when there may be more: a process could not be looked into, or is not visible from here.
  bool complete = true;
};

/// Finds the other processes that have the open file behind one of `files` as well, however they came by it:
/// a duplicate of it, not another opening of the same device (kcmp(2)). Looks at every descriptor of every
/// process, which may take long.
///
/// Complete only in the host's PID namespace, and with CAP_SYS_PTRACE where there are processes of others.
[[nodiscard]] FileUsers usersOf(SystemCalls& system, const std::string& procfs, std::span<const int> files);

}  // namespace transship::broker
