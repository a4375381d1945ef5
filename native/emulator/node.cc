#include "node.hh"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "random.hh"

namespace transship::emulator {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBeat{5};        // of postings and of dirtying
constexpr std::size_t kFillPages = 64;  // brought into being at a time
constexpr int kFillNice = 10;           // filling ahead must not slow anybody down

std::vector<std::uint32_t> peersOf(std::uint32_t slot, std::uint32_t count, Topology topology,
                                   bool outgoing) {
  std::vector<std::uint32_t> peers;
  if (count < 2 || topology == Topology::kNone) {
    return peers;
  }
  if (topology == Topology::kRing) {
    return {outgoing ? (slot + 1) % count : (slot + count - 1) % count};
  }
  for (std::uint32_t peer = 0; peer < count; ++peer) {
    if (peer != slot) {
      peers.push_back(peer);
    }
  }
  return peers;
}

DeviceOptions optionsOf(const Options& options, std::size_t index) {
  DeviceOptions device = options.device;
  const auto listed = [index](const std::vector<std::size_t>& list) {
    return std::any_of(list.begin(), list.end(),
                       [index](std::size_t one) { return one == index || one == kEveryDevice; });
  };
  device.ndma = !listed(options.noNdma);
  device.reset = !listed(options.noReset);
  device.preCopy = !listed(options.noPreCopy);
  return device;
}

}  // namespace

Node::Node(const Options& options, std::function<void()> die) : options_(options), fabric_(options.fabric) {
  const std::size_t group = options.group == 0 ? options.devices : options.group;
  for (std::size_t first = 0; first < options.devices; first += group) {
    workloads_.push_back(std::make_unique<Workload>(fabric_));
  }
  const DeviceHost host{[this](std::uint64_t set) {
                          return std::any_of(workloads_.begin(), workloads_.end(),
                                             [set](const auto& one) { return one->thawedFor(set); });
                        },
                        std::move(die)};
  for (std::size_t index = 0; index < options.devices; ++index) {
    devices_.push_back(
        std::make_unique<Device>(index, optionsOf(options, index), fabric_, violations_, host));
    Device& device = *devices_.back();
    fabric_.add(
        device.memory(), [&device] { device.irqs().trigger(0); }, options.device.protocol == Protocol::kV2);
  }
  for (const auto& [index, fault] : options.faults) {
    devices_[index]->faults().add(fault);
  }
  begun_.resize(workloads_.size());
  for (std::size_t number = 0; options.traffic && number < workloads_.size(); ++number) {
    arm(number);
  }
  fabric_.start();
  worker_ = std::thread([this] { work(); });
  filler_ = std::thread([this] { fill(); });
}

Node::~Node() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stoppingFill_ = true;
  stop_.notify_all();
  worker_.join();
  filler_.join();
  for (const auto& device : devices_) {
    device->stop();
  }
  fabric_.stop();
}

std::string Node::begin(std::size_t number) {
  const std::lock_guard lock(beginning_);
  const Workload::Phase phase = workloads_[number]->report().phase;
  if (phase != Workload::Phase::kEmpty && phase != Workload::Phase::kEnded) {
    return "a workload is here already";
  }
  const auto [first, count] = groupOf(number);
  for (std::size_t index = first; index < first + count; ++index) {
    if (fabric_.attached(index) || devices_[index]->front().shownNibble() != vfio::kStateRunning) {
      return "device " + std::to_string(index) + " is not idle";
    }
  }
  // None sends before all are there to receive.
  for (std::size_t index = first; index < first + count; ++index) {
    fabric_.setNdma(index, true);
  }
  arm(number);
  for (std::size_t index = first; index < first + count; ++index) {
    fabric_.setNdma(index, false);
  }
  return {};
}

Node::Group Node::groupOf(std::size_t number) const {
  const std::size_t size = options_.group == 0 ? options_.devices : options_.group;
  const std::size_t first = number * size;
  return {first, std::min(size, options_.devices - first)};
}

// Makes the devices of a group one set, linked by the topology, and starts its workload. No two sets have one
// number.
void Node::arm(std::size_t number) {
  const auto [first, size] = groupOf(number);
  const auto count = static_cast<std::uint32_t>(size);
  const std::uint64_t origin = mix(options_.device.seed, 0x5E7 + number);
  const std::uint64_t again = begun_[number]++;
  const std::uint64_t set = again == 0 ? origin : mix(origin, again);
  std::vector<std::uint32_t> slots;
  for (std::uint32_t slot = 0; slot < count; ++slot) {
    Attachment attachment;
    attachment.set = set;
    attachment.slot = slot;
    for (const std::uint32_t peer : peersOf(slot, count, options_.topology, true)) {
      attachment.out.push_back({peer, 0, 0});
    }
    for (const std::uint32_t peer : peersOf(slot, count, options_.topology, false)) {
      attachment.in.push_back({peer, 0, 0, 0, 0, 0});
    }
    devices_[first + slot]->arm(attachment);
    slots.push_back(slot);
  }
  workloads_[number]->begin(set, slots, set);
}

void Node::work() {
  std::unique_lock lock(mutex_);
  std::uint64_t beat = 0;
  double owed = 0, owedDma = 0;  // pages to dirty, carried from beat to beat
  const double seconds = std::chrono::duration<double>(kBeat).count();
  const auto due = [seconds](double& carried, double rate) {
    carried += rate * seconds / Memory::kPageSize;
    const auto pages = static_cast<std::size_t>(carried);
    carried -= static_cast<double>(pages);
    return pages;
  };
  while (!stop_.wait_for(lock, kBeat, [this] { return stopping_; })) {
    ++beat;
    for (const auto& workload : workloads_) {
      workload->post();
    }
    const std::size_t pages = due(owed, options_.dirtyRate);
    const std::size_t written = due(owedDma, options_.dmaRate);
    for (const auto& device : devices_) {
      const std::uint64_t seed = mix(mix(options_.device.seed, beat), device->index());
      if (pages > 0) {
        device->memory().scramble(pages, seed);
      }
      if (written > 0) {
        device->dma().write(written, mix(seed));
      }
    }
  }
}

void Node::fill() {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kFillNice);
  for (const auto& device : devices_) {
    while (!stoppingFill_ && device->memory().prefill(kFillPages)) {
    }
  }
}

}  // namespace transship::emulator
