#include "common/error.hh"

namespace transship {

std::string_view errorName(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kAccessFailed:
      return "TRANSSHIP_ACCESS_FAILED";
    case ErrorCode::kArcRefused:
      return "TRANSSHIP_ARC_REFUSED";
    case ErrorCode::kBadRegionInfo:
      return "TRANSSHIP_BAD_REGION_INFO";
    case ErrorCode::kClosed:
      return "TRANSSHIP_CLOSED";
    case ErrorCode::kConnectFailed:
      return "TRANSSHIP_CONNECT_FAILED";
    case ErrorCode::kConnectTimeout:
      return "TRANSSHIP_CONNECT_TIMEOUT";
    case ErrorCode::kConnectionLost:
      return "TRANSSHIP_CONNECTION_LOST";
    case ErrorCode::kDeviceBusy:
      return "TRANSSHIP_DEVICE_BUSY";
    case ErrorCode::kDeviceError:
      return "TRANSSHIP_DEVICE_ERROR";
    case ErrorCode::kDriverViolation:
      return "TRANSSHIP_DRIVER_VIOLATION";
    case ErrorCode::kForeignStateChange:
      return "TRANSSHIP_FOREIGN_STATE_CHANGE";
    case ErrorCode::kIllegalArc:
      return "TRANSSHIP_ILLEGAL_ARC";
    case ErrorCode::kInternal:
      return "TRANSSHIP_INTERNAL";
    case ErrorCode::kInvalidArgument:
      return "TRANSSHIP_INVALID_ARGUMENT";
    case ErrorCode::kIommuRefused:
      return "TRANSSHIP_IOMMU_REFUSED";
    case ErrorCode::kLoadRejected:
      return "TRANSSHIP_LOAD_REJECTED";
    case ErrorCode::kNoP2p:
      return "TRANSSHIP_NO_P2P";
    case ErrorCode::kNoProgress:
      return "TRANSSHIP_NO_PROGRESS";
    case ErrorCode::kNoSegment:
      return "TRANSSHIP_NO_SEGMENT";
    case ErrorCode::kNotAllowed:
      return "TRANSSHIP_NOT_ALLOWED";
    case ErrorCode::kNotFound:
      return "TRANSSHIP_DEVICE_NOT_FOUND";
    case ErrorCode::kNotMigratable:
      return "TRANSSHIP_NOT_MIGRATABLE";
    case ErrorCode::kNotResuming:
      return "TRANSSHIP_NOT_RESUMING";
    case ErrorCode::kNotSaving:
      return "TRANSSHIP_NOT_SAVING";
    case ErrorCode::kOutOfMemory:
      return "TRANSSHIP_OUT_OF_MEMORY";
    case ErrorCode::kProtocolViolation:
      return "TRANSSHIP_PROTOCOL_VIOLATION";
    case ErrorCode::kQueueFull:
      return "TRANSSHIP_QUEUE_FULL";
    case ErrorCode::kResetFailed:
      return "TRANSSHIP_RESET_FAILED";
    case ErrorCode::kResetUnsupported:
      return "TRANSSHIP_RESET_UNSUPPORTED";
    case ErrorCode::kSegmentIncomplete:
      return "TRANSSHIP_SEGMENT_INCOMPLETE";
    case ErrorCode::kSegmentOpen:
      return "TRANSSHIP_SEGMENT_OPEN";
    case ErrorCode::kSegmentTooLarge:
      return "TRANSSHIP_SEGMENT_TOO_LARGE";
    case ErrorCode::kSessionFailed:
      return "TRANSSHIP_SESSION_FAILED";
    case ErrorCode::kVersionUnsupported:
      return "TRANSSHIP_VERSION_UNSUPPORTED";
  }
  return "TRANSSHIP_INTERNAL";
}

}  // namespace transship
