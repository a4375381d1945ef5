#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "attachment.hh"
#include "memory.hh"

namespace transship::emulator {

struct FabricOptions {
  std::chrono::nanoseconds latency = std::chrono::milliseconds(2);
  double rate = 500;       // transactions per second and link; 0 = none
  std::size_t depth = 64;  // transactions in flight on one link at most; a full link holds its sender back
  bool enforceBusMaster = false;  // DMA only while the PCI command register has bus mastering on
};

/// How a device's peers on its node stand; what the barrier rules (V1-25, V1-26, V1-27) look at.
struct PeerView {
  std::size_t present = 0;      // peers attached here, or being loaded here
  std::size_t mayInitiate = 0;  // of these: running and not quiesced
  std::size_t notRunning = 0;   // of these: stopped or still being loaded; but not failed
};

struct LinkReport {
  std::uint64_t set;
  std::uint32_t from, to;
  std::uint64_t sent, received, lost, gaps, doubles;  // of the workload; zero while an end is not here
  std::uint64_t sentHere, receivedHere, lostHere;     // since this process started
  std::uint64_t inFlight, inFlightAtQuiesce;
};

/// The interconnect of one node: peer-to-peer transactions with latency and queue depth.
///
/// A transaction is on its way for the latency, then the receiver's memory takes it if the receiver runs;
/// else it is lost and counted. One thread moves the traffic; it sleeps until something is due. All methods
/// are thread-safe. Lock order: a device's access lock, the workload's, the fabric's, a memory's.
class Fabric {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Fabric(FabricOptions options);
  ~Fabric();
  Fabric(const Fabric&) = delete;
  Fabric& operator=(const Fabric&) = delete;

  /// Announces device `index` (in order 0, 1, ...), before start(). `interrupt` is called, with the fabric's
  /// lock held, for each completion of posted work. `worksInP2p`: quiescing ends what it sends to its peers
  /// only (v2); else it ends interrupts and posted work as well (NDMA).
  void add(Memory& memory, std::function<void()> interrupt, bool worksInP2p = false);
  void start();
  /// Ends the thread and every wait.
  void stop();

  /// Puts the device on the fabric. False when its slot of that set is taken on this node.
  [[nodiscard]] bool attach(std::size_t index, const Attachment& attachment);
  /// Takes the device off the fabric; what it has in flight is lost.
  void detach(std::size_t index);
  /// A stream being loaded says what the device is going to be (for PeerView only).
  void announce(std::size_t index, std::uint64_t set, std::uint32_t slot);
  void setBusMaster(std::size_t index, bool on);

  /// Sets or clears NDMA. Setting returns when what the device had outstanding (DMA, interrupts) is done.
  void setNdma(std::size_t index, bool ndma);
  /// Sets or clears RUNNING. Clearing first completes what is outstanding: a stopped device does no DMA.
  void setRunning(std::size_t index, bool running);
  /// The device is in ERROR until it is taken off. What its peers send it is lost, and nobody waits for it.
  void setFailed(std::size_t index);

  [[nodiscard]] bool attached(std::size_t index) const;
  [[nodiscard]] Attachment snapshot(std::size_t index) const;
  [[nodiscard]] PeerView peers(std::size_t index) const;
  [[nodiscard]] std::uint64_t interrupts(std::size_t index) const;
  [[nodiscard]] std::uint64_t inFlight(std::size_t index) const;
  [[nodiscard]] std::vector<LinkReport> links() const;

  /// The driver posts work `number` to a slot. False when no running device is there: the posting is gone.
  bool submit(std::uint64_t set, std::uint32_t slot, std::uint64_t number);

 private:
  using Time = Clock::time_point;
  using LinkKey = std::array<std::uint64_t, 3>;  // set, from, to

  struct Here {  // counters that belong to this process
    std::uint64_t sent = 0, received = 0, lost = 0, inFlightAtQuiesce = 0;
  };
  struct Flight {
    std::uint64_t number;
    Time due;
  };
  struct OutLink {
    OutRecord record;
    std::deque<Flight> flights;
    Time nextSend;
    Here* here;
  };
  struct InLink {
    InRecord record;
    Here* here;
  };
  struct Endpoint {
    Memory* memory;
    std::function<void()> interrupt;
    bool attached = false, loading = false, running = true, ndma = false, quiescing = false, busMaster = true;
    bool worksInP2p = false, failed = false;
    std::uint64_t set = 0;
    std::uint32_t slot = 0;
    std::vector<OutLink> out;
    std::vector<InLink> in;
    Ring ring;
    Time completionDue{};
    std::uint64_t interrupts = 0;
  };

  void run();
  Time advance(Time now);
  void send(Endpoint& from, OutLink& link, Time now);
  void deliver(Endpoint& from, OutLink& link, const Flight& flight);
  void complete(Endpoint& endpoint);
  void finishOutstanding(Endpoint& endpoint);
  void drain(std::unique_lock<std::mutex>& lock, const Endpoint& endpoint);
  void resumed(Endpoint& endpoint);
  [[nodiscard]] bool mayInitiate(const Endpoint& endpoint) const;
  [[nodiscard]] Endpoint* find(std::uint64_t set, std::uint32_t slot);
  [[nodiscard]] const Endpoint* find(std::uint64_t set, std::uint32_t slot) const;
  [[nodiscard]] static std::uint64_t flightsOf(const Endpoint& endpoint);

  const FabricOptions options_;
  const std::chrono::nanoseconds interval_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Endpoint> endpoints_;
  std::map<LinkKey, Here> here_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace transship::emulator
