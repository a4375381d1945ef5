#include "support/fake_v2_device.hh"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace transship::test {
namespace {

using vfio::MigState;

Error refusal(int errorNumber) {
  return {.code = ErrorCode::kAccessFailed, .message = "refused by the fake", .errorNumber = errorNumber};
}

enum class Group { kNone, kSaving, kResuming };

Group groupOf(std::uint32_t state) {
  switch (MigState{state}) {
    case MigState::kPreCopy:
    case MigState::kPreCopyP2p:
    case MigState::kStopCopy:
      return Group::kSaving;
    case MigState::kResuming:
      return Group::kResuming;
    default:
      return Group::kNone;
  }
}

bool preCopying(std::uint32_t state) {
  return MigState{state} == MigState::kPreCopy || MigState{state} == MigState::kPreCopyP2p;
}

class FakeStream final : public vfio::MigrationData {
 public:
  FakeStream(FakeV2Device& device, int number) : device_(device), streams_(device.streams), number_(number) {}
  FakeStream(const FakeStream&) = delete;
  FakeStream& operator=(const FakeStream&) = delete;
  ~FakeStream() override { ++streams_->closed; }

  Result<std::size_t> read(std::span<std::byte> into) override { return device_.readStream(number_, into); }
  Result<std::size_t> write(std::span<const std::byte> from) override {
    return device_.writeStream(number_, from);
  }
  Result<vfio::PrecopyInfo> precopyInfo() override { return device_.streamInfo(number_); }

 private:
  FakeV2Device& device_;
  std::shared_ptr<FakeV2Device::Streams> streams_;
  int number_;
};

template <typename T>
Status answer(std::span<std::byte> payload, const T& value) {
  if (payload.size() != sizeof(value)) {
    return refusal(EINVAL);
  }
  std::memcpy(payload.data(), &value, sizeof(value));
  return Done{};
}

}  // namespace

FakeV2Device::FakeV2Device(Options options)
    : state(static_cast<std::uint32_t>(options.initialState)),
      options_(std::move(options)),
      facts_{.resetSupported = options_.reset, .regions = vfio::kPciNumRegions} {}

std::optional<Error> FakeV2Device::note(const std::string& request) {
  trace.push_back(request);
  if (const auto errorNumber = fault ? fault(request) : std::nullopt) {
    return refusal(*errorNumber);
  }
  return std::nullopt;
}

Result<vfio::RegionFacts> FakeV2Device::region(std::uint32_t index) {
  return vfio::RegionFacts{.index = index, .size = 256, .readable = true, .writable = true};
}

Status FakeV2Device::read(std::uint32_t, std::uint64_t offset, std::span<std::byte> into) {
  std::ranges::fill(into, static_cast<std::byte>(offset + 1));
  return Done{};
}

Status FakeV2Device::write(std::uint32_t, std::uint64_t, std::span<const std::byte>) { return Done{}; }

Status FakeV2Device::reset() {
  if (auto refused = note("reset")) {
    return *refused;
  }
  current_ = 0;
  if (!ignoreReset) {
    state = static_cast<std::uint32_t>(MigState::kRunning);
  }
  return Done{};
}

Status FakeV2Device::feature(std::uint32_t flagsAndIndex, std::span<std::byte> payload) {
  std::array<char, 24> name{};
  std::snprintf(name.data(), name.size(), "feature 0x%x", flagsAndIndex);
  if (auto refused = note(name.data())) {
    return *refused;
  }
  switch (flagsAndIndex) {
    case vfio::kFeatureGet | vfio::kFeatureMigration:
      return options_.flags == 0 ? Status{refusal(ENOTTY)}
                                 : answer(payload, vfio::FeatureMigration{.flags = options_.flags});
    case vfio::kFeatureGet | vfio::kFeatureMigDataSize:
      return options_.dataSize
                 ? answer(payload, vfio::FeatureMigDataSize{.stop_copy_length = *options_.dataSize})
                 : Status{refusal(ENOTTY)};
    case vfio::kFeatureSet | vfio::kFeatureMigPrecopyInfoV2:
      return options_.reinitReports ? Status{Done{}} : Status{refusal(ENOTTY)};
    case vfio::kFeatureProbe | vfio::kFeatureSet | vfio::kFeatureDmaLoggingStart:
      return options_.dmaLogging ? Status{Done{}} : Status{refusal(ENOTTY)};
    default:
      return refusal(ENOTTY);
  }
}

