import { z } from 'zod';
import { condition, counter, timestamp } from './conditions.ts';
import { deviceId, deviceState, protocol } from './device.ts';
import { API_VERSION, NODE_DEVICE_INVENTORY_KIND } from './group.ts';
import { objectMeta } from './metadata.ts';
import { rules } from './rules.ts';

const hex16 = z
  .string()
  .max(6)
  .regex(/^0x[0-9a-f]{4}$/);
const hex8 = z
  .string()
  .max(4)
  .regex(/^0x[0-9a-f]{2}$/);

/** PCI identity, from configuration space. */
const model = z.object({
  vendorId: hex16,
  deviceId: hex16,
  subsystemVendorId: hex16,
  subsystemId: hex16,
  revisionId: hex8,
});

/** Of the namespace and name that the kubelet tells; the UID is for whoever acts on it to look up. */
const pod = z.object({ namespace: z.string().min(1).max(63), name: z.string().min(1).max(253) });

const capabilities = z.object({
  p2p: z.boolean(),
  preCopy: z.boolean(),
  reset: z.boolean(),
  dmaLogging: z.boolean().optional(),
});

const code = z
  .string()
  .max(64)
  .regex(/^[A-Z][A-Za-z0-9]{0,63}$/);

/** Why a device cannot be migrated; `code` is one of errors.ts. */
const notMigratable = z.object({ code, message: z.string().max(1024) });

/** Why nobody may have a device until a person ends it; `code` is one of errors.ts. */
const quarantine = z.object({
  code,
  since: timestamp,
  remedy: z.string().max(1024),
  migration: z.string().max(128).optional(),
});

/** What was never read of a device is absent: one without a migration protocol has no protocol and no state. */
const inventoryDevice = z.object({
  id: deviceId,
  protocol: protocol.optional(),
  model: model.optional(),
  driver: z.string().max(253),
  firmware: z.string().max(253).optional(),
  interface: z.string().max(32).optional(),
  pciAddress: z
    .string()
    .max(16)
    .regex(/^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/)
    .optional(),
  pcieRoot: z
    .string()
    .max(16)
    .regex(/^pci[0-9a-f]{4,8}:[0-9a-f]{2}$/)
    .optional(),
  numaNode: z.int().min(0).max(0xffff).optional(),
  pod: pod.optional(),
  capabilities: capabilities.optional(),
  migrationFlags: z.int().min(0).max(0xffffffff).optional(),
  regionSize: counter.optional(),
  state: deviceState.optional(),
  health: z.enum(['Healthy', 'Quarantined', 'Unreachable']),
  reason: z.string().max(1024).optional(),
  quarantine: quarantine.optional(),
  notMigratable: notMigratable.optional(),
  workload: z.string().max(63).optional(),
  migration: z.string().max(128).optional(),
});

const agent = z.object({
  endpoint: z
    .string()
    .max(261)
    .regex(/^[^\s/]{1,255}:[0-9]{1,5}$/),
  version: z.string().max(64),
});

export const nodeDeviceInventoryStatus = z.object({
  observedAt: timestamp.optional(),
  agent: agent.optional(),
  devices: z.array(inventoryDevice).max(256).optional(),
  conditions: z.array(condition).max(16).optional(),
});

export const nodeDeviceInventory = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(NODE_DEVICE_INVENTORY_KIND),
    metadata: objectMeta,
    status: nodeDeviceInventoryStatus.optional(),
  })
  .superRefine((inventory, context) => {
    for (const [index, device] of (inventory.status?.devices ?? []).entries()) {
      if (device.id.startsWith(`${inventory.metadata.name}/`)) continue;
      const path = ['status', 'devices', index, 'id'];
      context.addIssue({
        code: 'custom',
        message: rules.inventoryOwnNode,
        path,
        params: { code: 'InvalidManifest' },
      });
    }
  });

export type NodeDeviceInventory = z.output<typeof nodeDeviceInventory>;
export type NodeDeviceInventoryStatus = z.output<typeof nodeDeviceInventoryStatus>;
export type InventoryDevice = z.output<typeof inventoryDevice>;
export type DeviceModel = z.output<typeof model>;
