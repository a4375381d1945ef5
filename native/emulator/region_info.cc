#include "region_info.hh"

#include <cstring>

namespace transship::emulator {
namespace {

template <typename T>
void append(std::vector<std::byte>& bytes, const T& value) {
  const auto* const from = reinterpret_cast<const std::byte*>(&value);
  bytes.insert(bytes.end(), from, from + sizeof(T));
}

}  // namespace

void CapabilityChain::setNext(std::size_t header, std::uint32_t next) {
  std::memcpy(&bytes_[header + offsetof(vfio::InfoCapHeader, next)], &next, sizeof(next));
}

// Links the capability that is about to be appended to the one before it.
void CapabilityChain::begin(std::uint16_t id) {
  const std::size_t start = bytes_.size();
  append(bytes_, vfio::InfoCapHeader{id, 1, 0});
  if (start > 0) {
    setNext(last_, static_cast<std::uint32_t>(sizeof(vfio::RegionInfo) + start));
  }
  last_ = start;
}

void CapabilityChain::add(const vfio::RegionCapType& type) {
  begin(vfio::kRegionInfoCapType);
  append(bytes_, type.type);
  append(bytes_, type.subtype);
}

void CapabilityChain::addFlag(std::uint16_t id) { begin(id); }

void CapabilityChain::addSparseMmap(std::span<const vfio::SparseMmapArea> areas) {
  begin(vfio::kRegionInfoCapSparseMmap);
  append(bytes_, static_cast<std::uint32_t>(areas.size()));
  append(bytes_, std::uint32_t{0});
  for (const vfio::SparseMmapArea& area : areas) {
    append(bytes_, area);
  }
}

void CapabilityChain::endInsideLast() { bytes_.resize(last_ + sizeof(vfio::InfoCapHeader) / 2); }

void CapabilityChain::loop() { setNext(last_, sizeof(vfio::RegionInfo)); }

void CapabilityChain::pointOutside() { setNext(last_, 0x7FFFFFF0); }

}  // namespace transship::emulator
