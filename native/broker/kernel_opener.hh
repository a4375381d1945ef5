#pragma once

#include <memory>
#include <string>

#include "common/system_calls.hh"
#include "device_match.hh"
#include "opener.hh"
#include "options.hh"

namespace transship::broker {

/// Opens one device of the kernel, in the address space that its workload's devices share, or takes a
/// duplicate from the process that has opened it.
class KernelOpener final : public DeviceOpener {
 public:
  /// `system` must outlive the opener.
  KernelOpener(SystemCalls& system, vfio::KernelPaths paths, DeviceSpec spec,
               std::shared_ptr<vfio::KernelIommu> iommu, std::string procfs = "/proc")
      : system_(system),
        paths_(std::move(paths)),
        spec_(std::move(spec)),
        iommu_(std::move(iommu)),
        procfs_(std::move(procfs)) {}

  Result<HeldDevice> open() override;
  Result<ResetDone> reset(const HeldDevice& device) override;
  Result<HeldDevice> adopt(vfio::OpenedDevice file) override;
  FileUsers users(std::span<const std::shared_ptr<const HeldDevice>> devices) override;
  Status unmapAll(const HeldDevice& device) override;

 private:
  Result<vfio::OpenedDevice> takeFromProcess(const vfio::DevicePlace& place);
  /// Whether a duplicate is still what was looked for when it was made.
  Status checkTaken(const vfio::DevicePlace& place, int duplicate, Descriptor theirs);
  HeldDevice held(const vfio::DevicePlace& place, vfio::OpenedDevice file);
  Result<ResetDone> resetWider(const HeldDevice& device, Error first);
  /// An eventfd of the device's request interrupt; empty without one.
  UniqueFd removalNotice(int device);

  SystemCalls& system_;
  vfio::KernelPaths paths_;
  DeviceSpec spec_;
  std::shared_ptr<vfio::KernelIommu> iommu_;
  std::string procfs_;
};

}  // namespace transship::broker
