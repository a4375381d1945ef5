#include "stream_load.hh"

#include <cstring>

#include "bytes.hh"
#include "common/mutant.hh"
#include "stream_save.hh"

namespace transship::emulator {

LoadStream::LoadStream(Memory& memory, Window& window, Identity self, bool gullible)
    : memory_(memory), window_(window), self_(self), gullible_(gullible), loaded_(memory.pages(), false) {}

Verdict LoadStream::take(std::uint64_t offset, std::uint64_t size) {
  ++taken_;
  SegmentHeader header{};
  if (size < sizeof(header)) {
    spoilt_ = true;
    return Verdict::kForeign;
  }
  std::memcpy(&header, window_.at(offset), sizeof(header));
  Verdict verdict = check(header, size);
  if (verdict == Verdict::kGood || gullible_) {
    Hasher hasher;
    const bool understood =
        apply(header, {window_.at(offset) + sizeof(header), size - sizeof(header)}, hasher);
    const Digest digest = segmentDigest(header, hasher.finish());
    if (verdict == Verdict::kGood &&
        (!understood || digest.high != header.high || digest.low != header.low)) {
      verdict = Verdict::kContents;
    }
    session_ = header.session;
    nextIndex_ = header.index + 1;
  }
  spoilt_ = spoilt_ || verdict != Verdict::kGood;
  return verdict;
}

Verdict LoadStream::check(const SegmentHeader& header, std::uint64_t size) const {
  if (header.magic != kSegmentMagic) {
    return Verdict::kForeign;
  }
  if (TRANSSHIP_MUTANT("D-26")) {
    return Verdict::kGood;
  }
  if (header.size != size) {
    return Verdict::kSize;
  }
  if (taken_ > 1 && header.session != session_) {
    return Verdict::kSession;
  }
  return header.index == nextIndex_ ? Verdict::kGood : Verdict::kOrder;
}

bool LoadStream::apply(const SegmentHeader& header, std::span<const std::byte> payload, Hasher& hasher) {
  attachment_.reset();  // whatever comes after a final segment makes it not final
  if (header.magic != kSegmentMagic) {
    return false;
  }
  if (header.kind == SegmentKind::kMemory) {
    return applyMemory(header, payload, hasher);
  }
  hasher.update(payload);
  ByteReader reader(payload);
  if (header.kind == SegmentKind::kIdentity) {
    const auto identity = reader.get<Identity>();
    if (!reader.ok() || identity.vendor != self_.vendor || identity.device != self_.device ||
        identity.revision != self_.revision || identity.memoryBytes != self_.memoryBytes) {
      return false;
    }
    identity_ = identity;
    return true;
  }
  if (header.kind == SegmentKind::kFinal) {
    registers_ = reader.get<FinalRegisters>();
    if (reader.ok()) {
      attachment_ = Attachment::decode(payload.subspan(sizeof(FinalRegisters)));
    }
    return attachment_.has_value();
  }
  return false;
}

bool LoadStream::applyMemory(const SegmentHeader& header, std::span<const std::byte> payload,
                             Hasher& hasher) {
  if (header.extents > payload.size() / sizeof(Extent)) {
    return false;
  }
  std::vector<Extent> extents(header.extents);
  const auto table = payload.first(extents.size() * sizeof(Extent));
  std::memcpy(extents.data(), table.data(), table.size());
  std::span<const std::byte> pages = payload.subspan(table.size());
  for (const Extent& extent : extents) {
    const std::size_t bytes = std::size_t{extent.count} * Memory::kPageSize;
    if (bytes > pages.size() || !memory_.store(extent, pages.data(), hasher)) {
      return false;
    }
    pages = pages.subspan(bytes);
    for (std::size_t page = extent.page; page < extent.page + std::size_t{extent.count}; ++page) {
      loadedCount_ += loaded_[page] ? 0 : 1;
      loaded_[page] = true;
    }
  }
  hasher.update(table);
  return pages.empty();
}

bool LoadStream::complete() const {
  return !spoilt_ && identity_.has_value() && attachment_.has_value() && loadedCount_ == loaded_.size();
}

}  // namespace transship::emulator
