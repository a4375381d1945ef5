#include "migration/registers_v1.hh"

#include <span>

#include "common/mutant.hh"

namespace transship::migration {
namespace {

Error named(Error error, Register which) {
  error.field = which.name;
  return error;
}

template <typename T>
Result<T> readNative(vfio::Device& device, std::uint32_t region, Register from) {
  T value = 0;
  const auto bytes = std::as_writable_bytes(std::span{&value, 1});
  if (TRANSSHIP_MUTANT("V1-02") && sizeof(T) == 8) {
    for (std::size_t half = 0; half < 8; half += 4) {
      if (Status read = device.read(region, from.offset + half, bytes.subspan(half, 4)); !read) {
        return named(std::move(read.error()), from);
      }
    }
    return value;
  }
  if (Status read = device.read(region, from.offset, bytes); !read) {
    return named(std::move(read.error()), from);
  }
  return value;
}

template <typename T>
Status writeNative(vfio::Device& device, std::uint32_t region, Register to, T value) {
  Status written = device.write(region, to.offset, std::as_bytes(std::span{&value, 1}));
  return written ? written : Status{named(std::move(written.error()), to)};
}

}  // namespace

Result<std::uint32_t> readRegister32(vfio::Device& device, std::uint32_t region, Register from) {
  return readNative<std::uint32_t>(device, region, from);
}

Status writeRegister32(vfio::Device& device, std::uint32_t region, Register to, std::uint32_t value) {
  return writeNative(device, region, to, value);
}

Result<std::uint64_t> readRegister64(vfio::Device& device, std::uint32_t region, Register from) {
  return readNative<std::uint64_t>(device, region, from);
}

Status writeRegister64(vfio::Device& device, std::uint32_t region, Register to, std::uint64_t value) {
  return writeNative(device, region, to, value);
}

}  // namespace transship::migration
