// VFIO_DEVICE_FEATURE_DMA_LOGGING_*.
#include <cerrno>

#include "features_v2.hh"

namespace transship::emulator {
namespace {

// A report of more pages than this at once is refused: its bitmap would not fit into a message.
constexpr std::uint64_t kMostPages = 8u << 20;

}  // namespace

bool FeaturesV2::offers(std::uint32_t feature) const {
  switch (feature) {
    case vfio::kFeatureMigration:
    case vfio::kFeatureMigDeviceState:
      return true;
    case vfio::kFeatureMigDataSize:
      return core_.options().dataSize;
    case vfio::kFeatureMigPrecopyInfoV2:
      return core_.options().precopyReport == PrecopyReport::kV2;
    case vfio::kFeatureDmaLoggingStart:
    case vfio::kFeatureDmaLoggingStop:
    case vfio::kFeatureDmaLoggingReport:
      return core_.options().dmaLogging;
    default:
      return false;
  }
}

int FeaturesV2::startLog(std::uint64_t& pageSize, std::vector<DmaRange> ranges) {
  const int invalid = checkRanges(ranges, pageSize);
  Observation seen = core_.observe(kLogStart);
  seen.logging = core_.dma().logging();
  seen.wellFormed = invalid == 0;
  core_.monitor().judge(seen);
  const int error = seen.logging ? EINVAL : invalid;
  if (error == 0) {
    core_.dma().startLog(std::move(ranges));
    pageSize = DmaEngine::kPageSize;
  }
  core_.monitor().note(seen, error);
  return error;
}

int FeaturesV2::reportLog(DmaRange range, std::uint64_t pageSize, std::vector<std::byte>& bitmap) {
  const bool sane = pageSize >= DmaEngine::kPageSize && (pageSize & (pageSize - 1)) == 0 &&
                    range.length > 0 && range.length / pageSize <= kMostPages;
  Observation seen = core_.observe(kLogReport);
  seen.logging = core_.dma().logging();
  seen.wellFormed = sane && core_.dma().logged(range);
  core_.monitor().judge(seen);
  const int error = seen.logging && seen.wellFormed ? 0 : EINVAL;
  if (error == 0) {
    const std::uint64_t bits = (range.length + pageSize - 1) / pageSize;
    bitmap.assign((bits + 63) / 64 * 8, std::byte{0});
    core_.dma().report(range, pageSize, bitmap);
  }
  core_.monitor().note(seen, error);
  return error;
}

int FeaturesV2::stopLog() {
  Observation seen = core_.observe(kLogStop);
  seen.logging = core_.dma().logging();
  core_.monitor().judge(seen);
  const int error = core_.dma().stopLog() ? 0 : EINVAL;
  core_.monitor().note(seen, error);
  return error;
}

}  // namespace transship::emulator
