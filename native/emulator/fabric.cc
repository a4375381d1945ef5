#include "fabric.hh"

#include "common/mutant.hh"

namespace transship::emulator {

Fabric::Fabric(FabricOptions options)
    : options_(options),
      interval_(options.rate > 0 ? std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / options.rate))
                                 : std::chrono::nanoseconds::zero()) {}

Fabric::~Fabric() { stop(); }

void Fabric::add(Memory& memory, std::function<void()> interrupt, bool worksInP2p) {
  const std::lock_guard lock(mutex_);
  Endpoint& endpoint = endpoints_.emplace_back();
  endpoint.memory = &memory;
  endpoint.interrupt = std::move(interrupt);
  endpoint.worksInP2p = worksInP2p;
}

void Fabric::start() {
  thread_ = std::thread([this] { run(); });
}

void Fabric::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

bool Fabric::attach(std::size_t index, const Attachment& attachment) {
  const std::lock_guard lock(mutex_);
  Endpoint& endpoint = endpoints_[index];
  const Endpoint* const holder = find(attachment.set, attachment.slot);
  if (holder != nullptr && holder != &endpoint) {
    return false;
  }
  endpoint.attached = true;
  endpoint.loading = false;
  endpoint.set = attachment.set;
  endpoint.slot = attachment.slot;
  endpoint.ring = attachment.ring;
  endpoint.out.clear();
  endpoint.in.clear();
  for (const OutRecord& record : attachment.out) {
    endpoint.out.push_back(
        {record, {}, Clock::now() + interval_, &here_[{attachment.set, attachment.slot, record.to}]});
  }
  for (const InRecord& record : attachment.in) {
    endpoint.in.push_back({record, &here_[{attachment.set, record.from, attachment.slot}]});
  }
  changed_.notify_all();
  return true;
}

void Fabric::detach(std::size_t index) {
  const std::lock_guard lock(mutex_);
  Endpoint& endpoint = endpoints_[index];
  for (OutLink& link : endpoint.out) {
    link.here->lost += link.flights.size();
  }
  endpoint.attached = endpoint.loading = endpoint.failed = false;
  endpoint.out.clear();
  endpoint.in.clear();
  endpoint.ring = Ring{};
  changed_.notify_all();
}

void Fabric::announce(std::size_t index, std::uint64_t set, std::uint32_t slot) {
  const std::lock_guard lock(mutex_);
  Endpoint& endpoint = endpoints_[index];
  endpoint.loading = true;
  endpoint.set = set;
  endpoint.slot = slot;
}

void Fabric::setBusMaster(std::size_t index, bool on) {
  const std::lock_guard lock(mutex_);
  endpoints_[index].busMaster = on;
  changed_.notify_all();
}

void Fabric::setNdma(std::size_t index, bool ndma) {
  std::unique_lock lock(mutex_);
  Endpoint& endpoint = endpoints_[index];
  if (!ndma) {
    endpoint.ndma = false;
    resumed(endpoint);
    return;
  }
  finishOutstanding(endpoint);
  endpoint.ndma = true;  // from here on nothing new starts
  if (!TRANSSHIP_MUTANT("D-16")) {
    drain(lock, endpoint);
  }
}

void Fabric::setRunning(std::size_t index, bool running) {
  std::unique_lock lock(mutex_);
  Endpoint& endpoint = endpoints_[index];
  if (running) {
    endpoint.memory->setActive(true);
    endpoint.running = true;
    resumed(endpoint);
    return;
  }
  finishOutstanding(endpoint);
  endpoint.quiescing = true;
  drain(lock, endpoint);
  endpoint.quiescing = false;
  endpoint.running = false;
  endpoint.memory->setActive(false);
}

void Fabric::setFailed(std::size_t index) {
  {
    const std::lock_guard lock(mutex_);
    endpoints_[index].failed = true;
  }
  setRunning(index, false);
}

bool Fabric::attached(std::size_t index) const {
  const std::lock_guard lock(mutex_);
  return endpoints_[index].attached;
}

