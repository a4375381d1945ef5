// The verbs of the control socket.
#include <algorithm>
#include <map>
#include <stdexcept>

#include "control.hh"
#include "json.hh"
#include "parse.hh"

namespace transship::emulator {
namespace {

using std::chrono::duration;

/// A request that cannot be carried out; the text goes to the harness.
struct Refusal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Request {
 public:
  explicit Request(std::string_view line) {
    const auto pieces = split(line, " \r");
    verb_ = pieces.empty() ? std::string_view() : pieces.front();
    for (std::size_t i = 1; i < pieces.size(); ++i) {
      arguments_.insert(keyValue(pieces[i]));
    }
  }
  [[nodiscard]] std::string_view verb() const { return verb_; }
  [[nodiscard]] std::string_view text(std::string_view key) const {
    const auto found = arguments_.find(key);
    if (found == arguments_.end()) {
      throw Refusal(std::string(verb_) + " needs " + std::string(key) + "=");
    }
    return found->second;
  }
  [[nodiscard]] std::size_t index(std::string_view key, std::size_t limit) const {
    const auto number = parseNumber(text(key));
    if (!number || *number >= limit) {
      throw Refusal(std::string(key) + "=" + std::string(text(key)) + " is not below " +
                    std::to_string(limit));
    }
    return *number;
  }
  // Everything but the named keys, as a fault's arguments.
  [[nodiscard]] std::string rest(std::initializer_list<std::string_view> without) const {
    std::string joined;
    for (const auto& [key, value] : arguments_) {
      if (std::find(without.begin(), without.end(), key) == without.end()) {
        joined += std::string(key) + "=" + std::string(value) + ",";
      }
    }
    return joined;
  }
  [[nodiscard]] bool has(std::string_view key) const { return arguments_.contains(key); }

