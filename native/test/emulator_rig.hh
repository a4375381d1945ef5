// What the emulator's tests share: a node in process, and a user that follows the specification.
#pragma once

#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node.hh"

namespace transship::emulator::test {

using Bytes = std::vector<std::byte>;

/// Drives one device through Device's own interface, without sockets. Errors are returned as errno.
class User {
 public:
  User(Node& node, std::size_t index) : node_(node), device_(node.device(index)), index_(index) {
    device_.userCame();
    lookAtRegions();
  }

  [[nodiscard]] Device& device() const { return device_; }
  [[nodiscard]] std::size_t index() const { return index_; }
  [[nodiscard]] std::uint32_t migrationRegion() const { return region_; }

  /// Reads `width` bytes of the migration region; nothing on an error (see error()).
  std::optional<std::uint64_t> get(std::uint64_t offset, std::uint32_t width);
  int put(std::uint64_t offset, std::uint64_t value, std::uint32_t width);
  std::optional<Bytes> bytes(std::uint32_t region, std::uint64_t offset, std::uint32_t count);
  [[nodiscard]] int error() const { return error_; }

  /// device_state, masked.
  std::uint32_t state();
  /// Read-modify-write of device_state.
  int set(std::uint32_t nibble);
  /// All of them, first error ends it.
  int walk(std::initializer_list<std::uint32_t> nibbles);
  std::uint64_t pending() { return get(8, 8).value_or(0); }
  std::optional<std::uint64_t> place() { return get(16, 8); }
  std::optional<std::uint64_t> size() { return get(24, 8); }

  /// One segment, collected in pieces of `piece` bytes.
  std::optional<Bytes> segment(std::uint32_t piece = 1u << 20);
  /// Every segment until pending_bytes is zero, at most `limit`.
  std::vector<Bytes> segments(std::size_t limit = 100000);
  int load(const Bytes& segment);
  int load(const std::vector<Bytes>& segments);
  int reset() { return device_.reset(); }

 private:
  void lookAtRegions();

  Node& node_;
  Device& device_;
  std::size_t index_;
  std::uint32_t region_ = 0;
  int error_ = 0;
};

/// A node with small devices, and a user for each.
class Rig {
 public:
  /// Options as on the command line, added to (and winning over) small defaults.
  explicit Rig(std::size_t devices, std::vector<std::string> options = {});

  Node& operator*() { return *node_; }
  Node* operator->() { return node_.get(); }
  User& operator[](std::size_t index) { return users_[index]; }
  [[nodiscard]] std::size_t size() const { return users_.size(); }
  [[nodiscard]] bool died() const { return *died_; }
  /// Sets all devices, one after the other; 0 when every write succeeded.
  int all(std::initializer_list<std::uint32_t> nibbles);
  [[nodiscard]] std::vector<LinkReport> links() { return node_->fabric().links(); }
  /// Sum of one counter over all links.
  std::uint64_t sum(std::uint64_t LinkReport::*counter);
  /// Items of the recorded violations, in order.
  [[nodiscard]] std::vector<std::string> items() const;
  [[nodiscard]] std::string violations() const;
  std::string fault(std::size_t device, const std::string& kind, const std::string& arguments = "");

 private:
  std::shared_ptr<bool> died_ = std::make_shared<bool>(false);
  std::unique_ptr<Node> node_;
  std::vector<User> users_;
};

void sleepMs(int ms);
/// Looks every millisecond whether `done`, for two seconds at most.
bool eventually(const std::function<bool()>& done);

/// From Running (workload frozen) to StopCopy and all segments, and back to nothing: the whole stream of a
/// set.
std::vector<std::vector<Bytes>> saveSet(Rig& rig);

}  // namespace transship::emulator::test