Attachment Fabric::snapshot(std::size_t index) const {
  const std::lock_guard lock(mutex_);
  const Endpoint& endpoint = endpoints_[index];
  Attachment attachment;
  attachment.set = endpoint.set;
  attachment.slot = endpoint.slot;
  attachment.ring = endpoint.ring;
  for (const OutLink& link : endpoint.out) {
    attachment.out.push_back(link.record);
  }
  for (const InLink& link : endpoint.in) {
    attachment.in.push_back(link.record);
  }
  return attachment;
}

PeerView Fabric::peers(std::size_t index) const {
  const std::lock_guard lock(mutex_);
  const Endpoint& self = endpoints_[index];
  PeerView view;
  const auto linked = [&self](std::uint32_t slot) {
    for (const OutLink& link : self.out) {
      if (link.record.to == slot) {
        return true;
      }
    }
    for (const InLink& link : self.in) {
      if (link.record.from == slot) {
        return true;
      }
    }
    return false;
  };
  for (const Endpoint& other : endpoints_) {
    if (&other == &self || !(other.attached || other.loading) || other.set != self.set ||
        !linked(other.slot)) {
      continue;
    }
    ++view.present;
    if (other.loading || (!other.running && !other.failed)) {
      ++view.notRunning;
    } else if (other.running && !other.ndma) {
      ++view.mayInitiate;
    }
  }
  return view;
}

std::uint64_t Fabric::interrupts(std::size_t index) const {
  const std::lock_guard lock(mutex_);
  return endpoints_[index].interrupts;
}

std::uint64_t Fabric::inFlight(std::size_t index) const {
  const std::lock_guard lock(mutex_);
  return flightsOf(endpoints_[index]);
}

std::vector<LinkReport> Fabric::links() const {
  const std::lock_guard lock(mutex_);
  std::vector<LinkReport> reports;
  for (const auto& [key, here] : here_) {
    LinkReport report{};
    report.set = key[0];
    report.from = static_cast<std::uint32_t>(key[1]);
    report.to = static_cast<std::uint32_t>(key[2]);
    report.sentHere = here.sent;
    report.receivedHere = here.received;
    report.lostHere = here.lost;
    report.inFlightAtQuiesce = here.inFlightAtQuiesce;
    if (const Endpoint* const sender = find(report.set, report.from)) {
      for (const OutLink& link : sender->out) {
        if (link.record.to == report.to) {
          report.sent = link.record.sent;
          report.lost = link.record.lost;
          report.inFlight = link.flights.size();
        }
      }
    }
    if (const Endpoint* const receiver = find(report.set, report.to)) {
      for (const InLink& link : receiver->in) {
        if (link.record.from == report.from) {
          report.received = link.record.received;
          report.gaps = link.record.gaps;
          report.doubles = link.record.doubles;
        }
      }
    }
    reports.push_back(report);
  }
  return reports;
}

const Fabric::Endpoint* Fabric::find(std::uint64_t set, std::uint32_t slot) const {
  for (const Endpoint& endpoint : endpoints_) {
    if (endpoint.attached && endpoint.set == set && endpoint.slot == slot) {
      return &endpoint;
    }
  }
  return nullptr;
}

Fabric::Endpoint* Fabric::find(std::uint64_t set, std::uint32_t slot) {
  return const_cast<Endpoint*>(static_cast<const Fabric*>(this)->find(set, slot));
}

std::uint64_t Fabric::flightsOf(const Endpoint& endpoint) {
  std::uint64_t count = 0;
  for (const OutLink& link : endpoint.out) {
    count += link.flights.size();
  }
  return count;
}

bool Fabric::mayInitiate(const Endpoint& endpoint) const {
  return endpoint.attached && endpoint.running && !endpoint.ndma && !endpoint.quiescing &&
         (endpoint.busMaster || !options_.enforceBusMaster);
}

}  // namespace transship::emulator
