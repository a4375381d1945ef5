#include "stream_save.hh"

#include <algorithm>
#include <cstring>

#include "random.hh"

namespace transship::emulator {
namespace {

// Runs of pages per segment at most: keeps the table small beside the data, and data starts at a fixed place.
constexpr std::size_t kMostExtents = 256;

std::size_t extentsFor(std::size_t segmentBytes) {
  return std::clamp<std::size_t>(segmentBytes / Memory::kPageSize, 1, kMostExtents);
}

}  // namespace

Digest segmentDigest(SegmentHeader header, const Digest& payload) noexcept {
  header.high = 0;
  header.low = 0;
  const Digest own = digestOf(std::as_bytes(std::span(&header, 1)));
  return {mix(own.high, payload.high), mix(own.low, payload.low)};
}

std::size_t smallestSegment(std::size_t devices) noexcept {
  constexpr std::size_t kPerPeer = 80;  // both records of a link, encoded, rounded up
  const std::size_t finalState = sizeof(SegmentHeader) + sizeof(FinalRegisters) + 128 + devices * kPerPeer;
  return std::max(sizeof(SegmentHeader) + 2 * sizeof(Extent) + Memory::kPageSize, finalState);
}

SaveStream::SaveStream(Memory& memory, Window& window, std::size_t segmentBytes, std::uint64_t session,
                       Identity identity, FinalState finalState)
    : memory_(memory),
      window_(window),
      segmentBytes_(segmentBytes),
      session_(session),
      identity_(identity),
      finalState_(std::move(finalState)),
      untold_(memory.pages()) {
  memory_.markAllDirty();
}

std::uint64_t SaveStream::pending(bool running) const {
  std::uint64_t bytes = memory_.dirtyPages() * Memory::kPageSize;
  if (index_ == 0) {
    bytes += sizeof(SegmentHeader) + sizeof(Identity);
  }
  if (!running && !finalTold_) {
    bytes += sizeof(SegmentHeader) + sizeof(FinalRegisters);
  }
  return bytes;
}

// The sweep is in address order and all pages are dirty when it begins, so it takes each page once before it
// comes to one again.
std::uint64_t SaveStream::initial() const noexcept {
  const std::uint64_t introduction = index_ == 0 ? sizeof(SegmentHeader) + sizeof(Identity) : 0;
  return introduction + untold_ * Memory::kPageSize;
}

void SaveStream::reinit(bool asInitial) {
  memory_.markAllDirty();
  untold_ = asInitial ? memory_.pages() : 0;
}

std::optional<SaveStream::Place> SaveStream::next(bool running) {
  if (index_ == 0) {
    return plain(SegmentKind::kIdentity, std::as_bytes(std::span(&identity_, 1)));
  }
  if (memory_.dirtyPages() > 0) {
    return memorySegment();
  }
  if (!running && !finalTold_) {
    finalTold_ = true;
    return plain(SegmentKind::kFinal, finalState_());
  }
  return std::nullopt;
}

SaveStream::Place SaveStream::seal(SegmentHeader header, std::uint64_t offset, std::size_t size,
                                   const Hasher& payload) {
  header.session = session_;
  header.index = index_++;
  header.size = size;
  const Digest digest = segmentDigest(header, payload.finish());
  header.high = digest.high;
  header.low = digest.low;
  std::memcpy(window_.at(offset), &header, sizeof(header));
  return {offset, size};
}

SaveStream::Place SaveStream::plain(SegmentKind kind, std::span<const std::byte> payload) {
  const std::uint64_t offset = window_.nextPlace(segmentBytes_);
  SegmentHeader header;
  header.kind = kind;
  Hasher hasher;
  hasher.copy(window_.at(offset) + sizeof(header), payload);
  return seal(header, offset, sizeof(header) + payload.size(), hasher);
}

SaveStream::Place SaveStream::memorySegment() {
  const std::uint64_t offset = window_.nextPlace(segmentBytes_);
  const std::size_t room = extentsFor(segmentBytes_);
  // The table is sized for the pages that can follow; when fewer runs turn up, the pages are where a table
  // of that size ends, and unused entries say zero pages.
  const std::size_t table = room * sizeof(Extent);
  const std::size_t pages = (segmentBytes_ - sizeof(SegmentHeader) - table) / Memory::kPageSize;
  std::byte* const start = window_.at(offset) + sizeof(SegmentHeader);
  Hasher hasher;
  std::vector<Extent> extents = memory_.takeDirty(pages, room, start + table, hasher);
  std::size_t taken = 0;
  for (const Extent& extent : extents) {
    taken += extent.count;
  }
  untold_ -= std::min(untold_, taken);
  extents.resize(room, Extent{0, 0});
  hasher.copy(start, std::as_bytes(std::span(extents)));
  SegmentHeader header;
  header.kind = SegmentKind::kMemory;
  header.extents = room;
  return seal(header, offset, sizeof(SegmentHeader) + table + taken * Memory::kPageSize, hasher);
}

}  // namespace transship::emulator
