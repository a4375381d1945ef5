#include "memory.hh"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "random.hh"

namespace transship::emulator {

Memory::Memory(std::size_t bytes, std::uint64_t seed)
    : pages_(std::max<std::size_t>(1, (bytes + kPageSize - 1) / kPageSize)),
      seed_(seed),
      present_(pages_, false),
      dirty_((pages_ + 63) / 64, 0) {
  void* const area =
      ::mmap(nullptr, size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (area == MAP_FAILED) {
    throw std::system_error(errno, std::generic_category(), "device memory");
  }
  ::madvise(area, size(), MADV_HUGEPAGE);  // fewer page faults; a refusal costs only time
  bytes_ = static_cast<std::byte*>(area);
}

Memory::~Memory() { ::munmap(bytes_, size()); }

void Memory::setActive(bool active) {
  const std::lock_guard lock(mutex_);
  active_ = active;
}

void Memory::reset(std::uint64_t seed) {
  const std::lock_guard lock(mutex_);
  seed_ = seed;
  wasReset_ = true;
  std::fill(present_.begin(), present_.end(), false);
  std::fill(dirty_.begin(), dirty_.end(), 0);
  dirtyCount_ = 0;
  dirtyCursor_ = 0;
}

void Memory::touch(std::size_t page) {
  if (!present_[page]) {
    fillRandom({at(page), kPageSize}, mix(seed_, page));
    present_[page] = true;
  }
}

void Memory::markDirty(std::size_t page) {
  const std::uint64_t bit = 1ull << (page % 64);
  if ((dirty_[page / 64] & bit) == 0) {
    dirty_[page / 64] |= bit;
    ++dirtyCount_;
  }
}

void Memory::write(std::size_t offset, std::span<const std::byte> bytes) {
  const std::lock_guard lock(mutex_);
  touch(offset / kPageSize);
  std::memcpy(bytes_ + offset, bytes.data(), bytes.size());
  markDirty(offset / kPageSize);
}

void Memory::scramble(std::size_t count, std::uint64_t seed) {
  constexpr std::size_t kBatch = 16;  // pages per hold of the lock, so that a saving thread is not kept out
  for (std::size_t done = 0; done < count;) {
    const std::lock_guard lock(mutex_);
    if (!active_) {
      return;
    }
    for (const std::size_t end = std::min(count, done + kBatch); done < end; ++done) {
      const std::uint64_t value = mix(seed, done);
      const std::size_t page = value % pages_;
      fillRandom({at(page), kPageSize}, value);
      present_[page] = true;
      markDirty(page);
    }
  }
}

void Memory::markAllDirty() {
  const std::lock_guard lock(mutex_);
  std::fill(dirty_.begin(), dirty_.end(), ~0ull);
  if (pages_ % 64 != 0) {
    dirty_.back() = (1ull << (pages_ % 64)) - 1;
  }
  dirtyCount_ = pages_;
  dirtyCursor_ = 0;
}

std::size_t Memory::dirtyPages() const {
  const std::lock_guard lock(mutex_);
  return dirtyCount_;
}

std::size_t Memory::nextDirty(std::size_t from) const noexcept {
  for (std::size_t word = from / 64; word < dirty_.size(); ++word) {
    std::uint64_t bits = dirty_[word];
    if (word == from / 64) {
      bits &= ~0ull << (from % 64);
    }
    if (bits != 0) {
      return word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
    }
  }
  return pages_;
}

std::vector<Extent> Memory::takeDirty(std::size_t limit, std::size_t maxExtents, std::byte* to,
                                      Hasher& hasher) {
  const std::lock_guard lock(mutex_);
  std::vector<Extent> extents;
  for (std::size_t taken = 0; taken < limit && dirtyCount_ > 0;) {
    std::size_t page = nextDirty(dirtyCursor_);
    if (page == pages_) {
      page = nextDirty(0);
    }
    const bool adjoins =
        !extents.empty() && extents.back().page + extents.back().count == static_cast<std::uint32_t>(page);
    if (!adjoins && extents.size() == maxExtents) {
      break;
    }
    if (adjoins) {
      ++extents.back().count;
    } else {
      extents.push_back({static_cast<std::uint32_t>(page), 1});
    }
    touch(page);
    hasher.copy(to + taken * kPageSize, {at(page), kPageSize});
    dirty_[page / 64] &= ~(1ull << (page % 64));
    --dirtyCount_;
    ++taken;
    dirtyCursor_ = page + 1 == pages_ ? 0 : page + 1;
  }
  return extents;
}

bool Memory::store(Extent extent, const std::byte* from, Hasher& hasher) {
  const std::lock_guard lock(mutex_);
  if (extent.page >= pages_ || extent.count > pages_ - extent.page) {
    return false;
  }
  hasher.copy(at(extent.page), {from, extent.count * kPageSize});
  std::fill_n(present_.begin() + extent.page, extent.count, true);
  return true;
}

Digest Memory::digest() {
  const std::lock_guard lock(mutex_);
  Hasher hasher;
  for (std::size_t page = 0; page < pages_; ++page) {
    touch(page);
    hasher.update({at(page), kPageSize});
  }
  return hasher.finish();
}

bool Memory::prefill(std::size_t limit) {
  const std::lock_guard lock(mutex_);
  if (wasReset_) {
    return false;
  }
  const std::size_t end = std::min(pages_, prefillCursor_ + limit);
  for (; prefillCursor_ < end; ++prefillCursor_) {
    touch(prefillCursor_);
  }
  return prefillCursor_ < pages_;
}

}  // namespace transship::emulator
