#pragma once

#include <memory>

#include "common/cancellation.hh"
#include "common/system_calls.hh"
#include "common/unique_fd.hh"
#include "vfio/device.hh"

namespace transship::vfio {

/// A migration's data descriptor of a kernel driver. The descriptor is made non-blocking, so that a wait for
/// data ends on cancellation; drivers that know no non-blocking mode block all the same.
class KernelData final : public MigrationData {
 public:
  KernelData(SystemCalls& system, std::shared_ptr<Cancellation> cancellation, UniqueFd fd);

  /// One transfer, waiting at most 200 ms for the driver. Errors: kClosed after cancellation, kAccessFailed
  /// with the driver's errno, which is EAGAIN when it was not ready in that time.
  Result<std::size_t> read(std::span<std::byte> into) override;
  Result<std::size_t> write(std::span<const std::byte> from) override;
  Result<PrecopyInfo> precopyInfo() override;

 private:
  template <typename Transfer>
  Result<std::size_t> transfer(const char* what, short events, Transfer&& once);

  SystemCalls& system_;
  std::shared_ptr<Cancellation> cancellation_;
  UniqueFd fd_;
};

}  // namespace transship::vfio