Result<std::uint32_t> FakeV2Device::migrationState() {
  if (auto refused = note("get")) {
    return *refused;
  }
  return state;
}

Result<vfio::MigrationStateReply> FakeV2Device::setMigrationState(std::uint32_t wanted) {
  if (auto refused = note("set " + std::to_string(wanted))) {
    state = stateAfterFault.value_or(state);
    return *refused;
  }
  const Group before = current_ == 0 ? Group::kNone : groupOf(state);
  state = wanted;
  bool opens = groupOf(state) != Group::kNone && groupOf(state) != before;
  if (groupOf(state) == Group::kNone) {
    current_ = 0;
  }
  opens = streamLie.value_or(opens);
  if (!opens) {
    return vfio::MigrationStateReply{.state = stateLie.value_or(state)};
  }
  current_ = ++streams->opened;
  return vfio::MigrationStateReply{.state = stateLie.value_or(state),
                                   .data = std::make_unique<FakeStream>(*this, current_)};
}

Result<std::size_t> FakeV2Device::readStream(int stream, std::span<std::byte> into) {
  if (auto refused = note("read")) {
    return *refused;
  }
  if (stream != current_ || groupOf(state) != Group::kSaving) {
    return refusal(ENODEV);
  }
  auto& source = preCopying(state) || !preCopy.empty() ? preCopy : stopCopy;
  if (source.empty()) {
    return preCopying(state) && options_.enomsg ? Result<std::size_t>{refusal(ENOMSG)} : std::size_t{0};
  }
  Bytes& chunk = source.front();
  const std::size_t size = std::min(into.size(), chunk.size());
  std::memcpy(into.data(), chunk.data(), size);
  chunk.erase(chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(size));
  if (chunk.empty()) {
    source.pop_front();
  }
  return size;
}

Result<std::size_t> FakeV2Device::writeStream(int stream, std::span<const std::byte> from) {
  if (auto refused = note("write " + std::to_string(from.size()))) {
    return *refused;
  }
  if (stream != current_ || groupOf(state) != Group::kResuming) {
    return refusal(ENODEV);
  }
  const auto taken = from.first(std::min(from.size(), takesAtMost));
  loaded.insert(loaded.end(), taken.begin(), taken.end());
  return taken.size();
}

Result<vfio::PrecopyInfo> FakeV2Device::streamInfo(int stream) {
  if (auto refused = note("info")) {
    return *refused;
  }
  return stream == current_ && preCopying(state) ? Result<vfio::PrecopyInfo>{info} : refusal(EINVAL);
}

Result<std::uint64_t> FakeV2Device::startDmaLogging(std::span<const vfio::IovaRange>, std::uint64_t wish) {
  if (auto refused = note("log start")) {
    return *refused;
  }
  return pageSize == 0 ? wish : pageSize;
}

Status FakeV2Device::reportDmaLogging(vfio::IovaRange, std::uint64_t page, std::span<std::byte> bitmap) {
  if (auto refused = note("log report")) {
    return *refused;
  }
  reportedPageSizes.push_back(page);
  for (std::size_t i = 0; i < std::min(bitmap.size(), dirty.size()); ++i) {
    bitmap[i] |= dirty[i];
  }
  return Done{};
}

Status FakeV2Device::stopDmaLogging() {
  auto refused = note("log stop");
  return refused ? Status{*refused} : Status{Done{}};
}

}  // namespace transship::test
