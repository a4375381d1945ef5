#include "emulator_rig_v2.hh"

#include <gtest/gtest.h>

namespace transship::emulator::test {
namespace {

std::vector<std::string> withProtocol(std::vector<std::string> options) {
  options.insert(options.begin(), {"--protocol", "v2"});
  return options;
}

}  // namespace

UserV2::UserV2(Node& node, std::size_t index) : device_(node.device(index)) { device_.userCame(); }

std::uint64_t UserV2::flags() {
  std::uint64_t flags = 0;
  error_ = device_.withFeatures([&](FeaturesV2& features) {
    flags = features.migrationFlags();
    return 0;
  });
  return flags;
}

MigState UserV2::state() {
  MigState state{};
  error_ = device_.withFeatures([&](FeaturesV2& features) {
    state = MigState{features.getState()};
    return 0;
  });
  return state;
}

int UserV2::setNumber(std::uint32_t number) {
  return error_ = device_.withFeatures([number](FeaturesV2& features) { return features.setState(number); });
}

int UserV2::walk(std::initializer_list<MigState> states) {
  for (const MigState to : states) {
    if (const int error = set(to); error != 0) {
      return error;
    }
  }
  return 0;
}

std::optional<Bytes> UserV2::read(std::uint32_t count) {
  std::optional<Bytes> data;
  error_ = device_.withFeatures([&](FeaturesV2& features) {
    const ReadResult read = features.readData(count);
    if (read.error == 0) {
      data.emplace(read.data.begin(), read.data.end());
    }
    return read.error;
  });
  return data;
}

Bytes UserV2::readAll(std::uint32_t piece) {
  Bytes all;
  for (auto data = read(piece); data && !data->empty(); data = read(piece)) {
    all.insert(all.end(), data->begin(), data->end());
  }
  return all;
}

int UserV2::write(std::span<const std::byte> data) {
  return error_ = device_.withFeatures([&](FeaturesV2& features) { return features.writeData(data); });
}

int UserV2::writeAll(const Bytes& data, std::size_t piece) {
  for (std::size_t at = 0; at < data.size(); at += piece) {
    if (const int error = write(std::span(data).subspan(at, std::min(piece, data.size() - at))); error != 0) {
      return error;
    }
  }
  return 0;
}

std::optional<PrecopyEstimate> UserV2::estimate(bool wellFormed) {
  PrecopyEstimate estimate;
  error_ =
      device_.withFeatures([&](FeaturesV2& features) { return features.precopyInfo(wellFormed, estimate); });
  return error_ == 0 ? std::optional(estimate) : std::nullopt;
}

std::uint64_t UserV2::dataSize() {
  std::uint64_t size = 0;
  error_ = device_.withFeatures([&](FeaturesV2& features) {
    size = features.dataSize();
    return 0;
  });
  return size;
}

RigV2::RigV2(std::size_t devices, std::vector<std::string> options)
    : rig_(devices, withProtocol(std::move(options))) {
  for (std::size_t index = 0; index < devices; ++index) {
    users_.emplace_back(*rig_, index);
    users_.back().flags();
    users_.back().state();
  }
}

int RigV2::all(std::initializer_list<MigState> states) {
  for (const MigState to : states) {
    for (UserV2& user : users_) {
      if (const int error = user.set(to); error != 0) {
        return error;
      }
    }
  }
  return 0;
}

void bring(UserV2& user, MigState state) {
  using enum MigState;
  ASSERT_EQ(user.reset(), 0);
  ASSERT_EQ(user.state(), kRunning);
  switch (state) {
    case kError:
      user.device().changeByItself({kNibbles[0], true});
      break;
    case kPreCopyP2p:
      ASSERT_EQ(user.walk({kRunningP2p, kPreCopyP2p}), 0);
      break;
    case kStop:
    case kStopCopy:
    case kResuming:
      user.set(kRunningP2p);  // a device without it goes straight on
      user.state();
      ASSERT_EQ(user.walk({kStop, state}), 0);
      break;
    default:
      ASSERT_EQ(user.set(state), 0);
      break;
  }
  ASSERT_EQ(user.state(), state);
}

}  // namespace transship::emulator::test
