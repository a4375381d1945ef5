#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/cancellation.hh"
#include "opener.hh"

namespace transship::broker {

/// Which life of a device this is: what changes when its state was lost.
struct Incarnation {
  /// UUID of the broker process that opened it.
  std::string instance = {};
  /// Times that this process has opened the device.
  std::uint64_t opens = 0;
  /// Resets of the device since.
  std::uint64_t resets = 0;
};

struct KeeperTiming {
  /// Between two tries to open an absent or busy device: doubled from the first to the most, give or take a
  /// half.
  std::chrono::milliseconds firstRetry{100};
  std::chrono::milliseconds mostRetry{5000};
  /// Between two looks whether the device is still registered.
  std::chrono::milliseconds check{500};
};

/// Opens one device, keeps it open on a thread of its own, and opens it again after it was unplugged.
/// Everything that may take long (opening, resetting) happens on that thread; the other calls return at once.
class Keeper {
 public:
  /// Tries to empty an address space that follow one reset; the next reset begins anew.
  static constexpr int kUnmapTries = 3;

  struct View {
    std::shared_ptr<const HeldDevice> device;  // null while the device is not open
    Incarnation incarnation;
    /// Why the device is not open; none while it is being opened for the first time.
    std::optional<Error> error;
    /// Of the last reset of this opening that succeeded; none before.
    std::optional<ResetRung> rung = {};
  };
  struct Reset {
    /// Of the device so far.
    std::uint64_t resets;
    ResetRung rung;
  };
  /// Outcome of a reset, called on the keeper's thread.
  using OnReset = std::function<void(Result<Reset>)>;

  /// `report` is told in words, on the keeper's thread, when the device is opened, lost or not to be had.
  Keeper(std::string instance, std::unique_ptr<DeviceOpener> opener, KeeperTiming timing,
         std::function<void(const std::string&)> report);
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  ~Keeper();

  [[nodiscard]] View view() const;

  /// Resets the device after what is under way.
  void reset(OnReset done);

  /// Empties the address space of `devices`, which share one, after what is under way, unless another process
  /// than this one and `agents` has one of them open. Tried a few times, since a process may be ending just
  /// now. `done` is called on the keeper's thread and told whether nothing is mapped any more.
  void unmap(std::vector<std::shared_ptr<const HeldDevice>> devices, std::vector<pid_t> agents,
             std::function<void(bool)> done);

  /// Takes the device over from a process that was given it by a broker that has ended; nothing is reset and
  /// the incarnation goes on. It is open once the keeper's thread has found out who has it. Done at once for
  /// the opening that is held here already, kDeviceBusy for another one.
  Status adopt(vfio::OpenedDevice file, const Incarnation& incarnation);

  /// Begins to end; a device that takes long holds up the destructor, not this.
  void stop();
  /// Whether the thread has ended, after waiting for that at most so long.
  bool ended(std::chrono::milliseconds wait);

 private:
  void run();
  void tryOpen();
  void watch();
  void drop(const char* why);
  void takeOver();
  void runJobs();
  void resetOnce(const OnReset& done);
  bool unmapPatiently(const std::vector<std::shared_ptr<const HeldDevice>>& devices,
                      const std::vector<pid_t>& agents);
  Status unmapOnce(const std::vector<std::shared_ptr<const HeldDevice>>& devices,
                   const std::vector<pid_t>& agents);
  bool stopping() const;
  bool paused(std::chrono::milliseconds length);
  void wait(int removal, std::chrono::milliseconds most);

  const std::string instance_;
  const std::unique_ptr<DeviceOpener> opener_;
  const KeeperTiming timing_;
  const std::function<void(const std::string&)> report_;

  mutable std::mutex mutex_;
  std::shared_ptr<const HeldDevice> device_;
  Incarnation incarnation_;
  std::uint64_t opens_ = 0;
  std::optional<Error> error_;
  std::optional<ResetRung> rung_;
  std::deque<std::function<void()>> jobs_;
  /// A device that is being taken over.
  std::optional<Incarnation> taking_;
  HeldDevice taken_;
  bool stopping_ = false;
  bool ended_ = false;
  std::condition_variable endedChanged_;
  UniqueFd wake_;
  std::chrono::milliseconds retry_;
  std::thread thread_;  // last: uses all of the above
};

}  // namespace transship::broker
