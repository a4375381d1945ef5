#include "file_users.hh"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>

#include "common/folder.hh"

namespace transship::broker {
namespace {

namespace fs = std::filesystem;

// PROC_PID_INIT_INO of linux/proc_ns.h: the namespace in which every process is visible.
constexpr const char* kHostNamespace = "pid:[4026531836]";

std::string linkOf(const std::string& path) {
  std::error_code failed;
  return fs::read_symlink(path, failed).string();
}

template <typename Number>
std::optional<Number> numberOf(const std::string& name) {
  Number number = 0;
  const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), number);
  return failed == std::errc{} && end == name.data() + name.size() ? std::optional{number} : std::nullopt;
}

enum class Use { kNone, kUses, kUnknown };

// Duplicates of a file have one path, so only descriptors with that of a file are compared.
Use useBy(SystemCalls& system, const std::string& folder, pid_t process,
          const std::multimap<std::string, int>& files) {
  std::error_code failed;
  Use use = Use::kNone;
  for (const std::string& name : folderEntries(folder, failed)) {
    const auto theirs = numberOf<int>(name);
    if (!theirs) {
      continue;
    }
    const auto [first, last] = files.equal_range(linkOf(folder + "/" + name));
    for (auto own = first; own != last; ++own) {
      const int compared = system.sameFile(own->second, process, *theirs);
      if (compared == 0) {
        return Use::kUses;
      }
      const bool gone = compared < 0 && (errno == ESRCH || errno == EBADF);
      use = compared < 0 && !gone ? Use::kUnknown : use;
    }
  }
  const bool ended = failed.value() == ENOENT || failed.value() == ESRCH;
  return failed && !ended ? Use::kUnknown : use;
}

}  // namespace

FileUsers usersOf(SystemCalls& system, const std::string& procfs, std::span<const int> files) {
  FileUsers users{.complete = linkOf(procfs + "/self/ns/pid") == kHostNamespace};
  std::multimap<std::string, int> byPath;
  for (const int file : files) {
    byPath.emplace(linkOf(procfs + "/self/fd/" + std::to_string(file)), file);
  }
  std::error_code failed;
  for (const std::string& name : folderEntries(procfs, failed)) {
    const auto process = numberOf<pid_t>(name);
    if (!process || *process == ::getpid()) {
      continue;
    }
    const Use use = useBy(system, procfs + "/" + name + "/fd", *process, byPath);
    if (use == Use::kUses) {
      users.processes.push_back(*process);
    }
    users.complete = users.complete && use != Use::kUnknown;
  }
  users.complete = users.complete && !failed;
  return users;
}

}  // namespace transship::broker
