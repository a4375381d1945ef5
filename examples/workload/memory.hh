#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "broker.hh"

/// Memory of the workload that its devices reach at a fixed I/O virtual address: the same on every node,
/// since the state of a device is full of such addresses.
class DmaMemory {
 public:
  /// Zeroed; not mapped for any device yet.
  DmaMemory(std::uint64_t iova, std::size_t size);
  DmaMemory(const DmaMemory&) = delete;
  DmaMemory& operator=(const DmaMemory&) = delete;
  ~DmaMemory();

  [[nodiscard]] std::uint64_t iova() const { return iova_; }
  [[nodiscard]] std::span<std::byte> bytes() const { return {base_, size_}; }

  /// Replaces what an earlier process may have left mapped there. Throws std::system_error.
  void map(const DeviceFiles& files) const;
  void unmap(const DeviceFiles& files) const noexcept;

 private:
  std::uint64_t iova_;
  std::size_t size_;
  std::byte* base_;
};
