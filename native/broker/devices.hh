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
  [[nodiscard]] std::string_view role() const { return agent() ? Holders::kAgent : Holders::kWorkload; }
};

/// What a workload may have mapped for a device.
enum class Memory : std::uint8_t {
  kNone,
  /// A workload has got the device since it was last reset.
  kUsed,
  /// Reset after the last workload that had it ended.
  kLeft,
  /// Being unmapped.
  kUnmapping,
};

/// One device of the broker. Used by the server's thread; the keeper has its own.
struct Device {
  DeviceSpec spec;
  std::unique_ptr<Keeper> keeper;
  Holders holders = {};
  /// False when there may be holders that are not listed.
  bool holdersKnown = true;
  Memory memory = Memory::kNone;
  /// Process that gave the device to this broker; 0 for none.
  pid_t giver = 0;
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
  /// All devices of a device's workload, which share its address space; none when it has no workload.
  [[nodiscard]] std::vector<Device*> sharing(const Device& device);

  /// Lets every keeper end, at most for so long; false when one is still waiting for its device then.
  bool stop(std::chrono::milliseconds patience);

 private:
  std::map<std::string, Device, std::less<>> devices_;
};

}  // namespace transship::broker
