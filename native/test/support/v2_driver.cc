#include "support/v2_driver.hh"

#include <algorithm>

#include "common/crc32c.hh"
#include "migration/open_session.hh"

namespace transship::test {

V2Driver::V2Driver(FakeV2Device::Options options) {
  auto fake = std::make_unique<FakeV2Device>(std::move(options));
  device = fake.get();
  auto opened = migration::openSession(std::move(fake), true);
  EXPECT_TRUE(opened) << opened.error().message;
  session = opened ? std::move(*opened) : nullptr;
}

void V2Driver::walk(std::initializer_list<DeviceState> states) {
  for (const DeviceState state : states) {
    const Status done = session->arc(state);
    ASSERT_TRUE(done) << "to " << migration::stateName(state) << ": " << done.error().message;
  }
}

V2Driver::Drained V2Driver::drain(std::size_t piece) {
  Drained drained;
  for (int limit = 0; limit < 1000; ++limit) {
    auto next = session->nextSegment();
    if (!next) {
      ADD_FAILURE() << next.error().message;
      return drained;
    }
    if (next->size == 0) {
      drained.ended = next->ended;
      return drained;
    }
    ++drained.segments;
    const std::size_t start = drained.bytes.size();
    for (bool last = false; !last;) {
      Bytes buffer(piece);
      auto read = session->readSegment(buffer);
      if (!read) {
        ADD_FAILURE() << read.error().message;
        return drained;
      }
      buffer.resize(read->length);
      EXPECT_EQ(read->crc32c, crc32c(buffer));
      drained.bytes.insert(drained.bytes.end(), buffer.begin(), buffer.end());
      last = read->last;
    }
    EXPECT_EQ(drained.bytes.size() - start, next->size);
  }
  ADD_FAILURE() << "the stream does not end";
  return drained;
}

Status V2Driver::load(const Bytes& segment) {
  if (Status begun = session->beginSegment(segment.size()); !begun) {
    return begun;
  }
  if (Status written = session->writeSegment(segment); !written) {
    return written;
  }
  return session->commitSegment();
}

Trace V2Driver::requests() const {
  Trace requests;
  std::ranges::copy_if(device->trace, std::back_inserter(requests),
                       [](const std::string& request) { return request.starts_with("set "); });
  return requests;
}

std::size_t V2Driver::count(const std::string& request) const {
  return static_cast<std::size_t>(std::ranges::count(device->trace, request));
}

void V2Driver::refuse(std::string request, int errorNumber) {
  device->fault = [request = std::move(request), errorNumber](const std::string& seen) -> std::optional<int> {
    return seen == request ? std::optional{errorNumber} : std::nullopt;
  };
}

}  // namespace transship::test
