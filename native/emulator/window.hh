#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/unique_fd.hh"
#include "vfio/abi.hh"

namespace transship::emulator {

/// How much of the data section a client may map: all, its second half, nothing.
enum class MmapMode { kFull, kMixed, kNone };

/// The migration region's memory: one trapped page for the registers, then the data section. It lies in a
/// memfd whose offsets are the region's, so that a client can map what the sparse-mmap capability names.
class Window {
 public:
  static constexpr std::size_t kDataStart = 4096;

  /// `bytes` of data section, rounded up to whole pages. Throws std::system_error.
  Window(std::size_t bytes, MmapMode mode);
  ~Window();
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// Size of the whole region.
  [[nodiscard]] std::size_t regionSize() const noexcept { return size_; }
  [[nodiscard]] std::span<const vfio::SparseMmapArea> areas() const noexcept { return areas_; }
  /// The bytes at an offset of the region.
  [[nodiscard]] std::byte* at(std::uint64_t offset) const noexcept { return base_ + offset; }
  /// Whether [offset, offset + count) lies inside the data section (overflow-safe).
  [[nodiscard]] bool contains(std::uint64_t offset, std::uint64_t count) const noexcept;
  /// Where the next segment goes. It moves by three quarters of `segment` each time and starts on a page, so
  /// that a user has to look each time, and with kMixed some segments cross into the mappable part.
  [[nodiscard]] std::uint64_t nextPlace(std::size_t segment) noexcept;

 private:
  UniqueFd fd_;
  std::size_t size_;
  std::byte* base_ = nullptr;
  std::vector<vfio::SparseMmapArea> areas_;
  std::uint64_t cursor_ = kDataStart;
};

}  // namespace transship::emulator
