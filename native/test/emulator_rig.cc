#include "emulator_rig.hh"

#include <cstring>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace transship::emulator::test {

void User::lookAtRegions() {
  for (std::uint32_t index = 0; index < device_.info().num_regions; ++index) {
    RegionDescription region;
    if (device_.describeRegion(index, region) != 0 ||
        region.capabilities.size() < sizeof(vfio::RegionCapType)) {
      continue;
    }
    vfio::RegionCapType type{};
    std::memcpy(&type, region.capabilities.data(), sizeof(type));
    if (type.header.id == vfio::kRegionInfoCapType && type.type == vfio::kRegionTypeMigration &&
        type.subtype == vfio::kRegionSubtypeMigration) {
      region_ = index;
    }
  }
}

std::optional<Bytes> User::bytes(std::uint32_t region, std::uint64_t offset, std::uint32_t count) {
  const Device::Read read = device_.read(region, offset, count);
  error_ = read.error;
  if (read.error != 0) {
    return std::nullopt;
  }
  return Bytes(read.data.begin(), read.data.end());
}

std::optional<std::uint64_t> User::get(std::uint64_t offset, std::uint32_t width) {
  const auto read = bytes(region_, offset, width);
  std::uint64_t value = 0;
  if (!read || read->size() != width) {
    return std::nullopt;
  }
  std::memcpy(&value, read->data(), std::min<std::size_t>(width, sizeof(value)));
  return value;
}

int User::put(std::uint64_t offset, std::uint64_t value, std::uint32_t width) {
  return error_ = device_.write(region_, offset, std::as_bytes(std::span(&value, 1)).first(width));
}

std::uint32_t User::state() { return static_cast<std::uint32_t>(get(0, 4).value_or(0xF)) & vfio::kStateMask; }

int User::set(std::uint32_t nibble) {
  const auto old = static_cast<std::uint32_t>(get(0, 4).value_or(0));
  return put(0, (old & ~vfio::kStateMask) | nibble, 4);
}

int User::walk(std::initializer_list<std::uint32_t> nibbles) {
  for (const std::uint32_t nibble : nibbles) {
    if (const int error = set(nibble); error != 0) {
      return error;
    }
  }
  return 0;
}

std::optional<Bytes> User::segment(std::uint32_t piece) {
  const auto offset = place();
  const auto length = size();
  if (!offset || !length) {
    return std::nullopt;
  }
  Bytes all;
  while (all.size() < *length) {
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(piece, *length - all.size()));
    const auto part = bytes(region_, *offset + all.size(), count);
    if (!part) {
      return std::nullopt;
    }
    all.insert(all.end(), part->begin(), part->end());
  }
  return all;
}

std::vector<Bytes> User::segments(std::size_t limit) {
  std::vector<Bytes> all;
  while (pending() != 0 && all.size() < limit) {
    auto one = segment();
    if (!one) {
      break;
    }
    all.push_back(std::move(*one));
  }
  return all;
}

int User::load(const Bytes& segment) {
  const auto at = place();
  if (!at) {
    return error_;
  }
  if (const int error = device_.write(region_, *at, segment); error != 0) {
    return error;
  }
  return put(24, segment.size(), 8);
}

int User::load(const std::vector<Bytes>& segments) {
  for (const Bytes& segment : segments) {
    if (const int error = load(segment); error != 0) {
      return error;
    }
  }
  return 0;
}

Rig::Rig(std::size_t devices, std::vector<std::string> options) {
  std::vector<std::string> arguments{
      "--directory", "unused", "--node",    "test", "--devices", std::to_string(devices),
      "--memory",    "128K",   "--segment", "16K",  "--window",  "64K"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  std::string why;
  const auto parsed = parseOptions(arguments, why);
  if (!parsed) {
    throw std::invalid_argument(why);
  }
  node_ = std::make_unique<Node>(*parsed, [died = died_] { *died = true; });
  for (std::size_t index = 0; index < devices; ++index) {
    users_.emplace_back(*node_, index);
    users_.back().state();
  }
}

int Rig::all(std::initializer_list<std::uint32_t> nibbles) {
  for (const std::uint32_t nibble : nibbles) {
    for (User& user : users_) {
      if (const int error = user.set(nibble); error != 0) {
        return error;
      }
    }
  }
  return 0;
}

std::uint64_t Rig::sum(std::uint64_t LinkReport::*counter) {
  std::uint64_t total = 0;
  for (const LinkReport& link : links()) {
    total += link.*counter;
  }
  return total;
}

std::vector<std::string> Rig::items() const {
  std::vector<std::string> items;
  for (const Violation& one : node_->violations().list()) {
    items.push_back(one.item);
  }
  return items;
}

std::string Rig::violations() const {
  std::ostringstream text;
  for (const Violation& one : node_->violations().list()) {
    text << one.device << ": " << one.item << " " << one.what << "\n";
  }
  return text.str();
}

std::string Rig::fault(std::size_t device, const std::string& kind, const std::string& arguments) {
  std::string why;
  const auto parsed = parseFault(kind, arguments, why);
  if (parsed) {
    node_->device(device).faults().add(*parsed);
  }
  return why;
}

void sleepMs(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

bool eventually(const std::function<bool()>& done) {
  for (int i = 0; i < 2000; ++i) {
    if (done()) {
      return true;
    }
    sleepMs(1);
  }
  return false;
}

std::vector<std::vector<Bytes>> saveSet(Rig& rig) {
  rig->workload(0).freeze();
  if (rig.all({0x3, 0xB}) != 0) {
    throw std::runtime_error("the set does not quiesce");
  }
  std::vector<std::vector<Bytes>> streams;
  for (std::size_t index = 0; index < rig.size(); ++index) {
    if (rig[index].walk({0xA, 0x2}) != 0) {
      throw std::runtime_error("a device does not stop");
    }
    streams.push_back(rig[index].segments());
  }
  return streams;
}

}  // namespace transship::emulator::test
