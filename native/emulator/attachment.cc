#include "attachment.hh"

#include "bytes.hh"

namespace transship::emulator {

std::vector<std::byte> Attachment::encode() const {
  ByteWriter writer;
  writer.put(set);
  writer.put(slot);
  writer.put(static_cast<std::uint32_t>(out.size()));
  writer.put(static_cast<std::uint32_t>(in.size()));
  for (const OutRecord& link : out) {
    writer.put(link.to);
    writer.put(link.sent);
    writer.put(link.lost);
  }
  for (const InRecord& link : in) {
    writer.put(link.from);
    writer.put(link.expected);
    writer.put(link.received);
    writer.put(link.gaps);
    writer.put(link.doubles);
    writer.put(link.digest);
  }
  writer.put(ring.submitted);
  writer.put(ring.completed);
  writer.put(ring.gaps);
  return writer.bytes();
}

std::optional<Attachment> Attachment::decode(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  Attachment attachment;
  attachment.set = reader.get<std::uint64_t>();
  attachment.slot = reader.get<std::uint32_t>();
  const auto outs = reader.get<std::uint32_t>();
  const auto ins = reader.get<std::uint32_t>();
  if (outs > kMaxDevices || ins > kMaxDevices) {
    return std::nullopt;
  }
  for (std::uint32_t i = 0; i < outs; ++i) {
    OutRecord link;
    link.to = reader.get<std::uint32_t>();
    link.sent = reader.get<std::uint64_t>();
    link.lost = reader.get<std::uint64_t>();
    attachment.out.push_back(link);
  }
  for (std::uint32_t i = 0; i < ins; ++i) {
    InRecord link;
    link.from = reader.get<std::uint32_t>();
    link.expected = reader.get<std::uint64_t>();
    link.received = reader.get<std::uint64_t>();
    link.gaps = reader.get<std::uint64_t>();
    link.doubles = reader.get<std::uint64_t>();
    link.digest = reader.get<std::uint64_t>();
    attachment.in.push_back(link);
  }
  attachment.ring.submitted = reader.get<std::uint64_t>();
  attachment.ring.completed = reader.get<std::uint64_t>();
  attachment.ring.gaps = reader.get<std::uint64_t>();
  if (!reader.ok() || reader.left() != 0) {
    return std::nullopt;
  }
  return attachment;
}

}  // namespace transship::emulator
