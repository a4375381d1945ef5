#include "dma_engine.hh"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "random.hh"

namespace transship::emulator {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

bool overflows(const DmaRange& range) { return range.length > kMost - range.iova; }

bool holds(const DmaRange& outer, const DmaRange& inner) {
  return inner.iova >= outer.iova && inner.iova + inner.length <= outer.iova + outer.length;
}

}  // namespace

int checkRanges(std::span<const DmaRange> ranges, std::uint64_t pageSize) noexcept {
  if (ranges.empty()) {
    return EINVAL;
  }
  if (ranges.size() > DmaEngine::kMostRanges) {
    return E2BIG;
  }
  if (pageSize == 0 || (pageSize & (pageSize - 1)) != 0) {
    return EINVAL;
  }
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const DmaRange& one = ranges[i];
    if (one.length == 0 || one.iova % pageSize != 0 || one.length % pageSize != 0) {
      return EINVAL;
    }
    if (overflows(one)) {
      return EOVERFLOW;
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (one.iova < ranges[j].iova + ranges[j].length && ranges[j].iova < one.iova + one.length) {
        return EINVAL;
      }
    }
  }
  return 0;
}

int DmaEngine::map(DmaRange range, UniqueFd fd, std::uint64_t offset) {
  struct stat file {};
  const bool aligned = range.iova % kPageSize == 0 && range.length % kPageSize == 0;
  if (range.length == 0 || !aligned || overflows(range) || ::fstat(fd.get(), &file) != 0) {
    return EINVAL;
  }
  if (!S_ISREG(file.st_mode)) {
    return 0;  // no memory: another device's registers, for one
  }
  const auto size = static_cast<std::uint64_t>(file.st_size);
  if (offset > size || range.length > size - offset) {
    return EINVAL;
  }
  const std::lock_guard lock(mutex_);
  const auto next = areas_.lower_bound(range.iova);
  const bool meetsNext = next != areas_.end() && next->first < range.iova + range.length;
  const bool meetsBefore =
      next != areas_.begin() && std::prev(next)->first + std::prev(next)->second.length > range.iova;
  if (meetsNext || meetsBefore) {
    return EEXIST;
  }
  if (areas_.size() >= kMostMaps) {
    return ENOSPC;
  }
  areas_.emplace(range.iova, Area{range.length, std::move(fd), offset});
  return 0;
}

int DmaEngine::unmap(DmaRange range) {
  const std::lock_guard lock(mutex_);
  const auto found = areas_.find(range.iova);
  if (found == areas_.end() || found->second.length != range.length) {
    return EINVAL;
  }
  areas_.erase(found);
  return 0;
}

void DmaEngine::unmapAll() {
  const std::lock_guard lock(mutex_);
  areas_.clear();
}

void DmaEngine::setActive(bool active) {
  const std::lock_guard lock(mutex_);
  active_ = active;
}

std::vector<DmaRange> DmaEngine::targets() const {
  if (areas_.empty()) {
    return ranges_;
  }
  std::vector<DmaRange> targets;
  for (const auto& [iova, area] : areas_) {
    targets.push_back({iova, area.length});
  }
  return targets;
}

void DmaEngine::write(std::size_t count, std::uint64_t seed) {
  const std::lock_guard lock(mutex_);
  const std::vector<DmaRange> targets = this->targets();
  if (!active_ || targets.empty()) {
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t value = mix(seed, i);
    const DmaRange& target = targets[value % targets.size()];
    const std::uint64_t page = mix(value) % (target.length / kPageSize);
    const std::uint64_t iova = target.iova + page * kPageSize;
    if (const auto area = areas_.find(target.iova); area != areas_.end()) {
      const auto at = static_cast<off_t>(area->second.offset + page * kPageSize);
      static_cast<void>(!::pwrite(area->second.fd.get(), &value, sizeof(value), at));
    }
    ++written_;
    const DmaRange whole{iova, kPageSize};
    const bool wanted = std::any_of(ranges_.begin(), ranges_.end(),
                                    [&whole](const DmaRange& range) { return holds(range, whole); });
    if (logging_ && wanted) {
      dirty_.insert(iova / kPageSize);
    }
  }
}

std::uint64_t DmaEngine::written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

void DmaEngine::startLog(std::vector<DmaRange> ranges) {
  const std::lock_guard lock(mutex_);
  ranges_ = std::move(ranges);
  dirty_.clear();
  logging_ = true;
}

bool DmaEngine::stopLog() {
  const std::lock_guard lock(mutex_);
  const bool was = logging_;
  logging_ = false;
  ranges_.clear();
  dirty_.clear();
  return was;
}

bool DmaEngine::logging() const {
  const std::lock_guard lock(mutex_);
  return logging_;
}

bool DmaEngine::logged(DmaRange range) const {
  const std::lock_guard lock(mutex_);
  return !overflows(range) && std::any_of(ranges_.begin(), ranges_.end(),
                                          [&range](const DmaRange& one) { return holds(one, range); });
}

void DmaEngine::report(DmaRange range, std::uint64_t pageSize, std::span<std::byte> bitmap) {
  const std::lock_guard lock(mutex_);
  auto page = dirty_.lower_bound(range.iova / kPageSize);
  while (page != dirty_.end() && *page * kPageSize < range.iova + range.length) {
    const std::uint64_t bit = (*page * kPageSize - range.iova) / pageSize;
    bitmap[bit / 8] |= static_cast<std::byte>(1u << (bit % 8));
    page = dirty_.erase(page);
  }
}

}  // namespace transship::emulator
