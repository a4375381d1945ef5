#include "migration/region_window.hh"

#include <algorithm>
#include <cstring>

#include "common/crc32c.hh"
#include "common/mutant.hh"

namespace transship::migration {
namespace {

// Copied and summed in pieces that stay in the second level cache between the two.
constexpr std::size_t kCacheFriendly = 256 * 1024;

Error inData(Error error) {
  error.field = "data";
  return error;
}

}  // namespace

RegionWindow::RegionWindow(vfio::Device& device, const vfio::RegionFacts& region,
                           std::unique_ptr<vfio::RegionMapping> mapping)
    : device_(device), region_(region.index), size_(region.size), mapping_(std::move(mapping)) {}

std::vector<vfio::SparseMmapArea> RegionWindow::mappedAreas() const {
  return mapping_ ? mapping_->areas() : std::vector<vfio::SparseMmapArea>{};
}

bool RegionWindow::holds(std::uint64_t offset, std::uint64_t length) const noexcept {
  return offset >= sizeof(vfio::MigrationInfo) && offset <= size_ && length <= size_ - offset;
}

Status RegionWindow::read(std::uint64_t offset, std::span<std::byte> into, std::uint32_t& crc) {
  while (!into.empty()) {
    std::span<std::byte> piece;
    const auto memory =
        mapping_ ? mapping_->at(offset, std::min(into.size(), kCacheFriendly)) : std::span<std::byte>{};
    if (!memory.empty()) {
      piece = into.first(memory.size());
      std::memcpy(piece.data(), memory.data(), memory.size());
    } else {
      const std::size_t unmapped = mapping_ ? mapping_->gap(offset, into.size()) : into.size();
      piece = into.first(std::min(unmapped, device_.maxTransfer()));
      if (TRANSSHIP_MUTANT("V1-46") && mapping_ && !mapping_->areas().empty()) {
        std::memset(piece.data(), 0, piece.size());  // takes the mapping for the whole region
      } else if (Status read = device_.read(region_, offset, piece); !read) {
        return inData(std::move(read.error()));
      }
    }
    if (TRANSSHIP_MUTANT("V1-53")) {
      piece.front() &= std::byte{0x7F};  // takes the data for text
    }
    crc = crc32c(piece, crc);
    offset += piece.size();
    into = into.subspan(piece.size());
  }
  return Done{};
}

Status RegionWindow::write(std::uint64_t offset, std::span<const std::byte> from) {
  while (!from.empty()) {
    std::size_t length = 0;
    const auto memory = mapping_ ? mapping_->at(offset, from.size()) : std::span<std::byte>{};
    if (!memory.empty()) {
      length = memory.size();
      std::memcpy(memory.data(), from.data(), length);
    } else {
      const std::size_t unmapped = mapping_ ? mapping_->gap(offset, from.size()) : from.size();
      length = std::min(unmapped, device_.maxTransfer());
      if (Status written = device_.write(region_, offset, from.first(length)); !written) {
        return inData(std::move(written.error()));
      }
    }
    offset += length;
    from = from.subspan(length);
  }
  return Done{};
}

}  // namespace transship::migration
