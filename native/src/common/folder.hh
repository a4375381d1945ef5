#pragma once

#include <string>
#include <system_error>
#include <vector>

namespace transship {

/// Names in a folder, in no order; those found so far when reading it fails, which `failed` says. Unlike a
/// loop over std::filesystem::directory_iterator it throws nothing when the folder goes away meanwhile, as
/// those of the kernel do.
std::vector<std::string> folderEntries(const std::string& path, std::error_code& failed);

}  // namespace transship
