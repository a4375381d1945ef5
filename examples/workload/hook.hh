#pragma once

#include <transship/workload/v1alpha1/hook.grpc.pb.h>

#include <string>

#include "workload.hh"

/// Serves the hook of one workload: turns calls into calls of Workload, and its refusals into
/// FAILED_PRECONDITION.
class HookService final : public transship::workload::v1alpha1::WorkloadHook::Service {
 public:
  /// `device`: its name at the broker. `livePass`: ask for a first copy while the workload runs.
  HookService(Workload& workload, std::string device, bool livePass)
      : workload_(workload), device_(std::move(device)), livePass_(livePass) {}

  using Context = grpc::ServerContext;
  template <typename Message>
  using Reader = grpc::ServerReader<Message>;

  grpc::Status Describe(Context*, const transship::workload::v1alpha1::DescribeRequest*,
                        transship::workload::v1alpha1::DescribeResponse* reply) override;
  grpc::Status GetState(Context*, const transship::workload::v1alpha1::GetStateRequest*,
                        transship::workload::v1alpha1::GetStateResponse* reply) override;
  grpc::Status Freeze(Context*, const transship::workload::v1alpha1::FreezeRequest*,
                      transship::workload::v1alpha1::FreezeResponse* reply) override;
  grpc::Status Thaw(Context*, const transship::workload::v1alpha1::ThawRequest*,
                    transship::workload::v1alpha1::ThawResponse* reply) override;
  grpc::Status Save(Context* context,
                    grpc::ServerReaderWriter<transship::workload::v1alpha1::SaveResponse,
                                             transship::workload::v1alpha1::SaveRequest>* stream) override;
  grpc::Status ExpectIncoming(Context*, const transship::workload::v1alpha1::ExpectIncomingRequest* request,
                              transship::workload::v1alpha1::ExpectIncomingResponse* reply) override;
  grpc::Status Load(Context* context, Reader<transship::workload::v1alpha1::LoadRequest>* stream,
                    transship::workload::v1alpha1::LoadResponse* reply) override;
  grpc::Status Discard(Context*, const transship::workload::v1alpha1::DiscardRequest*,
                       transship::workload::v1alpha1::DiscardResponse* reply) override;
  grpc::Status NotifyDevicesReset(Context*, const transship::workload::v1alpha1::NotifyDevicesResetRequest*,
                                  transship::workload::v1alpha1::NotifyDevicesResetResponse* reply) override;

 private:
  Workload& workload_;
  const std::string device_;
  const bool livePass_;
};
