#include "vfio/file_mapping.hh"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

namespace transship::vfio {
namespace {

class FileMapping final : public RegionMapping {
 public:
  explicit FileMapping(SystemCalls& system) : system_(system) {}
  FileMapping(const FileMapping&) = delete;
  FileMapping& operator=(const FileMapping&) = delete;
  ~FileMapping() override {
    for (const Mapped& mapped : mapped_) {
      system_.munmap(mapped.base, mapped.area.size);
    }
  }

  /// Areas come in ascending order.
  void add(SparseMmapArea area, int file, std::int64_t fileOffset) {
    mapped_.reserve(mapped_.size() + 1);
    void* const base = system_.mmap(area.size, PROT_READ | PROT_WRITE, file, fileOffset);
    if (base != MAP_FAILED) {
      mapped_.push_back({.area = area, .base = static_cast<std::byte*>(base)});
    }
  }

  [[nodiscard]] std::span<std::byte> at(std::uint64_t offset, std::size_t length) const override {
    for (const Mapped& mapped : mapped_) {
      if (offset >= mapped.area.offset && offset - mapped.area.offset < mapped.area.size) {
        const std::uint64_t inside = offset - mapped.area.offset;
        return {mapped.base + inside, std::min<std::size_t>(length, mapped.area.size - inside)};
      }
    }
    return {};
  }

  [[nodiscard]] std::size_t gap(std::uint64_t offset, std::size_t length) const override {
    for (const Mapped& mapped : mapped_) {
      if (mapped.area.offset > offset) {
        return std::min<std::size_t>(length, mapped.area.offset - offset);
      }
    }
    return length;
  }

  [[nodiscard]] std::vector<SparseMmapArea> areas() const override {
    std::vector<SparseMmapArea> areas;
    std::ranges::transform(mapped_, std::back_inserter(areas), &Mapped::area);
    return areas;
  }

 private:
  struct Mapped {
    SparseMmapArea area;
    std::byte* base;
  };

  SystemCalls& system_;
  std::vector<Mapped> mapped_;
};

// `limit`: bytes of the file.
std::unique_ptr<RegionMapping> mapAreas(SystemCalls& system, const RegionFacts& region, int file,
                                        std::uint64_t limit) {
  auto mapping = std::make_unique<FileMapping>(system);
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  for (const SparseMmapArea& area : region.mmapAreas) {
    const std::uint64_t start = region.fileOffset + area.offset;  // both below 2^53
    const bool aligned = start % page == 0;
    if (aligned && start <= limit && area.size <= limit - start) {
      mapping->add(area, file, static_cast<std::int64_t>(start));
    }
  }
  return mapping;
}

}  // namespace

std::unique_ptr<RegionMapping> mapFile(SystemCalls& system, const RegionFacts& region, int file) {
  const std::int64_t size = file < 0 ? -1 : system.fileSize(file);
  return mapAreas(system, region, file, size < 0 ? 0 : static_cast<std::uint64_t>(size));
}

std::unique_ptr<RegionMapping> mapDevice(SystemCalls& system, const RegionFacts& region, int device) {
  return mapAreas(system, region, device, std::numeric_limits<std::int64_t>::max());
}

}  // namespace transship::vfio
