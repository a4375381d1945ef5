import { hash } from 'node:crypto';
import type { Side, World } from './world.ts';

/**
 * 128 bits of a state's text: two states are taken for one with a probability that does not matter. The
 * devices of a side are interchangeable (the protocol names none of them), so their texts are sorted: a
 * state and its mirror image are explored once.
 */
export const fingerprint = (world: World): string =>
  hash(
    'md5',
    [
      part(world.api),
      ...world.operators.map(part),
      part(world.network),
      part(world.writes),
      sideText(world.source),
      sideText(world.target),
      part(world.budget),
    ].join('|'),
    'base64',
  );

/** Parts of a world are shared between states, so their text is made once. */
const texts = new WeakMap<object, string>();

function part(value: object | null | undefined): string {
  if (value === null || value === undefined) return '-';
  const known = texts.get(value);
  if (known !== undefined) return known;
  // A view's devices and the ids in messages would tell mirror images apart.
  const made = JSON.stringify(value, nameless);
  texts.set(value, made);
  return made;
}

function nameless(key: string, inner: unknown): unknown {
  if (key === 'id' || key === 'message' || key === 'device') return undefined;
  if (key !== 'devices' || !Array.isArray(inner)) return inner;
  return inner.map((item) => JSON.stringify(item, nameless)).toSorted();
}

function sideText({ agent, devices, workload, quiesceArmed, arrived }: Side): string {
  const each = devices
    .map(
      (device, index) =>
        part(device) + part(agent?.session.devices[index]) + part(agent?.live.devices[index]),
    )
    .toSorted();
  return [rest(agent?.session), rest(agent?.live), ...each, workload, quiesceArmed, part(arrived)].join(',');
}

const rests = new WeakMap<object, string>();

/** A session or its live half without the devices, which stand beside it. */
function rest(value: object | undefined): string {
  if (value === undefined) return '-';
  const known = rests.get(value);
  if (known !== undefined) return known;
  const made = part({ ...value, devices: null });
  rests.set(value, made);
  return made;
}
