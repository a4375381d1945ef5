#include "common/folder.hh"

#include <filesystem>

namespace transship {

std::vector<std::string> folderEntries(const std::string& path, std::error_code& failed) {
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator entry(path, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    names.push_back(entry->path().filename().string());
  }
  return names;
}

}  // namespace transship
