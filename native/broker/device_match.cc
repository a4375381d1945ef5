#include "device_match.hh"

#include <filesystem>
#include <fstream>

namespace transship::broker {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSyspath = "vfio-device-syspath:";

// What the kernel says beside the descriptor: the device's folder in sysfs, without /sys before it in some
// versions.
Match matchSyspath(const std::string& file, const vfio::DevicePlace& place) {
  std::ifstream info(file);
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with(kSyspath)) {
      continue;
    }
    const auto start = line.find_first_not_of(" \t", kSyspath.size());
    const std::string path = start == std::string::npos ? "" : line.substr(start);
    return !path.empty() && place.folder.ends_with(path) ? Match::kGroup : Match::kNo;
  }
  return Match::kPerhapsGroup;
}

}  // namespace

Match matchDescriptor(const std::string& processFolder, int number, const vfio::DevicePlace& place) {
  std::error_code failed;
  const std::string name = std::to_string(number);
  const std::string target = fs::read_symlink(processFolder + "/fd/" + name, failed).string();
  if (target == "anon_inode:[vfio-device]") {
    return matchSyspath(processFolder + "/fdinfo/" + name, place);
  }
  const bool cdev = !place.vfioDevice.empty() && target.ends_with("/vfio/devices/" + place.vfioDevice);
  return cdev ? Match::kCdev : Match::kNo;
}

}  // namespace transship::broker
