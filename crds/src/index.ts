export * from './group.ts';
export * from './names.ts';
export { PHASES, TERMINAL_PHASES, isTerminal, type Phase, type TerminalPhase } from './phase.ts';
export { DEVICE_STATES, MAX_DEVICES, PROTOCOLS, type DeviceState, type Protocol } from './device.ts';
export { BOUNDS, QuantityError, formatDuration, parseBytes, parseDuration, type Bounds } from './quantity.ts';
export {
  CONDITION_MESSAGE_MAX,
  clipMessage,
  conditionTypes,
  reasons,
  type Condition,
  type ConditionMeaning,
  type ConditionType,
  type Reason,
  type ReasonMeaning,
} from './conditions.ts';
export { ERROR_CODES, errors, isErrorCode, type ErrorCode, type ErrorMeaning } from './errors.ts';
export { rules } from './rules.ts';
export {
  deviceMigration,
  deviceMigrationSpec,
  deviceMigrationStatus,
  type Decision,
  type DecisionValue,
  type RecordedTarget,
  type DeviceMigration,
  type DeviceMigrationManifest,
  type DeviceMigrationSpec,
  type DeviceMigrationStatus,
  type FirstError,
  type MigratingDevice,
  type Recovery,
  type Stopping,
  type SourcePod,
  type Strategy,
  type TargetPod,
  type Transfer,
} from './migration.ts';
export {
  nodeDeviceInventory,
  nodeDeviceInventoryStatus,
  type DeviceModel,
  type InventoryDevice,
  type NodeDeviceInventory,
  type NodeDeviceInventoryStatus,
} from './inventory.ts';
export type { ObjectMeta } from './metadata.ts';
export {
  parseInventory,
  parseManifest,
  parseMigration,
  refusePodName,
  type Parsed,
  type Refusal,
} from './validate.ts';
export { checkUpdate } from './update.ts';
