import { styleText } from 'node:util';
import Table from 'cli-table3';
import type { EmulatedLink } from '../support/emulator-control.ts';
import type { Check } from './checks.ts';
import type { Evidence } from './evidence.ts';

const MIB = 2 ** 20;
const DIGEST_SHOWN = 16;
const NOTHING = '-';

const whole = (count: number): string => count.toLocaleString('en-US');
const mebibytes = (bytes: number): string => `${whole(Math.round(bytes / MIB))} MiB`;
const short = (digest: string | undefined): string => digest?.slice(0, DIGEST_SHOWN) ?? NOTHING;
const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const made = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
  made.push(...rows.map((row) => [...row]));
  return made.toString();
}

/** What moved, what every link carried, and whether it all holds. */
export function report(evidence: Evidence, checks: readonly Check[]): string {
  return [devices(evidence), links(evidence), totals(evidence), verdict(checks)].join('\n\n');
}

function devices({ status, left, arrived, targetMemoryBefore }: Evidence): string {
  const rows = (status.devices ?? []).map(({ source, target, bytes, segments }, index) => [
    `${source} → ${target}`,
    whole(bytes),
    whole(segments),
    short(targetMemoryBefore[index]),
    short(left[index]?.memory),
    short(arrived[index]?.memory),
  ]);
  const head = ['device', 'bytes', 'segments', 'target before', 'source at StopCopy', 'target at Stop'];
  return `Devices, and the digests of their memory\n${table(head, rows)}`;
}

function links({ sourceLinks, targetLinks }: Evidence): string {
  const rows = targetLinks.map((link) => {
    const before = sourceLinks.find(({ from, to }) => from === link.from && to === link.to);
    return [
      `${link.from} → ${link.to}`,
      ...[before?.sentHere ?? 0, before?.inFlightAtQuiesce ?? 0, link.sentHere, link.sent].map(whole),
      ...[link.received, link.inFlight, lostOf(link, before)].map(whole),
    ];
  });
  const head = [
    'link',
    'sent on source',
    'in flight at A',
    'sent on target',
    'sent',
    'received',
    'in flight',
  ];
  return `Transactions from device to device\n${table([...head, 'lost'], rows)}`;
}

/** The count that travels, or what either node saw vanish, whichever is worse. */
const lostOf = ({ lost, lostHere }: EmulatedLink, before: EmulatedLink | undefined): number =>
  Math.max(lost, lostHere + (before?.lostHere ?? 0));

function totals({ status, transferMs }: Evidence): string {
  const { transfer, downtime, downtimeEstimated } = status;
  const bytes = transfer?.bytes ?? 0;
  const segments = sum((status.devices ?? []).map((device) => device.segments));
  const seconds = (transferMs ?? 0) / 1000;
  const rate = seconds > 0 ? `${mebibytes(bytes / seconds)}/s over ${seconds.toFixed(2)} s` : NOTHING;
  const frozen = `${downtime ?? NOTHING}${downtimeEstimated ? ' (estimated)' : ''}`;
  return [
    `bytes       ${whole(bytes)} in ${whole(segments)} segments of the devices`,
    `throughput  ${rate}`,
    `downtime    ${frozen}, from the freeze to the thaw`,
  ].join('\n');
}

function verdict(checks: readonly Check[]): string {
  return checks
    .map(({ claim, failure }) =>
      failure === null
        ? `${styleText('green', 'ok')}      ${claim}`
        : styleText('red', `FAILED  ${claim}: ${failure}`),
    )
    .join('\n');
}
