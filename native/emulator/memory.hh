#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "hash.hh"

namespace transship::emulator {

/// A run of neighbouring pages, as it stands in a migration segment.
struct Extent {
  std::uint32_t page;
  std::uint32_t count;
};

/// The device's own memory: seeded incompressible contents, dirty tracking per page, a digest.
///
/// Contents come into being at the first touch of a page (prefill() touches them ahead of time), so that
/// start and RESET cost no time whatever the size. All methods take the lock of this object, which is the
/// innermost but for those of monitor and faults.
class Memory {
 public:
  static constexpr std::size_t kPageSize = 4096;

  /// `bytes` is rounded up to whole pages. Throws std::system_error when the address space is not to be had.
  Memory(std::size_t bytes, std::uint64_t seed);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return pages_ * kPageSize; }
  [[nodiscard]] std::size_t pages() const noexcept { return pages_; }

  /// Whether the device may change its memory by itself; a frozen memory refuses scramble().
  void setActive(bool active);
  /// New contents from another seed; nothing is dirty.
  void reset(std::uint64_t seed);
  /// DMA into the memory. The range must lie inside and within one page.
  void write(std::size_t offset, std::span<const std::byte> bytes);
  /// The device's own work: overwrites `count` pages chosen by `seed`. Nothing happens in a frozen memory.
  void scramble(std::size_t count, std::uint64_t seed);

  void markAllDirty();
  [[nodiscard]] std::size_t dirtyPages() const;
  /// Takes up to `limit` dirty pages in address order, starting where the last call ended, and copies them to
  /// `to`, summing them into `hasher`; they are clean afterwards. Returns their runs (at most `maxExtents`).
  std::vector<Extent> takeDirty(std::size_t limit, std::size_t maxExtents, std::byte* to, Hasher& hasher);
  /// Copies the pages of `extent` from `from`, summing them into `hasher`. False when it lies outside.
  bool store(Extent extent, const std::byte* from, Hasher& hasher);

  [[nodiscard]] Digest digest();
  /// Brings up to `limit` pages into being ahead of their first use. False when all are there, or when a
  /// reset has made the first contents obsolete.
  bool prefill(std::size_t limit);

 private:
  void touch(std::size_t page);
  void markDirty(std::size_t page);
  [[nodiscard]] std::byte* at(std::size_t page) const noexcept { return bytes_ + page * kPageSize; }
  [[nodiscard]] std::size_t nextDirty(std::size_t from) const noexcept;

  mutable std::mutex mutex_;
  const std::size_t pages_;
  std::byte* bytes_ = nullptr;
  std::uint64_t seed_;
  bool active_ = true;
  bool wasReset_ = false;
  std::vector<bool> present_;
  std::vector<std::uint64_t> dirty_;
  std::size_t dirtyCount_ = 0;
  std::size_t dirtyCursor_ = 0;
  std::size_t prefillCursor_ = 0;
};

}  // namespace transship::emulator
