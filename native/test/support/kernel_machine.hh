#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/cancellation.hh"
#include "common/system_calls.hh"
#include "vfio/kernel_locate.hh"

namespace transship::test {

/// A machine with VFIO as a program sees it: folders that stand for /sys and /dev, and system calls that
/// answer as the kernel does until they are told to fail. Descriptors are real ones, of files in memory.
class KernelMachine final : public SystemCalls {
 public:
  struct DeviceShape {
    /// Empty for a device without a driver.
    std::string driver = "mtty";
    std::optional<int> group = 7;
    /// Empty where no VFIO driver has registered the device.
    std::string vfioDevice = "vfio0";
    /// There is a character device for it.
    bool cdev = true;
  };

  KernelMachine();
  ~KernelMachine() override;
  KernelMachine(const KernelMachine&) = delete;
  KernelMachine& operator=(const KernelMachine&) = delete;

  [[nodiscard]] vfio::KernelPaths paths() const { return {.sysfs = root_ + "/sys", .dev = root_ + "/dev"}; }
  /// Adds a device under /sys/bus/pci or, for a UUID, /sys/bus/mdev, and its files under /dev.
  void add(const std::string& name, const DeviceShape& shape);
  void add(const std::string& name) { add(name, DeviceShape{}); }
  void removeFile(const std::string& path);
  void addFile(const std::string& path);
  [[nodiscard]] std::string path(const std::string& below) const { return root_ + below; }

  /// The next requests of this number fail like that; 0 lets one pass.
  void fail(unsigned long request, std::deque<int> errors) { failing_[request] = std::move(errors); }
  /// Opening this file below /dev fails like that from now on.
  void failOpen(const std::string& file, int errorNumber) { failingOpens_[file] = errorNumber; }

  /// What was opened ("open vfio/7") and asked ("bind vfio/devices/vfio0"), in order.
  std::vector<std::string> calls = {};
  [[nodiscard]] std::size_t count(const std::string& call) const;
  /// Answers VFIO_DEVICE_FEATURE; the header is at the start of the argument. Returns an errno, 0 for
  /// success.
  std::function<int(void*)> feature = {};
  /// Flags that a group shows.
  std::uint32_t groupFlags = 1;
  /// Region descriptions by index, whole: struct vfio_region_info and what follows.
  std::map<std::uint32_t, std::vector<std::byte>> regions = {};
  /// What VFIO_DEVICE_GET_PCI_HOT_RESET_INFO names, by PCI address; none: the device has no such request.
  std::optional<std::vector<std::string>> onBus = {};
  /// What appears on the bus while it is being looked at, one at each look.
  std::deque<std::string> appearing = {};
  /// How resets of the bus were asked for: "no group", or the group's file.
  std::vector<std::string> busResets = {};
  /// The file behind the device that was opened last.
  int lastDevice = -1;

  int open(const char* path, int flags) override;
  int ioctl(int fd, unsigned long request, void* argument) override;

 private:
  int newFile(const std::string& kind);
  int answer(int fd, unsigned long request, void* argument);
  int regionInfo(void* argument);
  int hotResetInfo(void* argument);
  int hotReset(const void* argument);

  std::string root_;
  std::map<int, std::string> kinds_;
  std::map<unsigned long, std::deque<int>> failing_;
  std::map<std::string, int> failingOpens_;
  std::uint32_t nextIoas_ = 3;
};

/// Descriptors of this process.
std::size_t openDescriptors();

/// Waits until at most so many are open, since other threads close theirs a little later; false: they stay
/// open.
bool closesDownTo(std::size_t most);

}  // namespace transship::test
