import { randomBytes } from 'node:crypto';
import { API_VERSION, clipMessage, DEVICE_MIGRATION_KIND } from '@transship/crds';
import type { StoredMigration } from '../reconcile/ports.ts';
import { targetNodeOf } from '../reconcile/target-node.ts';
import { microTime } from './micro-time.ts';

export interface PublishedEvent {
  readonly type: 'Normal' | 'Warning';
  /** Stable CamelCase word: a reason or error code of crds. */
  readonly reason: string;
  readonly message: string;
}

/** core/v1 ObjectReference. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
}

/** Bounds of the API server's validation of events.k8s.io/v1. */
const NOTE_MAX = 1024;
const WORD_MAX = 128;
const CONTROLLER = 'transship.dev/operator';
const ACTION = 'Migrate';
/** Of an object name that a random suffix is added to. */
const NAME_PREFIX_MAX = 230;

/** What an event is about: the migration itself, and both nodes and pods when the manifest could be read and they are known. */
export function objectsOf(stored: StoredMigration): ObjectReference[] {
  const { key, uid, spec, status } = stored;
  const migration = { apiVersion: API_VERSION, kind: DEVICE_MIGRATION_KIND, ...key, uid };
  if (!spec.ok) return [migration];
  const nodes = [spec.value.source.nodeName, targetNodeOf(spec.value, status)];
  return [migration, ...nodes.filter((name) => name !== '').map(nodeReference), ...podsOf(stored)];
}

/** A pod that is not on record yet is known where the manifest says which one of its name is meant. */
function podsOf({ key: { namespace }, spec, status }: StoredMigration): ObjectReference[] {
  const { podName, podUID } = spec.ok ? spec.value.source : {};
  const named = podName === undefined || podUID === undefined ? undefined : { name: podName, uid: podUID };
  const pods = [status.sourcePod ?? named, status.targetPod].filter((pod) => pod !== undefined);
  return pods.map(({ name, uid }) => ({ apiVersion: 'v1', kind: 'Pod', namespace, name, uid }));
}

/** The kubelet's convention, by which `kubectl describe node` finds events: the UID is the name. */
const nodeReference = (name: string): ObjectReference => ({
  apiVersion: 'v1',
  kind: 'Node',
  name,
  uid: name,
});

/** Events about cluster-scoped objects stand in namespace default. */
export function namespaceOf(regarding: ObjectReference): string {
  return regarding.namespace ?? 'default';
}

/** Body of an events.k8s.io/v1 Event. */
export function eventObject(
  regarding: ObjectReference,
  stored: StoredMigration,
  event: PublishedEvent,
  instance: string,
  at: Date,
) {
  const [migration] = objectsOf(stored);
  return {
    ...bodyOf(regarding, event, instance, at),
    action: ACTION,
    ...(regarding.uid === stored.uid ? {} : { related: migration }),
  };
}

/** An event about a node that comes from no migration. */
export function nodeEventObject(nodeName: string, event: PublishedEvent, instance: string, at: Date) {
  return { ...bodyOf(nodeReference(nodeName), event, instance, at), action: 'Report' };
}

function bodyOf(regarding: ObjectReference, event: PublishedEvent, instance: string, at: Date) {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: {
      namespace: namespaceOf(regarding),
      name: `${regarding.name.slice(0, NAME_PREFIX_MAX)}.${randomBytes(8).toString('hex')}`,
    },
    eventTime: microTime(at),
    reportingController: CONTROLLER,
    reportingInstance: instance.slice(0, WORD_MAX),
    type: event.type,
    reason: event.reason.slice(0, WORD_MAX),
    note: clipMessage(event.message, NOTE_MAX),
    regarding,
  };
}
