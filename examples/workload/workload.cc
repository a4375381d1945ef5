#include "workload.hh"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace {

using namespace std::chrono_literals;

/// Bytes that are on their way through the device: some always are, and its FIFO of 16 never fills up (the
/// one of mtty counts as empty when it does).
constexpr std::uint64_t kLeastUnderWay = 4;
constexpr std::uint64_t kMostUnderWay = 12;
constexpr auto kBetweenSteps = 2ms;

/// Describes the memory: a state of another workload must not be loaded.
struct Layout {
  std::uint64_t magic = 0x31444C574C504D58;
  std::uint64_t iova = 0;
  std::uint64_t size = 0;
  friend bool operator==(const Layout&, const Layout&) = default;
};

}  // namespace

const char* nameOf(Phase phase) noexcept {
  switch (phase) {
    case Phase::kRunning:
      return "RUNNING";
    case Phase::kFrozen:
      return "FROZEN";
    case Phase::kIncoming:
      return "INCOMING";
    default:
      return "ENDED";
  }
}

Workload::Workload(WorkloadOptions options)
    : options_(std::move(options)),
      memory_(options_.iova, options_.memory),
      dirty_(options_.memory / kPage, true),
      worker_([this](const std::stop_token& stop) { work(stop); }) {}

Workload::~Workload() { worker_.request_stop(); }

void Workload::start() {
  const std::lock_guard lock(mutex_);
  uart_ = std::make_unique<Uart>(options_.openDevice());
  memory_.map(uart_->files());
  beginAnew();
  phase_ = Phase::kRunning;
  wake_.notify_all();
}

void Workload::freeze(const std::string& savingId) {
  // The lock is free only between two steps: nothing of the work is half done then.
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::kRunning && phase_ != Phase::kFrozen) {
    throw Refused("there is no workload here to freeze");
  }
  frozenBy_ = savingId;
  phase_ = Phase::kFrozen;
}

void Workload::thaw(const std::string& savingId) {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::kRunning && phase_ != Phase::kFrozen) {
    throw Refused("there is no workload here to thaw");
  }
  const bool told = !savingId.empty() && !frozenBy_.empty();
  if (phase_ == Phase::kFrozen && told && savingId != frozenBy_) {
    throw Refused("it was frozen by " + frozenBy_ + ", and " + savingId + " is over");
  }
  if (deviceIsBlank_) {
    beginAnew();
  }
  phase_ = Phase::kRunning;
  wake_.notify_all();
}

void Workload::expect(const std::string& savingId) {
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::kRunning) {
    throw Refused("the workload here is at work");
  }
  // The device that is here now, which may be another than last time. Nothing is done to it before the thaw.
  uart_ = std::make_unique<Uart>(options_.openDevice());
  expected_ = savingId;
  phase_ = Phase::kIncoming;
}

void Workload::discard() {
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::kRunning) {
    throw Refused("the workload here is at work; freeze it first");
  }
  if (uart_) {
    memory_.unmap(uart_->files());
    uart_.reset();
  }
  std::ranges::fill(memory_.bytes(), std::byte{0});
  expected_.clear();
  phase_ = Phase::kEnded;
}

void Workload::devicesReset() {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::kRunning && phase_ != Phase::kFrozen) {
    throw Refused("there is no workload here");
  }
  deviceIsBlank_ = true;
}

void Workload::saveLive(const std::string& savingId, const Sink& sink) {
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::kRunning) {
      throw Refused("a live pass is of a workload that runs");
    }
    std::fill(dirty_.begin(), dirty_.end(), true);
    liveSaving_ = savingId;
  }
  // Ends early when the workload is frozen: the rest is still marked, and owed to the final pass.
  sendDirty(Phase::kRunning, sink);
}

void Workload::markDirty(std::uint64_t iova, std::uint64_t length) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t first = std::max(iova, options_.iova);
  const std::uint64_t last = std::min(iova + length, options_.iova + options_.memory);
  if (first < last) {
    mark(first - options_.iova, last - first);
  }
}

void Workload::saveFinal(const std::string& savingId, bool incremental, const Sink& sink) {
  const Layout layout{.iova = options_.iova, .size = options_.memory};
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::kFrozen) {
      throw Refused("a final pass is of a workload that is frozen");
    }
    if (incremental && liveSaving_ != savingId) {
      throw Refused("there was no live pass of " + savingId);
    }
    if (!incremental) {
      std::fill(dirty_.begin(), dirty_.end(), true);
    }
    device_ = checkNumbers(ofDevice(), kPage);
  }
  const bool complete =
      sink(encodeValue(kLayoutRecord, layout), options_.memory) && sendDirty(Phase::kFrozen, sink);
  if (!complete || !sink(encodeValue(kCountersRecord, counters_), 0)) {
    throw Refused("the workload was thawed, or nobody takes its state any more");
  }
}

bool Workload::sendDirty(Phase during, const Sink& sink) {
  for (std::size_t page = 0; page < dirty_.size();) {
    std::string piece;
    std::uint64_t left = 0;
    {
      const std::lock_guard lock(mutex_);
      if (phase_ != during) {
        return false;
      }
      std::size_t pages = 0;
      while (pages < kMaxPayload / kPage && page + pages < dirty_.size() && dirty_[page + pages]) {
        dirty_[page + pages] = false;
        ++pages;
      }
      left = static_cast<std::uint64_t>(std::count(dirty_.begin(), dirty_.end(), true)) * kPage;
      if (pages > 0) {
        piece = encodeRecord(page * kPage, memory_.bytes().subspan(page * kPage, pages * kPage));
      }
      page += std::max<std::size_t>(pages, 1);
    }
    if (!piece.empty() && !sink(std::move(piece), left)) {
      return false;
    }
  }
  return true;
}

