#include "options.hh"

#include <algorithm>
#include <map>

#include "parse.hh"

namespace transship::emulator {
namespace {

// Takes an option's value; false when it is none.
using Setter = bool (*)(Options&, std::string_view);

template <typename T>
bool setSize(T& to, std::string_view text, std::uint64_t least, std::uint64_t most) {
  const auto size = parseSize(text);
  if (!size || *size < least || *size > most) {
    return false;
  }
  to = static_cast<T>(*size);
  return true;
}

template <typename T>
bool setHex(T& to, std::string_view text, std::uint64_t most) {
  const auto number = parseNumber(text.starts_with("0x") ? std::string(text) : "0x" + std::string(text));
  if (!number || *number > most) {
    return false;
  }
  to = static_cast<T>(*number);
  return true;
}

template <typename T, std::size_t N>
bool choose(T& to, std::string_view text, const std::pair<std::string_view, T> (&choices)[N]) {
  for (const auto& [name, value] : choices) {
    if (name == text) {
      to = value;
      return true;
    }
  }
  return false;
}

bool setList(std::vector<std::size_t>& to, std::string_view text) {
  if (text == "all") {
    to = {kEveryDevice};
    return true;
  }
  auto list = parseList(text, kMaxDevices);
  if (list) {
    to = std::move(*list);
  }
  return list.has_value();
}

bool addFault(Options& options, std::string_view text) {
  const auto colon = text.find(':');
  const auto device = parseNumber(text.substr(0, colon));
  if (!device || colon == std::string_view::npos) {
    return false;
  }
  text.remove_prefix(colon + 1);
  const auto end = text.find(':');
  std::string why;
  const auto fault =
      parseFault(text.substr(0, end), end == std::string_view::npos ? "" : text.substr(end + 1), why);
  if (fault) {
    options.faults.emplace_back(*device, *fault);
  }
  return fault.has_value();
}

bool setRate(double& to, std::string_view text) {
  const auto number = parseSize(text);
  to = static_cast<double>(number.value_or(0));
  return number.has_value();
}

const std::map<std::string_view, Setter> kValued{
    {"--directory", [](Options& o, std::string_view v) { return !(o.directory = v).empty(); }},
    {"--node", [](Options& o, std::string_view v) { return !(o.node = v).empty(); }},
    {"--devices", [](Options& o, std::string_view v) { return setSize(o.devices, v, 1, kMaxDevices); }},
    {"--memory",
     [](Options& o, std::string_view v) { return setSize(o.device.memoryBytes, v, 4096, 1ull << 40); }},
    {"--seed", [](Options& o, std::string_view v) { return setSize(o.device.seed, v, 0, ~0ull); }},
    {"--window",
     [](Options& o, std::string_view v) { return setSize(o.device.windowBytes, v, 4096, 1ull << 30); }},
    {"--segment",
     [](Options& o, std::string_view v) { return setSize(o.device.segmentBytes, v, 4096, 1ull << 30); }},
    {"--dirty-rate", [](Options& o, std::string_view v) { return setRate(o.dirtyRate, v); }},
    {"--link-latency",
     [](Options& o, std::string_view v) {
       const auto time = parseDuration(v);
       o.fabric.latency = std::chrono::nanoseconds(time.value_or(0));
       return time.has_value();
     }},
    {"--link-rate",
     [](Options& o, std::string_view v) { return setRate(o.fabric.rate, v) && o.fabric.rate <= 1e6; }},
    {"--link-depth", [](Options& o, std::string_view v) { return setSize(o.fabric.depth, v, 1, 1u << 20); }},
    {"--topology",
     [](Options& o, std::string_view v) {
       return choose<Topology>(
           o.topology, v, {{"ring", Topology::kRing}, {"mesh", Topology::kMesh}, {"none", Topology::kNone}});
     }},
    {"--group", [](Options& o, std::string_view v) { return setSize(o.group, v, 1, kMaxDevices); }},
    {"--mmap",
     [](Options& o, std::string_view v) {
       return choose<MmapMode>(
           o.device.mmap, v,
           {{"full", MmapMode::kFull}, {"mixed", MmapMode::kMixed}, {"none", MmapMode::kNone}});
     }},
    {"--protocol",
     [](Options& o, std::string_view v) {
       return choose<Protocol>(o.device.protocol, v, {{"v1", Protocol::kV1}, {"v2", Protocol::kV2}});
     }},
    {"--checks",
     [](Options& o, std::string_view v) {
       return choose<Checks>(o.device.checks, v,
                             {{"early", Checks::kEarly}, {"arc", Checks::kArc}, {"none", Checks::kNone}});
     }},
    {"--precopy-end",
     [](Options& o, std::string_view v) {
       return choose<TemporaryEnd>(
           o.device.temporaryEnd, v,
           {{"enomsg", TemporaryEnd::kNoMessage}, {"zero", TemporaryEnd::kZeroBytes}});
     }},
    {"--precopy-info",
     [](Options& o, std::string_view v) {
       return choose<PrecopyReport>(
           o.device.precopyReport, v,
           {{"none", PrecopyReport::kNone}, {"v1", PrecopyReport::kV1}, {"v2", PrecopyReport::kV2}});
     }},
    {"--data-size",
     [](Options& o, std::string_view v) {
       return choose<bool>(o.device.dataSize, v, {{"on", true}, {"off", false}});
     }},
    {"--dma-logging",
     [](Options& o, std::string_view v) {
       return choose<bool>(o.device.dmaLogging, v, {{"on", true}, {"off", false}});
     }},
    {"--dma-rate", [](Options& o, std::string_view v) { return setRate(o.dmaRate, v); }},
    {"--no-ndma", [](Options& o, std::string_view v) { return setList(o.noNdma, v); }},
    {"--no-p2p", [](Options& o, std::string_view v) { return setList(o.noNdma, v); }},
    {"--no-precopy", [](Options& o, std::string_view v) { return setList(o.noPreCopy, v); }},
    {"--no-reset", [](Options& o, std::string_view v) { return setList(o.noReset, v); }},
    {"--vendor", [](Options& o, std::string_view v) { return setHex(o.device.ids.vendor, v, 0xFFFF); }},
    {"--device-id", [](Options& o, std::string_view v) { return setHex(o.device.ids.device, v, 0xFFFF); }},
    {"--revision", [](Options& o, std::string_view v) { return setHex(o.device.ids.revision, v, 0xFF); }},
    {"--traffic",
     [](Options& o, std::string_view v) {
       return choose<bool>(o.traffic, v, {{"on", true}, {"off", false}});
     }},
    {"--bus-master",
     [](Options& o, std::string_view v) {
       return choose<bool>(o.fabric.enforceBusMaster, v, {{"enforced", true}, {"ignored", false}});
     }},
    {"--max-transfer",
     [](Options& o, std::string_view v) { return setSize(o.maxTransfer, v, 8, 16u << 20); }},
    {"--fault", addFault},
};

const std::map<std::string_view, void (*)(Options&)> kSwitches{
    {"--sticky-bits", [](Options& o) { o.device.stickyBits = true; }},
    {"--keep-digests", [](Options& o) { o.device.keepDigests = true; }},
    {"--gullible", [](Options& o) { o.device.checks = Checks::kNone; }},
    {"--exit-with-parent", [](Options& o) { o.exitWithParent = true; }},
};

// What only shows when all options are known.
std::string contradiction(const Options& options) {
  if (options.directory.empty() || options.node.empty() || options.devices == 0) {
    return "--directory, --node and --devices are needed";
  }
  if (options.device.segmentBytes > options.device.windowBytes) {
    return "--segment must not be larger than --window";
  }
  if (options.device.segmentBytes < smallestSegment(options.devices)) {
    return "--segment is too small for " + std::to_string(options.devices) + " devices; give at least " +
           std::to_string(smallestSegment(options.devices));
  }
  const auto beyond = [&options](std::size_t index) {
    return index >= options.devices && index != kEveryDevice;
  };
  if (std::any_of(options.noNdma.begin(), options.noNdma.end(), beyond) ||
      std::any_of(options.noReset.begin(), options.noReset.end(), beyond) ||
      std::any_of(options.noPreCopy.begin(), options.noPreCopy.end(), beyond) ||
      std::any_of(options.faults.begin(), options.faults.end(),
                  [&beyond](const auto& fault) { return beyond(fault.first); })) {
    return "an option names a device that --devices does not give";
  }
  return {};
}

}  // namespace

std::optional<Options> parseOptions(const std::vector<std::string>& arguments, std::string& why) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    if (const auto plain = kSwitches.find(name); plain != kSwitches.end()) {
      plain->second(options);
      continue;
    }
    const auto valued = kValued.find(name);
    if (valued == kValued.end()) {
      why = "unknown option " + name;
      return std::nullopt;
    }
    if (++i == arguments.size()) {
      why = name + " needs a value";
      return std::nullopt;
    }
    if (!valued->second(options, arguments[i])) {
      why = "bad value '" + arguments[i] + "' for " + name;
      return std::nullopt;
    }
  }
  why = contradiction(options);
  return why.empty() ? std::optional(options) : std::nullopt;
}

