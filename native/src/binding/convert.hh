#pragma once

#include <napi.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "common/error.hh"
#include "migration/session.hh"

namespace transship::binding {

// Plain data to JavaScript, field by field in the order of native/lib/addon.ts. Absent is null.

/// { code, message, errno (a number or null), register, state }
[[nodiscard]] Napi::Value errorValue(Napi::Env env, const Error& error);
[[nodiscard]] Napi::Value infoValue(Napi::Env env, const migration::DeviceInfo& info);
/// { size, ended }
[[nodiscard]] Napi::Value nextSegmentValue(Napi::Env env, const migration::NextSegment& next);
/// { length, crc32c, last }
[[nodiscard]] Napi::Value pieceValue(Napi::Env env, const migration::Piece& piece);
/// { initialBytes, dirtyBytes, reinit } or null
[[nodiscard]] Napi::Value precopyInfoValue(Napi::Env env, const std::optional<vfio::PrecopyInfo>& info);
/// A Buffer with a copy of the bits.
[[nodiscard]] Napi::Value bitmapValue(Napi::Env env, const std::vector<std::byte>& bitmap);

}  // namespace transship::binding
