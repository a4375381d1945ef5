/** API group of every Transship kind. */
export const GROUP = 'transship.dev';

/** The only version served and stored so far. */
export const VERSION = 'v1alpha1';

/** Value of `apiVersion` in a manifest. */
export const API_VERSION = `${GROUP}/${VERSION}` as const;

/** Kind and resource names as the API server spells them. */
export const DEVICE_MIGRATION_KIND = 'DeviceMigration';
export const DEVICE_MIGRATION_PLURAL = 'devicemigrations';
export const NODE_DEVICE_INVENTORY_KIND = 'NodeDeviceInventory';
export const NODE_DEVICE_INVENTORY_PLURAL = 'nodedeviceinventories';

/**
 * Finalizer on a DeviceMigration. Added before the first side effect and removed once both agents confirmed
 * that they hold nothing for it any more, so that a deletion cannot leave a stopped device set behind.
 */
export const FINALIZER = 'transship.dev/migration';