std::uint64_t Workload::load(const std::string& savingId,
                             const std::function<std::optional<std::string>()>& next) {
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::kIncoming || !uart_ || expected_ != savingId) {
      throw Refused("no state of " + savingId + " is expected here");
    }
    std::ranges::fill(memory_.bytes(), std::byte{0});
    sawLayout_ = sawCounters_ = false;
  }
  RecordReader reader(
      [this](std::uint64_t offset, std::span<const std::byte> payload) { apply(offset, payload); });
  std::uint64_t total = 0;
  while (const auto bytes = next()) {
    total += bytes->size();
    reader.feed(std::as_bytes(std::span(*bytes)));
  }
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::kIncoming || expected_ != savingId) {
    throw Refused("the load was given up");
  }
  if (!reader.atBoundary() || !sawLayout_ || !sawCounters_) {
    throw std::runtime_error("the state is not complete");
  }
  // The device may use these addresses as soon as it runs, so they are mapped before anybody is told.
  memory_.map(uart_->files());
  device_ = checkNumbers(ofDevice(), kPage);
  trouble_.clear();
  deviceIsBlank_ = false;
  frozenBy_ = savingId;
  phase_ = Phase::kFrozen;
  return total;
}

Phase Workload::phase() {
  const std::lock_guard lock(mutex_);
  return phase_;
}

Report Workload::report() {
  const std::lock_guard lock(mutex_);
  return Report{phase_, counters_, wrongBytes(), device_, trouble_};
}

void Workload::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    wake_.wait(lock, stop, [this] { return phase_ == Phase::kRunning && trouble_.empty(); });
    if (stop.stop_requested()) {
      return;
    }
    try {
      step();
    } catch (const std::exception& error) {
      trouble_ = error.what();
    }
    wake_.wait_for(lock, stop, kBetweenSteps, [] { return false; });
  }
}

void Workload::step() {
  while (counters_.sent - counters_.received < kMostUnderWay) {
    uart_->send(byteAt(counters_.sent));
    ++counters_.sent;
  }
  while (counters_.sent - counters_.received > kLeastUnderWay) {
    if (!uart_->hasByte()) {
      // What is under way is in the device, so nothing there is all lost.
      counters_.gaps += counters_.sent - counters_.received;
      counters_.received = counters_.sent;
      return;
    }
    take(uart_->receive());
  }
}

void Workload::take(std::uint8_t byte) {
  const std::uint64_t ahead = (byte + kCycle - byteAt(counters_.received)) % kCycle;
  if (ahead >= counters_.sent - counters_.received) {
    ++counters_.doubles;
    return;
  }
  counters_.gaps += ahead;
  counters_.received += ahead;
  const auto bytes = ofBytes();
  const std::size_t at = counters_.received % bytes.size();
  bytes[at] = std::byte{byte};
  mark(memory_.bytes().size() / 2 + at, 1);
  ++counters_.received;
}

/// With a device that holds nothing of ours.
void Workload::beginAnew() {
  counters_.resetAway += counters_.sent - counters_.received;
  counters_.received = counters_.sent;
  uart_->setUp();
  if (options_.dmaIntervalUs != 0) {
    std::ranges::fill(ofDevice(), std::byte{0});
    uart_->startDma(options_.iova, ofDevice().size(), kPage, options_.dmaIntervalUs);
  }
  deviceIsBlank_ = false;
  trouble_.clear();
}

void Workload::apply(std::uint64_t offset, std::span<const std::byte> payload) {
  const std::lock_guard lock(mutex_);
  if (offset == kLayoutRecord) {
    Layout layout;
    std::memcpy(&layout, payload.data(), std::min(sizeof(layout), payload.size()));
    if (layout != Layout{.iova = options_.iova, .size = options_.memory}) {
      throw std::runtime_error("the state is of a workload with other memory");
    }
    sawLayout_ = true;
  } else if (offset == kCountersRecord && payload.size() == sizeof(counters_)) {
    std::memcpy(&counters_, payload.data(), sizeof(counters_));
    sawCounters_ = true;
  } else if (offset < options_.memory && payload.size() <= options_.memory - offset) {
    std::ranges::copy(payload, memory_.bytes().begin() + static_cast<std::ptrdiff_t>(offset));
  } else {
    throw std::runtime_error("the state has a record of another kind");
  }
}

void Workload::mark(std::size_t offset, std::size_t length) {
  for (std::size_t page = offset / kPage; page * kPage < offset + length; ++page) {
    dirty_[page] = true;
  }
}

std::span<std::byte> Workload::ofDevice() const { return memory_.bytes().first(memory_.bytes().size() / 2); }
std::span<std::byte> Workload::ofBytes() const { return memory_.bytes().subspan(memory_.bytes().size() / 2); }

std::uint64_t Workload::wrongBytes() const {
  const bool hasState = phase_ == Phase::kRunning || phase_ == Phase::kFrozen;
  // After a gap the sequence in memory has a hole of its own.
  const bool whole = counters_.gaps + counters_.resetAway == 0;
  return hasState && whole ? wrongInSequence(ofBytes(), counters_.received) : 0;
}
