#include "vfio/kernel_locate.hh"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>

#include "common/folder.hh"

namespace transship::vfio {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxAddress = 4096;

// 'x' stands for a hexadecimal digit, '.' for itself and so on.
bool matches(std::string_view text, std::string_view pattern) {
  return std::ranges::equal(text, pattern, [](char c, char p) {
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    return p == 'x' ? hex : c == p;
  });
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'F') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return text;
}

// The last part of what a link leads to; empty when it is no link.
std::string linkName(const fs::path& link) {
  std::error_code failed;
  return fs::read_symlink(link, failed).filename().string();
}

std::optional<std::uint32_t> groupNumber(const fs::path& folder) {
  const std::string name = linkName(folder / "iommu_group");
  std::uint32_t number = 0;
  const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), number);
  return failed == std::errc{} && end == name.data() + name.size() ? std::optional{number} : std::nullopt;
}

std::string vfioDeviceName(const fs::path& folder) {
  std::error_code failed;
  for (const std::string& name : folderEntries((folder / "vfio-dev").string(), failed)) {
    if (name.starts_with("vfio")) {
      return name;
    }
  }
  return {};
}

Result<fs::path> folderOf(const KernelPaths& paths, const std::string& address) {
  const fs::path buses = fs::path(paths.sysfs) / "bus";
  if (matches(address, "xxxx:xx:xx.x")) {
    return buses / "pci/devices" / lower(address);
  }
  if (matches(address, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")) {
    return buses / "mdev/devices" / lower(address);
  }
  if (address.starts_with(paths.sysfs + "/") && address.size() < kMaxAddress &&
      address.find('\0') == std::string::npos) {
    return fs::path(address);
  }
  return Error{.code = ErrorCode::kInvalidArgument,
               .message =
                   "a device of the kernel is named by its PCI address (0000:3b:00.1), its mdev UUID or its "
                   "folder in " +
                   paths.sysfs};
}

}  // namespace

Result<DevicePlace> locateDevice(const KernelPaths& paths, const std::string& address) {
  auto named = folderOf(paths, address);
  if (!named) {
    return std::move(named.error());
  }
  std::error_code failed;
  const fs::path folder = fs::canonical(*named, failed);
  if (failed || !fs::is_directory(folder, failed)) {
    return Error{.code = ErrorCode::kNotFound,
                 .message = "there is no device " + address + " on this machine (" + named->string() + ")",
                 .errorNumber = failed.value()};
  }
  return DevicePlace{.name = folder.filename().string(),
                     .folder = folder.string(),
                     .driver = linkName(folder / "driver"),
                     .group = groupNumber(folder),
                     .vfioDevice = vfioDeviceName(folder)};
}

bool devicePresent(const DevicePlace& place) {
  std::error_code failed;
  const fs::path folder = place.folder;
  return fs::exists(place.vfioDevice.empty() ? folder : folder / "vfio-dev" / place.vfioDevice, failed);
}

}  // namespace transship::vfio