 private:
  std::string_view verb_;
  std::map<std::string_view, std::string_view> arguments_;
};

Device& deviceOf(Node& node, const Request& request) {
  return node.device(request.index("device", node.size()));
}

Workload& workloadOf(Node& node, const Request& request) {
  return node.workload(request.has("group") ? request.index("group", node.workloads()) : 0);
}

std::string hexNumber(std::uint64_t value) {
  char digits[17];
  std::snprintf(digits, sizeof(digits), "%016llx", static_cast<unsigned long long>(value));
  return digits;
}

double milliseconds(std::chrono::nanoseconds time) { return duration<double, std::milli>(time).count(); }

void info(Node& node, const Request&, JsonObject& reply) {
  std::vector<std::string> devices;
  for (std::size_t index = 0; index < node.size(); ++index) {
    Device& device = node.device(index);
    const Attachment attachment = node.fabric().snapshot(index);
    const bool armed = node.fabric().attached(index);
    devices.push_back(JsonObject()
                          .number("index", index)
                          .number("slot", armed ? attachment.slot : index)
                          .text("set", hexNumber(attachment.set))
                          .text("state", stateName(device.front().shownNibble()))
                          .number("rawState", device.stateNow())
                          .boolean("armed", armed)
                          .number("memoryBytes", device.memory().size())
                          .number("resets", device.resets())
                          .number("faultsUsed", device.faults().used())
                          .number("dmaWrites", device.dma().written())
                          .number("stateReads", device.front().stateReads())
                          .number("segmentsSaved", device.core().segmentsSaved())
                          .number("segmentsLoaded", device.core().segmentsLoaded())
                          .number("submitted", attachment.ring.submitted)
                          .number("completed", attachment.ring.completed)
                          .number("submissionGaps", attachment.ring.gaps)
                          .number("interrupts", node.fabric().interrupts(index))
                          .number("inFlight", node.fabric().inFlight(index))
                          .fraction("lastArcMs", milliseconds(device.core().lastArc()))
                          .str());
  }
  reply.text("node", node.options().node)
      .text("protocol", node.options().device.protocol == Protocol::kV1 ? "v1" : "v2")
      .raw("devices", jsonArray(devices));
}

void digest(Node& node, const Request& request, JsonObject& reply) {
  const bool kept = request.has("kept");
  Device& device = deviceOf(node, request);
  const auto digests = kept ? device.keptDigests() : device.digests();
  if (!digests) {
    throw Refusal(kept ? "nothing was kept; it needs --keep-digests and a stop"
                       : "the device is running or busy; a digest is of a stopped one");
  }
  reply.text("digest", digests->all.hex()).text("memory", digests->memory.hex());
}

void links(Node& node, const Request&, JsonObject& reply) {
  std::vector<std::string> links;
  for (const LinkReport& link : node.fabric().links()) {
    links.push_back(JsonObject()
                        .number("from", link.from)
                        .number("to", link.to)
                        .text("set", hexNumber(link.set))
                        .number("sent", link.sent)
                        .number("received", link.received)
                        .number("lost", link.lost)
                        .number("gaps", link.gaps)
                        .number("doubles", link.doubles)
                        .number("inFlight", link.inFlight)
                        .number("inFlightAtQuiesce", link.inFlightAtQuiesce)
                        .number("sentHere", link.sentHere)
                        .number("receivedHere", link.receivedHere)
                        .number("lostHere", link.lostHere)
                        .fraction("latencyMs", milliseconds(node.options().fabric.latency))
                        .str());
  }
  reply.raw("links", jsonArray(links));
}

void workload(Node& node, const Request& request, JsonObject& reply) {
  const Workload::Report report = workloadOf(node, request).report();
  std::vector<std::string> submissions;
  for (const std::uint64_t count : report.submissions) {
    submissions.push_back(std::to_string(count));
  }
  reply.text("phase", phaseName(report.phase))
      .boolean("frozen", report.frozen)
      .boolean("loaded", report.arrived)
      .raw("submissions", jsonArray(submissions))
      .number("refused", report.refused)
      .number("freezes", report.freezes)
      .number("thaws", report.thaws)
      .text("set", hexNumber(report.set))
      .text("cookie", report.cookie);
}

void unlessRefused(const std::string& why) {
  if (!why.empty()) {
    throw Refusal(why);
  }
}

void begin(Node& node, const Request& request, JsonObject&) {
  unlessRefused(node.begin(request.has("group") ? request.index("group", node.workloads()) : 0));
}

void save(Node& node, const Request& request, JsonObject& reply) {
  const auto state = workloadOf(node, request).save();
  if (!state) {
    throw Refusal("only a frozen workload can be saved");
  }
  reply.text("state", toHex(*state));
}

void load(Node& node, const Request& request, JsonObject&) {
  const auto state = fromHex(request.text("state"));
  if (!state) {
    throw Refusal("state= is not hexadecimal");
  }
  unlessRefused(workloadOf(node, request).load(*state));
}

void fault(Node& node, const Request& request, JsonObject&) {
  Device& device = deviceOf(node, request);
  std::string why;
  const auto parsed = parseFault(request.text("kind"), request.rest({"device", "kind"}), why);
  if (!parsed) {
    throw Refusal(why);
  }
  if (parsed->kind != FaultKind::kAsyncState) {
    device.faults().add(*parsed);
  } else if (!device.changeByItself(*parsed->to)) {
    throw Refusal("the device cannot change to that state");
  }
}

void deviceReset(Node& node, const Request& request, JsonObject&) {
  if (!deviceOf(node, request).lose()) {
    throw Refusal("the device is busy");
  }
}

void violations(Node& node, const Request&, JsonObject& reply) {
  std::vector<std::string> list;
  for (const Violation& one : node.violations().list()) {
    list.push_back(
        JsonObject().number("device", one.device).text("item", one.item).text("what", one.what).str());
  }
  reply.raw("violations", jsonArray(list)).number("dropped", node.violations().dropped());
}

using Verb = void (*)(Node&, const Request&, JsonObject&);

const std::map<std::string_view, Verb> kVerbs{
    {"info", info},
    {"digest", digest},
    {"links", links},
    {"workload", workload},
    {"begin", begin},
    {"freeze", [](Node& n, const Request& r, JsonObject&) { unlessRefused(workloadOf(n, r).freeze()); }},
    {"thaw", [](Node& n, const Request& r, JsonObject&) { unlessRefused(workloadOf(n, r).thaw()); }},
    {"discard", [](Node& n, const Request& r, JsonObject&) { unlessRefused(workloadOf(n, r).discard()); }},
    {"incoming", [](Node& n, const Request& r, JsonObject&) { unlessRefused(workloadOf(n, r).incoming()); }},
    {"save", save},
    {"load", load},
    {"fault", fault},
    {"clear", [](Node& n, const Request& r, JsonObject&) { deviceOf(n, r).faults().clear(); }},
    {"violations", violations},
    {"violations-reset", [](Node& n, const Request&, JsonObject&) { n.violations().clear(); }},
    {"deviceReset", deviceReset},
};

}  // namespace

std::string answerControl(Node& node, std::string_view line) {
  const Request request(line);
  try {
    const auto verb = kVerbs.find(request.verb());
    if (verb == kVerbs.end()) {
      throw Refusal("unknown verb '" + std::string(request.verb()) + "'");
    }
    JsonObject reply;
    reply.boolean("ok", true);
    verb->second(node, request, reply);
    return reply.str();
  } catch (const Refusal& refusal) {
    return JsonObject().boolean("ok", false).text("error", refusal.what()).str();
  }
}

}  // namespace transship::emulator
