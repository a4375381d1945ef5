#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <vector>

#include "common/unique_fd.hh"

namespace transship::emulator {

/// A range of I/O virtual addresses, bytes.
struct DmaRange {
  std::uint64_t iova;
  std::uint64_t length;
};

/// The device's DMA into its workload's memory, and the log of it.
///
/// Memory is what the user maps with VFIO_USER_DMA_MAP, reached through its descriptor: a user that cuts the
/// file short harms only itself. The device writes a word into pages that it chooses; while nothing is mapped
/// it behaves as if all ranges that are being logged were, and writes nowhere. It does so until it is
/// stopped: in v2 through the P2P states, in v1 until NDMA is set. Thread-safe with a leaf lock, since DMA
/// does not wait for the user's requests.
class DmaEngine {
 public:
  static constexpr std::uint64_t kPageSize = 4096;
  /// Ranges that one start may name: what fits into a page, as in the kernel.
  static constexpr std::size_t kMostRanges = 256;
  static constexpr std::size_t kMostMaps = 1024;

  /// Maps `range` of the user's memory, found in `fd` at `offset`. Returns an errno.
  int map(DmaRange range, UniqueFd fd, std::uint64_t offset);
  /// EINVAL unless exactly this range is mapped.
  int unmap(DmaRange range);
  void unmapAll();

  /// Whether the device may write. Returns when no write is in progress.
  void setActive(bool active);
  /// Writes into `count` pages chosen by `seed`, unless inactive.
  void write(std::size_t count, std::uint64_t seed);
  /// Pages written since the start.
  [[nodiscard]] std::uint64_t written() const;

  /// Starts the log; all pages count as clean. The ranges must be valid (see validRanges).
  void startLog(std::vector<DmaRange> ranges);
  /// False when no log was started.
  bool stopLog();
  [[nodiscard]] bool logging() const;
  /// Whether all of `range` is being logged.
  [[nodiscard]] bool logged(DmaRange range) const;
  /// Sets a bit for each unit of `pageSize` bytes of `range` that was written, and forgets these writes.
  void report(DmaRange range, std::uint64_t pageSize, std::span<std::byte> bitmap);

 private:
  struct Area {
    std::uint64_t length = 0;
    UniqueFd fd;
    std::uint64_t offset = 0;
  };

  [[nodiscard]] std::vector<DmaRange> targets() const;

  mutable std::mutex mutex_;
  std::map<std::uint64_t, Area> areas_;  // by IOVA
  bool active_ = true;
  bool logging_ = false;
  std::vector<DmaRange> ranges_;
  std::set<std::uint64_t> dirty_;  // page numbers
  std::uint64_t written_ = 0;
};

/// Why these ranges cannot be logged in units of `pageSize`: the errno that the kernel gives, or 0.
[[nodiscard]] int checkRanges(std::span<const DmaRange> ranges, std::uint64_t pageSize) noexcept;

}  // namespace transship::emulator
