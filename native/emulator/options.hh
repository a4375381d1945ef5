#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "device.hh"
#include "fabric.hh"

namespace transship::emulator {

/// Stands for all indexes in a list of them.
inline constexpr std::size_t kEveryDevice = ~std::size_t{0};

enum class Topology { kNone, kRing, kMesh };

/// Everything the command line says.
struct Options {
  std::string directory;
  std::string node;
  std::size_t devices = 0;
  DeviceOptions device;  // of every device; the lists below make exceptions
  // Indexes of devices without capability 6 (v2: P2P states), RESET, pre-copy states; or kEveryDevice.
  std::vector<std::size_t> noNdma, noReset, noPreCopy;
  FabricOptions fabric;
  Topology topology = Topology::kMesh;
  std::size_t group = 0;  // devices per set; 0 = all in one
  double dirtyRate = 0;   // bytes per second and running device, in its own memory
  double dmaRate = 0;     // the same in its workload's memory, as whole pages
  bool traffic = true;    // arm all devices at start
  std::size_t maxTransfer = 1u << 20;
  bool exitWithParent = false;
  std::vector<std::pair<std::size_t, Fault>> faults;
};

/// Parses the arguments (without the program's name). On failure nothing, and `why` says what to change.
[[nodiscard]] std::optional<Options> parseOptions(const std::vector<std::string>& arguments,
                                                  std::string& why);

/// The option summary that --help prints.
[[nodiscard]] const char* usage() noexcept;

}  // namespace transship::emulator
