#include "vfio/kernel_errors.hh"

#include <cerrno>
#include <system_error>

namespace transship::vfio {

Error systemError(ErrorCode code, const std::string& what, int errorNumber) {
  return {.code = code,
          .message = what + ": " + std::generic_category().message(errorNumber),
          .errorNumber = errorNumber};
}

Error cannotOpen(const std::string& path, int errorNumber, ErrorCode otherwise) {
  switch (errorNumber) {
    case EBUSY:
      return systemError(ErrorCode::kDeviceBusy,
                         path + " is open in another process, which must close it first", errorNumber);
    case EACCES:
    case EPERM:
      return systemError(ErrorCode::kNotAllowed, "no permission to open " + path, errorNumber);
    case ENODEV:
    case ENXIO:
      return systemError(ErrorCode::kNotFound, "the device behind " + path + " has gone", errorNumber);
    default:
      return systemError(otherwise, "cannot open " + path, errorNumber);
  }
}

Error notVfio(const DevicePlace& place) {
  const std::string bound =
      place.driver.empty() ? " is bound to no driver"
                           : " is bound to the driver " + place.driver + ", which has not given it to VFIO";
  return {.code = ErrorCode::kNotFound,
          .message = place.name + bound + "; bind it to its VFIO driver (driverctl set-override " +
                     place.name + " DRIVER), with migration to the vendor's own one"};
}

Error deviceRefused(const char* what, int errorNumber) {
  if (errorNumber == ENODEV) {
    return systemError(ErrorCode::kConnectionLost, std::string(what) + " found the device unplugged",
                       errorNumber);
  }
  return systemError(ErrorCode::kAccessFailed, std::string("the device refused ") + what, errorNumber);
}

}  // namespace transship::vfio
