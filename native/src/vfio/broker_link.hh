#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "common/cancellation.hh"
#include "common/system_calls.hh"
#include "common/unique_fd.hh"
#include "vfio/broker_client.hh"
#include "vfio/kernel_iommu.hh"

namespace transship::vfio {

/// Watches over a device that came from a broker: when the broker dies, the device lives on in this process,
/// and its successor finds it busy. The link gives it back then (`adopt`), so that its state and its
/// incarnation go on. It has a thread of its own, which waits for the end of the broker's connection.
class BrokerLink {
 public:
  /// The opening that the broker's reply to `get` told of.
  struct Incarnation {
    std::string instance;
    std::uint64_t opens;
    std::uint64_t resets;
  };

  /// `device` is a duplicate of its own. `system` must outlive the link. Throws std::system_error without a
  /// thread.
  BrokerLink(SystemCalls& system, std::string path, std::string name, Incarnation incarnation,
             UniqueFd device, std::shared_ptr<IommuFile> iommu);
  BrokerLink(const BrokerLink&) = delete;
  BrokerLink& operator=(const BrokerLink&) = delete;
  /// Ends the watch at once; the broker keeps the device.
  ~BrokerLink();

  /// The broker has counted a reset.
  void noteResets(std::uint64_t resets) noexcept { resets_.store(resets, std::memory_order_release); }

 private:
  void run();
  /// Gives the device to the broker that listens now; done when it is the same one as well. Returns when it
  /// ends; at once when none listens, and with false when it could not take the device but may later.
  bool stayConnected();
  void pause(int milliseconds);
  [[nodiscard]] std::string request() const;

  SystemCalls& system_;
  const std::string path_;
  const std::string name_;
  const Incarnation incarnation_;
  const UniqueFd device_;
  const std::shared_ptr<IommuFile> iommu_;
  std::atomic<std::uint64_t> resets_;
  Cancellation stop_;
  std::thread thread_;  // last: uses all of the above
};

}  // namespace transship::vfio
