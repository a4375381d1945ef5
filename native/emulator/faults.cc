#include "faults.hh"

#include <array>
#include <utility>

#include "parse.hh"

namespace transship::emulator {
namespace {

constexpr std::array<std::pair<std::string_view, FaultKind>, 25> kKinds{{
    {"refuse-arc", FaultKind::kRefuseArc},
    {"error-on-arc", FaultKind::kErrorOnArc},
    {"stall-arc", FaultKind::kStallArc},
    {"wrong-state", FaultKind::kWrongState},
    {"async-state", FaultKind::kAsyncState},
    {"delay", FaultKind::kDelay},
    {"pri", FaultKind::kPri},
    {"corrupt-stream", FaultKind::kCorruptStream},
    {"truncate-stream", FaultKind::kTruncateStream},
    {"zero-size", FaultKind::kZeroSize},
    {"lie", FaultKind::kLie},
    {"read-fault", FaultKind::kReadFault},
    {"write-fault", FaultKind::kWriteFault},
    {"short-read", FaultKind::kShortRead},
    {"ignore-reset", FaultKind::kIgnoreReset},
    {"fail-reset", FaultKind::kFailReset},
    {"die", FaultKind::kDie},
    {"short-caps", FaultKind::kShortCaps},
    {"cap-loop", FaultKind::kCapLoop},
    {"cap-oob", FaultKind::kCapOob},
    {"bad-version", FaultKind::kBadVersion},
    {"unplugged", FaultKind::kUnplugged},
    {"foreign-stream", FaultKind::kForeignStream},
    {"reinit", FaultKind::kReinit},
    {"feature-fault", FaultKind::kFeatureFault},
}};

constexpr std::array<std::pair<std::string_view, Register>, 5> kRegisters{{
    {"device_state", Register::kDeviceState},
    {"pending_bytes", Register::kPendingBytes},
    {"data_offset", Register::kDataOffset},
    {"data_size", Register::kDataSize},
    {"data", Register::kData},
}};

// The names of control replies, with the nibbles that they stand for.
constexpr std::array<std::pair<std::string_view, std::uint32_t>, 8> kStates{{
    {"Error", kNibbles[0]},
    {"Stop", kNibbles[1]},
    {"Running", kNibbles[2]},
    {"StopCopy", kNibbles[3]},
    {"Resuming", kNibbles[4]},
    {"RunningP2P", kNibbles[5]},
    {"PreCopy", kNibbles[6]},
    {"PreCopyP2P", kNibbles[7]},
}};

constexpr std::array<std::pair<std::string_view, StreamField>, 2> kFields{{
    {"magic", StreamField::kMagic},
    {"memory", StreamField::kMemory},
}};

template <typename Table>
auto lookUp(const Table& table, std::string_view name) -> std::optional<decltype(table[0].second)> {
  for (const auto& [known, value] : table) {
    if (known == name) {
      return value;
    }
  }
  return std::nullopt;
}

std::optional<StateArgument> parseState(std::string_view text) {
  if (const auto named = lookUp(kStates, text)) {
    return StateArgument{*named, true};
  }
  const auto number = parseNumber(text);
  return number && *number <= 0xF ? std::optional(StateArgument{static_cast<std::uint32_t>(*number), false})
                                  : std::nullopt;
}

// Sets the one argument; false when key or value is none.
bool setArgument(Fault& fault, std::string_view key, std::string_view value) {
  if (key == "register") {
    fault.reg = lookUp(kRegisters, value);
    return fault.reg.has_value();
  }
  if (key == "errno") {
    const auto error = parseErrno(value);
    fault.error = error.value_or(EIO);
    return error.has_value();
  }
  if (key == "on") {
    fault.onArc = value == "arc";
    return value == "arc" || value == "segment";
  }
  if (key == "to" || key == "state") {
    auto& state = key == "to" ? fault.to : fault.state;
    state = parseState(value);
    return state.has_value();
  }
  if (key == "field") {
    const auto field = lookUp(kFields, value);
    fault.field = field.value_or(StreamField::kMagic);
    return field.has_value();
  }
  const auto number = parseNumber(value);
  if (!number) {
    return false;
  }
  if (key == "feature") {
    fault.feature = static_cast<std::uint32_t>(*number);
    return *number <= 0xFFFF;
  }
  if (key == "ms") {
    fault.ms = *number;
    return *number <= 3'600'000;
  }
  if (key == "segment") {
    fault.segment = *number;
  } else if (key == "count") {
    fault.count = *number;
    return *number > 0;
  } else if (key == "data_offset") {
    fault.dataOffset = *number;
  } else if (key == "data_size") {
    fault.dataSize = *number;
  } else if (key == "reserved") {
    fault.reserved = *number;
  } else {
    return false;
  }
  return true;
}

// What a kind cannot do without.
const char* missing(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::kAsyncState:
      return fault.to ? nullptr : "async-state needs to=STATE";
    case FaultKind::kWrongState:
      return fault.state ? nullptr : "wrong-state needs state=STATE";
    case FaultKind::kTruncateStream:
      return fault.segment ? nullptr : "truncate-stream needs segment=N";
    case FaultKind::kReadFault:
    case FaultKind::kWriteFault:
      return fault.reg ? nullptr : "read-fault and write-fault need register=NAME";
    case FaultKind::kLie:
      return fault.dataOffset || fault.dataSize || fault.reserved
                 ? nullptr
                 : "lie needs data_offset=N, data_size=N or reserved=N";
    default:
      return nullptr;
  }
}

}  // namespace

std::optional<Fault> parseFault(std::string_view kind, std::string_view arguments, std::string& why) {
  const auto known = lookUp(kKinds, kind);
  if (!known) {
    why = "unknown fault kind '" + std::string(kind) + "'";
    return std::nullopt;
  }
  Fault fault;
  fault.kind = *known;
  if (fault.kind == FaultKind::kCorruptStream || fault.kind == FaultKind::kForeignStream ||
      fault.kind == FaultKind::kReinit) {
    fault.count = 1;  // once is enough, and a second SAVING session is clean again
  }
  for (const std::string_view piece : split(arguments, ", ")) {
    const auto [key, value] = keyValue(piece);
    if (!setArgument(fault, key, value)) {
      why = "bad fault argument '" + std::string(piece) + "'";
      return std::nullopt;
    }
  }
  if (const char* const lacking = missing(fault)) {
    why = lacking;
    return std::nullopt;
  }
  return fault;
}

void FaultSet::add(const Fault& fault) {
  const std::lock_guard lock(mutex_);
  faults_.push_back(fault);
  any_ = true;
  ++version_;
}

void FaultSet::clear() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
  any_ = false;
  ++clears_;
  ++version_;
}

bool FaultSet::has(FaultKind kind) const {
  if (!any_.load(std::memory_order_relaxed)) {
    return false;
  }
  const std::lock_guard lock(mutex_);
  for (const Fault& fault : faults_) {
    if (fault.kind == kind) {
      return true;
    }
  }
  return false;
}

Fault FaultSet::use(std::size_t position) {
  ++used_;
  const Fault fault = faults_[position];
  if (fault.count) {
    if (*fault.count > 1) {
      --*faults_[position].count;
    } else {
      faults_.erase(faults_.begin() + static_cast<std::ptrdiff_t>(position));
      any_ = !faults_.empty();
    }
  }
  return fault;
}

}  // namespace transship::emulator
