#include "migration/dma_log.hh"

#include <bit>
#include <cerrno>
#include <limits>
#include <string>

#include "common/mutant.hh"

namespace transship::migration {
namespace {

constexpr const char* kField = "dma_logging";
// The kernel takes as many ranges as fit a page: PAGE_SIZE / sizeof(range).
constexpr std::size_t kMaxRanges = 4096 / sizeof(vfio::IovaRange);
// Of one report: 2 TiB in pages of 4 KiB. Larger memory is asked for in parts.
constexpr std::uint64_t kMaxBitmapBytes = 64ull * 1024 * 1024;
constexpr std::uint64_t kPagesPerWord = 64;

Error invalid(const char* message) {
  return {.code = ErrorCode::kInvalidArgument, .message = message, .field = kField};
}

bool possible(vfio::IovaRange range) {
  return range.length > 0 && range.iova <= std::numeric_limits<std::uint64_t>::max() - (range.length - 1);
}

}  // namespace

DmaLog::~DmaLog() { [[maybe_unused]] const Status ended = stop(); }

Result<bool> DmaLog::offered(vfio::Device& device) {
  Status has = device.feature(vfio::kFeatureProbe | vfio::kFeatureSet | vfio::kFeatureDmaLoggingStart, {});
  if (!has && has.error().code != ErrorCode::kAccessFailed) {
    return std::move(has.error());
  }
  return static_cast<bool>(has);
}

Result<std::uint64_t> DmaLog::start(std::span<const vfio::IovaRange> ranges, std::uint64_t pageSize) {
  if (pageSize_ != 0 && !TRANSSHIP_MUTANT("V2-31")) {
    return invalid("the log of written pages runs already; stop it first");
  }
  if (ranges.empty() || ranges.size() > kMaxRanges) {
    return invalid("a log of written pages has 1 to 256 ranges");
  }
  for (const auto& range : ranges) {
    if (!possible(range)) {
      return invalid("a range is empty or does not fit the address space");
    }
  }
  if (!std::has_single_bit(pageSize)) {
    return invalid("a page size is a power of two");
  }
  auto used = device_.startDmaLogging(ranges, pageSize);
  if (!used && used.error().code == ErrorCode::kAccessFailed && used.error().errorNumber != ENOTTY) {
    // A log belongs to the open device, which outlives an agent that was killed: it may be that one's log
    // that is in the way.
    if (Status stopped = device_.stopDmaLogging(); stopped) {
      used = device_.startDmaLogging(ranges, pageSize);
    }
  }
  if (!used) {
    used.error().field = kField;
    return used;
  }
  pageSize_ = TRANSSHIP_MUTANT("V2-31") ? pageSize : *used;
  corrupt_ = false;
  if (!std::has_single_bit(*used)) {
    [[maybe_unused]] const Status ended = stop();
    return Error{.code = ErrorCode::kDriverViolation,
                 .message = "the device logs pages of " + std::to_string(*used) + " bytes, which cannot be",
                 .field = kField};
  }
  return pageSize_;
}

Result<std::vector<std::byte>> DmaLog::report(vfio::IovaRange range) {
  if (pageSize_ == 0) {
    return invalid("no log of written pages runs; start one first");
  }
  if (corrupt_) {
    return Error{.code = ErrorCode::kSessionFailed,
                 .message =
                     "the log of written pages is corrupt since an earlier report failed: take all "
                     "memory for written, stop the log and start another",
                 .field = kField};
  }
  if (!possible(range) || range.iova % pageSize_ != 0 || range.length % pageSize_ != 0) {
    return invalid("a range to report starts and ends at a page");
  }
  const std::uint64_t pages = range.length / pageSize_;
  const std::uint64_t bytes = (pages + kPagesPerWord - 1) / kPagesPerWord * sizeof(std::uint64_t);
  if (bytes > kMaxBitmapBytes) {
    return invalid("the range is too large for one report; ask for it in parts");
  }
  // A report only sets bits, so every one starts from zero (V2-32).
  std::vector<std::byte> bitmap(static_cast<std::size_t>(bytes),
                                TRANSSHIP_MUTANT("V2-32") ? std::byte{1} : std::byte{0});
  if (Status reported = device_.reportDmaLogging(range, pageSize_, bitmap); !reported) {
    if (TRANSSHIP_MUTANT("V2-33")) {
      return bitmap;  // takes what it got for the truth
    }
    corrupt_ = true;
    reported.error().field = kField;
    return std::move(reported.error());
  }
  return bitmap;
}

Status DmaLog::stop() {
  if (pageSize_ == 0) {
    return Done{};
  }
  pageSize_ = 0;
  Status stopped = device_.stopDmaLogging();
  if (!stopped) {
    stopped.error().field = kField;
  }
  return stopped;
}

}  // namespace transship::migration
