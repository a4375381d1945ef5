#include "vfio/user_migration_data.hh"

#include <algorithm>
#include <cerrno>

namespace transship::vfio_user {
namespace {

MigData request(std::size_t size) {
  return {.argsz = static_cast<std::uint32_t>(sizeof(MigData) + size),
          .size = static_cast<std::uint32_t>(size)};
}

}  // namespace

Result<std::size_t> UserMigrationData::read(std::span<std::byte> into) {
  const auto piece = into.first(std::min(into.size(), maxTransfer_));
  const MigData ask = request(piece.size());
  MigData answer{};
  auto answered = client_.exchange(Command::kMigDataRead, {.fixed = std::as_bytes(std::span{&ask, 1})},
                                   {.fixed = std::as_writable_bytes(std::span{&answer, 1}), .bulk = piece});
  if (!answered) {
    return std::move(answered.error());
  }
  // Servers may send the whole room that was asked for and say how much of it is data.
  if (answered->size < sizeof(answer) || answer.size > answered->size - sizeof(answer)) {
    client_.abandon();
    return Error{.code = ErrorCode::kProtocolViolation,
                 .message =
                     "the device's server broke the vfio-user protocol: it announces more migration data "
                     "than it sends"};
  }
  return std::size_t{answer.size};
}

Result<std::size_t> UserMigrationData::write(std::span<const std::byte> from) {
  const auto piece = from.first(std::min(from.size(), maxTransfer_));
  const MigData ask = request(piece.size());
  auto answered = client_.exchange(Command::kMigDataWrite,
                                   {.fixed = std::as_bytes(std::span{&ask, 1}), .bulk = piece}, {});
  if (!answered) {
    return std::move(answered.error());
  }
  return piece.size();
}

Result<vfio::PrecopyInfo> UserMigrationData::precopyInfo() {
  if (!precopyInfo_) {
    return Error{.code = ErrorCode::kAccessFailed,
                 .message = "vfio-user has no request for pre-copy info",
                 .errorNumber = ENOTTY};
  }
  vfio::MigPrecopyInfo info{.argsz = sizeof(info), .flags = 0, .initial_bytes = 0, .dirty_bytes = 0};
  const auto bytes = std::as_writable_bytes(std::span{&info, 1});
  auto answered = client_.exchange(*precopyInfo_, {.fixed = bytes}, {.fixed = bytes});
  if (!answered) {
    return std::move(answered.error());
  }
  if (answered->size != sizeof(info)) {
    client_.abandon();
    return Error{
        .code = ErrorCode::kProtocolViolation,
        .message = "the device's server broke the vfio-user protocol: its pre-copy info is cut short"};
  }
  return vfio::PrecopyInfo{.initialBytes = info.initial_bytes,
                           .dirtyBytes = info.dirty_bytes,
                           .reinit = (info.flags & vfio::kPrecopyInfoReinit) != 0};
}

}  // namespace transship::vfio_user
