// The moving part of the fabric: sending, delivering, completing, waiting.
#include <algorithm>

#include "common/mutant.hh"
#include "fabric.hh"
#include "random.hh"

namespace transship::emulator {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kPayload = 256;          // bytes of one transaction
constexpr std::size_t kMailbox = 1024 * 1024;  // memory per sender that its transactions land in
constexpr std::size_t kMailboxes = 64;         // senders beyond that share
constexpr milliseconds kCompletionTime{1};     // from posting work to its interrupt
constexpr milliseconds kGranularity{1};        // events nearer to each other are handled together
constexpr milliseconds kLongestBacklog{50};    // a sender that was kept off longer does not catch up

// Where transaction `number` of sender `from` lands: a ring of payloads in the sender's mailbox. A payload
// never crosses a page, since both sizes are powers of two.
std::size_t landing(const Memory& memory, std::uint32_t from, std::uint64_t number) {
  const std::size_t mailboxes = std::min(kMailboxes, std::max<std::size_t>(1, memory.pages() / 4));
  const std::size_t pages = std::min(kMailbox / Memory::kPageSize, memory.pages() / mailboxes);
  const std::size_t base = (from % mailboxes) * pages * Memory::kPageSize;
  return base + number % (pages * Memory::kPageSize / kPayload) * kPayload;
}

}  // namespace

void Fabric::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const Time now = Clock::now();
    const Time next = advance(now);
    if (next == Time::max()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, std::max(next, now + kGranularity));
    }
  }
}

// Does all that is due and says when to come again.
Fabric::Time Fabric::advance(Time now) {
  Time next = Time::max();
  for (Endpoint& endpoint : endpoints_) {
    for (OutLink& link : endpoint.out) {
      while (!link.flights.empty() && link.flights.front().due <= now) {
        const Flight flight = link.flights.front();
        link.flights.pop_front();
        deliver(endpoint, link, flight);
      }
      if (interval_ > std::chrono::nanoseconds::zero() && mayInitiate(endpoint)) {
        link.nextSend = std::max(link.nextSend, now - kLongestBacklog);
        for (; link.nextSend <= now; link.nextSend += interval_) {
          send(endpoint, link, now);
        }
        next = std::min(next, link.nextSend);
      }
      if (!link.flights.empty()) {
        next = std::min(next, link.flights.front().due);
      }
    }
    if (endpoint.ring.completed < endpoint.ring.submitted && endpoint.running &&
        (!endpoint.ndma || endpoint.worksInP2p)) {
      if (endpoint.completionDue <= now) {
        complete(endpoint);
      } else {
        next = std::min(next, endpoint.completionDue);
      }
    }
  }
  return next;
}

void Fabric::send(Endpoint&, OutLink& link, Time now) {
  if (link.flights.size() >= options_.depth) {
    return;  // the link's queue is full: the sender tries again an interval later
  }
  link.flights.push_back({link.record.sent, now + options_.latency});
  ++link.record.sent;
  ++link.here->sent;
}

void Fabric::deliver(Endpoint& from, OutLink& link, const Flight& flight) {
  Endpoint* const to = find(from.set, link.record.to);
  bool taken = to != nullptr && (to->running || TRANSSHIP_MUTANT("D-10"));
  if (taken && to->ndma && TRANSSHIP_MUTANT("D-17")) {
    taken = false;
  }
  auto in = taken ? std::find_if(to->in.begin(), to->in.end(),
                                 [&from](const InLink& one) { return one.record.from == from.slot; })
                  : std::vector<InLink>::iterator{};
  if (!taken || in == to->in.end()) {
    ++link.record.lost;
    ++link.here->lost;
    return;
  }
  InRecord& record = in->record;
  if (flight.number < record.expected) {
    ++record.doubles;
  } else {
    record.gaps += flight.number - record.expected;
    record.expected = flight.number + 1;
  }
  ++record.received;
  ++in->here->received;
  const std::uint64_t seed = mix(mix(from.set, from.slot), mix(to->slot, flight.number));
  record.digest = mix(record.digest, seed);
  std::array<std::byte, kPayload> payload;
  fillRandom(payload, seed);
  to->memory->write(landing(*to->memory, from.slot, flight.number), payload);
}

void Fabric::complete(Endpoint& endpoint) {
  for (; endpoint.ring.completed < endpoint.ring.submitted; ++endpoint.ring.completed) {
    ++endpoint.interrupts;
    endpoint.interrupt();
  }
}

// What a device that is about to be quiesced finishes first: the work it was given. Notes how much it has on
// its links, as the proof that the wait that follows is a real one.
void Fabric::finishOutstanding(Endpoint& endpoint) {
  if (!endpoint.running || (endpoint.ndma && !endpoint.worksInP2p)) {
    return;  // nothing can be outstanding; work posted since then stays where it is
  }
  for (OutLink& link : endpoint.out) {
    link.here->inFlightAtQuiesce = link.flights.size();
  }
  complete(endpoint);
}

// Waits until all that `endpoint` itself has in flight has arrived. Its peers go on meanwhile.
void Fabric::drain(std::unique_lock<std::mutex>& lock, const Endpoint& endpoint) {
  while (!stopping_ && flightsOf(endpoint) > 0) {
    advance(Clock::now());
    Time due = Time::max();
    for (const OutLink& link : endpoint.out) {
      if (!link.flights.empty()) {
        due = std::min(due, link.flights.front().due);
      }
    }
    if (due != Time::max()) {
      changed_.wait_until(lock, due);
    }
  }
}

// The device may work again: what it had waiting goes out at once, then in the usual rhythm.
void Fabric::resumed(Endpoint& endpoint) {
  const Time now = Clock::now();
  if (mayInitiate(endpoint)) {
    for (OutLink& link : endpoint.out) {
      link.nextSend = now;
    }
    endpoint.completionDue = now;
    advance(now);
  }
  changed_.notify_all();
}

bool Fabric::submit(std::uint64_t set, std::uint32_t slot, std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  Endpoint* const endpoint = find(set, slot);
  if (endpoint == nullptr || !endpoint->running) {
    return false;
  }
  Ring& ring = endpoint->ring;
  if (number != ring.submitted + 1) {
    ring.gaps += number > ring.submitted ? number - ring.submitted - 1 : 1;
  }
  if (ring.completed == ring.submitted) {
    endpoint->completionDue = Clock::now() + kCompletionTime;
    changed_.notify_all();
  }
  ring.submitted = std::max(ring.submitted, number);
  return true;
}

}  // namespace transship::emulator
