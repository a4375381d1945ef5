#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "holders.hh"
#include "keeper.hh"
#include "options.hh"
#include "socket.hh"

namespace transship::broker {

/// Who asks: the agent, or a workload by its name.
struct Asker {
  /// Empty for the agent.
  std::string workload = {};
  Peer peer = {};

  [[nodiscard]] bool agent() const { return workload.empty(); }
  [[nodiscard]] const char* role() const { return agent() ? "agent" : "workload"; }
};

/// One device of the broker. Used by the server's thread; the keeper has its own.
struct Device {
  DeviceSpec spec;
  std::unique_ptr<Keeper> keeper;
  Holders holders = {};
  /// The opening that the holders are of.
  Incarnation held = {};
  /// How it was last open.
  vfio::Interface interface = vfio::Interface::kAuto;
};

/// All devices of a broker, by name.
class Devices {
 public:
  void add(DeviceSpec spec, std::unique_ptr<Keeper> keeper);

  /// Null when there is none of this name that the asker may know of.
  [[nodiscard]] Device* find(std::string_view name, const Asker& asker);
  [[nodiscard]] std::vector<Device*> visible(const Asker& asker);

  /// Lets every keeper end, at most for so long; false when one is still waiting for its device then.
  bool stop(std::chrono::milliseconds patience);

 private:
  std::map<std::string, Device, std::less<>> devices_;
};

}  // namespace transship::broker
