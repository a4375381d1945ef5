#include "support/driver.hh"

#include <algorithm>

#include "common/crc32c.hh"

namespace transship::test {

Driver::Driver(FakeDevice::Options options, bool useMapping) {
  auto fake = std::make_unique<FakeDevice>(std::move(options));
  device = fake.get();
  auto opened = migration::RegionV1::open(std::move(fake), useMapping);
  EXPECT_TRUE(opened) << opened.error().message;
  session = opened ? std::move(*opened) : nullptr;
}

void Driver::walk(std::initializer_list<DeviceState> states) {
  for (const DeviceState state : states) {
    const Status done = session->arc(state);
    ASSERT_TRUE(done) << "to " << migration::stateName(state) << ": " << done.error().message;
  }
}

std::vector<Bytes> Driver::drain(std::size_t piece) {
  std::vector<Bytes> segments;
  for (int limit = 0; limit < 1000; ++limit) {
    auto next = session->nextSegment();
    if (!next) {
      ADD_FAILURE() << next.error().message;
      return segments;
    }
    if (next->size == 0) {
      return segments;
    }
    Bytes& segment = segments.emplace_back();
    for (bool last = false; !last;) {
      Bytes buffer(piece);
      auto read = session->readSegment(buffer);
      if (!read) {
        ADD_FAILURE() << read.error().message;
        return segments;
      }
      buffer.resize(read->length);
      EXPECT_EQ(read->crc32c, crc32c(buffer));
      segment.insert(segment.end(), buffer.begin(), buffer.end());
      last = read->last;
    }
    EXPECT_EQ(segment.size(), next->size);
  }
  ADD_FAILURE() << "the stream does not end";
  return segments;
}

void Driver::load(const std::vector<Bytes>& segments, std::size_t piece) {
  for (const Bytes& segment : segments) {
    const Status begun = session->beginSegment(segment.size());
    ASSERT_TRUE(begun) << begun.error().message;
    for (std::size_t at = 0; at < segment.size(); at += piece) {
      const Status written =
          session->writeSegment(std::span{segment}.subspan(at, std::min(piece, segment.size() - at)));
      ASSERT_TRUE(written) << written.error().message;
    }
    const Status committed = session->commitSegment();
    ASSERT_TRUE(committed) << committed.error().message;
  }
}

Trace Driver::stateWrites() const {
  Trace writes;
  std::ranges::copy_if(device->trace, std::back_inserter(writes),
                       [](const std::string& access) { return access.starts_with("write device_state"); });
  return writes;
}

std::size_t Driver::count(const std::string& access) const {
  return static_cast<std::size_t>(std::ranges::count(device->trace, access));
}

}  // namespace transship::test
