#include "hook.hh"

namespace {

namespace api = transship::workload::v1alpha1;
using grpc::Status;
using grpc::StatusCode;

constexpr std::uint64_t kPage = 4096;

api::State stateOf(Phase phase) {
  switch (phase) {
    case Phase::kRunning:
      return api::STATE_RUNNING;
    case Phase::kFrozen:
      return api::STATE_FROZEN;
    case Phase::kIncoming:
      return api::STATE_INCOMING;
    default:
      return api::STATE_ENDED;
  }
}

/// Obeys, and answers with where the workload stands then; or says why not.
template <typename Act>
Status obey(Act act) {
  try {
    act();
    return Status::OK;
  } catch (const Refused& refused) {
    return {StatusCode::FAILED_PRECONDITION, refused.what()};
  } catch (const std::exception& error) {
    return {StatusCode::INTERNAL, error.what()};
  }
}

/// Each bit is a page that the device has written.
void markPages(Workload& workload, const api::DirtyPages& dirty) {
  if (dirty.page_size() < kPage || dirty.bitmap().size() * 8 < dirty.length() / dirty.page_size()) {
    throw std::invalid_argument("a bitmap that does not fit its range");
  }
  for (std::uint64_t page = 0; page * dirty.page_size() < dirty.length(); ++page) {
    const auto byte = static_cast<unsigned char>(dirty.bitmap().at(page / 8));
    if ((byte >> (page % 8) & 1) != 0) {
      workload.markDirty(dirty.iova() + page * dirty.page_size(), dirty.page_size());
    }
  }
}

}  // namespace

Status HookService::Describe(Context*, const api::DescribeRequest*, api::DescribeResponse* reply) {
  const WorkloadOptions& options = workload_.options();
  reply->set_workload("example");
  reply->add_devices(device_);
  reply->set_live_pass(livePass_);
  api::DmaRange* const range = reply->add_dma_ranges();
  range->set_iova(options.iova);
  range->set_length(options.memory);
  reply->set_dma_page_size(kPage);
  return Status::OK;
}

Status HookService::GetState(Context*, const api::GetStateRequest*, api::GetStateResponse* reply) {
  reply->set_state(stateOf(workload_.phase()));
  return Status::OK;
}

Status HookService::Freeze(Context*, const api::FreezeRequest* request, api::FreezeResponse* reply) {
  return obey([&] {
    workload_.freeze(request->saving_id());
    reply->set_state(api::STATE_FROZEN);
  });
}

Status HookService::Thaw(Context*, const api::ThawRequest* request, api::ThawResponse* reply) {
  return obey([&] {
    workload_.thaw(request->saving_id());
    reply->set_state(api::STATE_RUNNING);
  });
}

Status HookService::Save(Context* context,
                         grpc::ServerReaderWriter<api::SaveResponse, api::SaveRequest>* stream) {
  return obey([&] {
    api::SaveRequest request;
    api::SaveBegin begin;
    while (stream->Read(&request)) {
      if (request.has_begin()) {
        begin = request.begin();
      } else if (request.has_dirty()) {
        markPages(workload_, request.dirty());
      } else if (request.has_dirty_unknown()) {
        workload_.markDirty(workload_.options().iova, workload_.options().memory);
      }
    }
    // Half-closed: it is our turn. Write() waits while the agent does not read, and fails when it is gone.
    const Workload::Sink sink = [&](std::string piece, std::uint64_t left) {
      api::SaveResponse response;
      response.set_data(std::move(piece));
      response.set_pending_bytes(left);
      return !context->IsCancelled() && stream->Write(response);
    };
    switch (begin.pass()) {
      case api::SAVE_PASS_LIVE:
        workload_.saveLive(begin.saving_id(), sink);
        break;
      case api::SAVE_PASS_FINAL:
        workload_.saveFinal(begin.saving_id(), begin.incremental(), sink);
        break;
      default:
        throw Refused("a pass that this workload does not know");
    }
  });
}

Status HookService::ExpectIncoming(Context*, const api::ExpectIncomingRequest* request,
                                   api::ExpectIncomingResponse* reply) {
  return obey([&] {
    workload_.expect(request->saving_id());
    reply->set_state(api::STATE_INCOMING);
  });
}

Status HookService::Load(Context* context, Reader<api::LoadRequest>* stream, api::LoadResponse* reply) {
  return obey([&] {
    api::LoadRequest request;
    if (!stream->Read(&request) || !request.has_begin()) {
      throw Refused("Load begins with `begin`");
    }
    const std::string savingId = request.begin().saving_id();
    const std::uint64_t bytes = workload_.load(savingId, [&]() -> std::optional<std::string> {
      while (stream->Read(&request)) {
        if (request.has_data()) {
          return std::move(*request.mutable_data());
        }
      }
      // An agent that went away has not sent everything: what came so far is void.
      if (context->IsCancelled()) {
        throw Refused("the load was given up");
      }
      return std::nullopt;
    });
    reply->set_bytes(bytes);
    reply->set_state(api::STATE_FROZEN);
  });
}

Status HookService::Discard(Context*, const api::DiscardRequest*, api::DiscardResponse* reply) {
  return obey([&] {
    workload_.discard();
    reply->set_state(api::STATE_ENDED);
  });
}

Status HookService::NotifyDevicesReset(Context*, const api::NotifyDevicesResetRequest*,
                                       api::NotifyDevicesResetResponse* reply) {
  return obey([&] {
    workload_.devicesReset();
    reply->set_state(stateOf(workload_.phase()));
  });
}
