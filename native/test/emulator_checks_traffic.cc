// D-10, D-16, D-17: who may do DMA and who still takes it.
#include <array>

#include "emulator_checks.hh"
#include "emulator_rig.hh"

namespace transship::emulator::test {
namespace {

std::string d10() {
  Rig rig(2, {"--link-rate", "1000", "--link-latency", "1ms"});
  rig->workload(0).freeze();
  MUST(rig[0].walk({0x9, 0x8, 0x0}) == 0);  // its peer goes on
  const auto before = rig[0].device().digests();
  const std::uint64_t interrupts = rig->fabric().interrupts(0);
  const Attachment frozen = rig->fabric().snapshot(0);
  const std::uint64_t lost = rig.sum(&LinkReport::lost);
  MUST(eventually([&] { return rig.sum(&LinkReport::lost) >= lost + 10; }));
  MUST(rig[0].device().digests()->all == before->all);
  MUST(rig->fabric().snapshot(0).out[0].sent == frozen.out[0].sent);
  MUST(rig->fabric().snapshot(0).in[0].received == frozen.in[0].received);
  MUST(rig->fabric().interrupts(0) == interrupts);
  return {};
}

std::string d16() {
  Rig rig(2, {"--link-rate", "1000", "--link-latency", "20ms"});
  MUST(eventually([&] { return rig->fabric().inFlight(0) > 5; }));
  MUST(rig[0].set(0x9) == 0);
  MUST(rig->fabric().inFlight(0) == 0);
  MUST(rig.sum(&LinkReport::inFlightAtQuiesce) > 0);  // so there was something to wait for
  const Attachment quiesced = rig->fabric().snapshot(0);
  const std::uint64_t interrupts = rig->fabric().interrupts(0);
  sleepMs(20);  // the workload goes on posting; nothing comes of it
  const Attachment later = rig->fabric().snapshot(0);
  MUST(later.out[0].sent == quiesced.out[0].sent);
  MUST(later.ring.submitted > quiesced.ring.submitted);
  MUST(later.ring.completed == quiesced.ring.completed);
  MUST(rig->fabric().interrupts(0) == interrupts);
  MUST(rig.sum(&LinkReport::lost) == 0);
  return {};
}

std::string d17() {
  Rig rig(2, {"--link-rate", "1000", "--link-latency", "1ms"});
  MUST(rig[0].set(0x9) == 0);
  const std::uint64_t received = rig->fabric().snapshot(0).in[0].received;
  MUST(eventually([&] { return rig->fabric().snapshot(0).in[0].received > received + 10; }));
  MUST(rig.sum(&LinkReport::lost) == 0);
  const std::uint64_t value = 0x1234;
  MUST(rig[0].device().write(kBar0, 0x18, std::as_bytes(std::span(&value, 1))) == 0);
  MUST(rig[0].bytes(kBar0, 0x18, 2) == (Bytes{std::byte{0x34}, std::byte{0x12}}));
  return {};
}

constexpr std::array kChecks{Check{"D-10", d10}, Check{"D-16", d16}, Check{"D-17", d17}};

}  // namespace

std::span<const Check> trafficChecks() { return kChecks; }

}  // namespace transship::emulator::test
