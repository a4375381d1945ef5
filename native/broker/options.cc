#include "options.hh"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <limits>
#include <map>
#include <set>

namespace transship::broker {
namespace {

// Takes the value of one key of an option; false when it is none.
template <typename Spec>
using Setters = std::map<std::string_view, std::function<bool(Spec&, std::string_view)>>;

template <typename T>
bool setNumber(T& to, std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
    return false;
  }
  to = static_cast<T>(value);
  return true;
}

// The largest one means "unchanged" to chown(2).
bool setUid(uid_t& to, std::string_view text) {
  return setNumber(to, text, 0, std::numeric_limits<uid_t>::max() - 1);
}

bool setName(std::string& to, std::string_view text) {
  to = text;
  return validName(text);
}

bool setText(std::string& to, std::string_view text, std::size_t most) {
  to = text;
  return !text.empty() && text.size() <= most;
}

bool setInterface(vfio::Interface& to, std::string_view text) {
  const auto interface = vfio::interfaceOfName(text);
  to = interface.value_or(to);
  return interface.has_value();
}

const Setters<DeviceSpec> kDeviceKeys{
    {"name", [](DeviceSpec& d, std::string_view v) { return setName(d.name, v); }},
    {"address", [](DeviceSpec& d, std::string_view v) { return setText(d.address, v, kMaxAddress); }},
    {"workload", [](DeviceSpec& d, std::string_view v) { return setName(d.workload, v); }},
    {"interface", [](DeviceSpec& d, std::string_view v) { return setInterface(d.interface, v); }},
    {"process", [](DeviceSpec& d, std::string_view v) { return setNumber(d.process, v, 1, 1u << 30); }},
};

const Setters<WorkloadSpec> kWorkloadKeys{
    {"name", [](WorkloadSpec& w, std::string_view v) { return setName(w.name, v); }},
    {"path", [](WorkloadSpec& w, std::string_view v) { return setText(w.path, v, 107); }},
    {"uid", [](WorkloadSpec& w, std::string_view v) { return setUid(w.uid, v); }},
};

// key=value,key=value
template <typename Spec>
bool parseKeys(const Setters<Spec>& setters, Spec& spec, std::string_view text) {
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    const auto setter = setters.find(pair.substr(0, equals));
    if (equals == std::string_view::npos || setter == setters.end() ||
        !setter->second(spec, pair.substr(equals + 1))) {
      return false;
    }
  }
  return true;
}

bool addDevice(Options& options, std::string_view value) {
  DeviceSpec& device = options.devices.emplace_back();
  return parseKeys(kDeviceKeys, device, value) && !device.name.empty() && !device.address.empty();
}

bool addWorkload(Options& options, std::string_view value) {
  WorkloadSpec& workload = options.workloads.emplace_back();
  workload.uid = ::geteuid();
  return parseKeys(kWorkloadKeys, workload, value) && !workload.name.empty() && !workload.path.empty();
}

const std::map<std::string_view, bool (*)(Options&, std::string_view)> kOptions{
    {"--agent-socket", [](Options& o, std::string_view v) { return setText(o.agentSocket, v, 107); }},
    {"--agent-uid", [](Options& o, std::string_view v) { return setUid(o.agentUid, v); }},
    {"--device", addDevice},
    {"--workload-socket", addWorkload},
};

template <typename Items, typename Key>
bool repeated(const Items& items, Key key) {
  std::set<std::string> seen;
  return std::ranges::any_of(items, [&](const auto& item) { return !seen.insert(item.*key).second; });
}

// What only shows when all options are known.
std::string contradiction(const Options& options) {
  if (options.agentSocket.empty() || options.devices.empty()) {
    return "--agent-socket and at least one --device are needed";
  }
  if (options.devices.size() > kMaxDevices || options.workloads.size() > kMaxWorkloads) {
    return "at most " + std::to_string(kMaxDevices) + " devices and " + std::to_string(kMaxWorkloads) +
           " workloads";
  }
  if (repeated(options.devices, &DeviceSpec::name) || repeated(options.devices, &DeviceSpec::address) ||
      repeated(options.workloads, &WorkloadSpec::name) || repeated(options.workloads, &WorkloadSpec::path) ||
      std::ranges::find(options.workloads, options.agentSocket, &WorkloadSpec::path) !=
          options.workloads.end()) {
    return "a name, an address or a path is given twice";
  }
  for (const WorkloadSpec& workload : options.workloads) {
    if (std::ranges::find(options.devices, workload.name, &DeviceSpec::workload) == options.devices.end()) {
      return "the workload " + workload.name + " has no device";
    }
  }
  return {};
}

}  // namespace

bool validName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '/' || c == '-';
  });
}

std::optional<Options> parseOptions(const std::vector<std::string>& arguments, std::string& why) {
  Options options;
  options.agentUid = ::geteuid();
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const auto option = kOptions.find(arguments[i]);
    if (option == kOptions.end()) {
      why = "unknown option " + arguments[i];
      return std::nullopt;
    }
    if (i + 1 == arguments.size()) {
      why = arguments[i] + " needs a value";
      return std::nullopt;
    }
    if (!option->second(options, arguments[i + 1])) {
      why = "bad value '" + arguments[i + 1] + "' for " + arguments[i];
      return std::nullopt;
    }
  }
  why = contradiction(options);
  return why.empty() ? std::optional(options) : std::nullopt;
}

const char* usage() noexcept {
  return "transship-broker --agent-socket PATH --device name=NAME,address=ADDRESS[,...] ... [options]\n"
         "\n"
         "Opens VFIO devices, keeps them open, and hands out duplicates of their descriptors.\n"
         "\n"
         "  --agent-socket PATH    where the node agent asks\n"
         "  --agent-uid N          the only user who is served there (this process's)\n"
         "  --device KEYS          a device; may be repeated:\n"
         "      name=NAME          as the agent's devices file says it\n"
         "      address=ADDRESS    PCI address, mdev UUID or folder in /sys\n"
         "      workload=NAME      the workload that may have it; its devices share one address space\n"
         "      interface=auto|cdev|group\n"
         "      process=PID        take a duplicate from this process instead of opening the device\n"
         "  --workload-socket KEYS where a workload asks for its devices; may be repeated:\n"
         "      name=NAME,path=PATH[,uid=N]   uid: the only user who is served there (this process's)\n";
}

}  // namespace transship::broker
