#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "device.hh"
#include "fabric.hh"
#include "options.hh"
#include "workload.hh"

namespace transship::emulator {

/// All that one emulator process emulates: devices, their fabric, the workloads, the monitor. Lock order,
/// outermost first: a device's access lock, a workload's, the fabric's, a memory's; violations, faults and
/// interrupts are leaves.
class Node {
 public:
  /// `die` ends the process (fault "die").
  Node(const Options& options, std::function<void()> die);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] std::size_t size() const noexcept { return devices_.size(); }
  [[nodiscard]] Device& device(std::size_t index) { return *devices_[index]; }
  [[nodiscard]] Fabric& fabric() noexcept { return fabric_; }
  [[nodiscard]] Violations& violations() noexcept { return violations_; }
  /// The workload of set `group` of this node (0 unless --group makes several).
  [[nodiscard]] Workload& workload(std::size_t group) { return *workloads_[group]; }
  [[nodiscard]] std::size_t workloads() const noexcept { return workloads_.size(); }
  /// A new workload comes to life on the devices of a group, which nobody may use meanwhile. Says why it
  /// refuses; an empty text is success.
  std::string begin(std::size_t number);

 private:
  struct Group {
    std::size_t first, count;  // indexes of devices
  };
  [[nodiscard]] Group groupOf(std::size_t number) const;
  void arm(std::size_t number);
  void work();
  void fill();

  const Options options_;
  Violations violations_;
  Fabric fabric_;
  std::vector<std::unique_ptr<Workload>> workloads_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::mutex beginning_;              // outermost, of begin() alone
  std::vector<std::uint64_t> begun_;  // how many workloads have begun on each group
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::atomic<bool> stoppingFill_{false};
  std::thread worker_;
  std::thread filler_;
};

}  // namespace transship::emulator