const char* usage() noexcept {
  return "transship-emulator --directory DIR --node NAME --devices N [options]\n"
         "\n"
         "Serves DIR/<i>.sock (vfio-user, one per device) and DIR/control.sock.\n"
         "\n"
         "  --protocol v1|v2       migration region with NDMA, or device features (v1)\n"
         "  --memory SIZE          per device (256M)\n"
         "  --seed N               of the memories' contents (1)\n"
         "  --window SIZE          data section of the migration region (4M)\n"
         "  --segment SIZE         largest migration segment (1M)\n"
         "  --max-transfer SIZE    vfio-user max_data_xfer_size (1M)\n"
         "  --mmap full|mixed|none how much of the window can be mapped (full)\n"
         "  --dirty-rate SIZE      bytes per second and running device (0)\n"
         "  --topology mesh|ring|none, --group N   links, and devices per set (mesh, all)\n"
         "  --link-latency TIME --link-rate N --link-depth N   (2ms, 500 per second, 64)\n"
         "  --traffic on|off       whether the devices belong to a workload at start (on)\n"
         "  --bus-master enforced|ignored   whether DMA needs the PCI command bit (ignored)\n"
         "  --no-ndma LIST --no-p2p LIST --no-precopy LIST --no-reset LIST   devices without it; or all\n"
         "  --precopy-end enomsg|zero       v2: what a read gives in pre-copy with no data there (enomsg)\n"
         "  --precopy-info none|v1|v2       v2: estimates in pre-copy (v1)\n"
         "  --data-size on|off --dma-logging on|off   v2: these features (on, off)\n"
         "  --dma-rate SIZE        bytes per second and device in the workload's memory (0)\n"
         "  --vendor HEX --device-id HEX --revision HEX\n"
         "  --sticky-bits          reserved bits of device_state read as a pattern\n"
         "  --keep-digests         digests of every stop and load can be asked for afterwards\n"
         "  --checks early|arc|none   when a bad stream is noticed (early); --gullible is none\n"
         "  --fault DEVICE:KIND[:key=value,...]   repeatable\n"
         "  --exit-with-parent     end when stdin closes\n";
}

}  // namespace transship::emulator
