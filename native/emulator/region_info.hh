#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vfio/abi.hh"

namespace transship::emulator {

/// A region as VFIO_USER_DEVICE_GET_REGION_INFO describes it: the fixed part and its capability chain.
struct RegionDescription {
  std::uint32_t flags = 0;
  std::uint64_t size = 0;
  std::vector<std::byte> capabilities;  // laid out from byte sizeof(vfio::RegionInfo) of the reply on
  int fd = -1;                          // what a client maps; -1 = nothing
};

/// Builds a capability chain. Offsets are those of the whole reply, as vfio.h wants them.
class CapabilityChain {
 public:
  void add(const vfio::RegionCapType& type);
  void addFlag(std::uint16_t id);  // a capability that is only a header
  void addSparseMmap(std::span<const vfio::SparseMmapArea> areas);
  [[nodiscard]] const std::vector<std::byte>& bytes() const noexcept { return bytes_; }

  // Malformed on purpose.
  void endInsideLast();
  void loop();
  void pointOutside();

 private:
  void begin(std::uint16_t id);
  void setNext(std::size_t header, std::uint32_t next);

  std::vector<std::byte> bytes_;
  std::size_t last_ = 0;  // where the last header starts in bytes_
};

}  // namespace transship::emulator
