import { styleText } from 'node:util';
import Table from 'cli-table3';
import type { EmulatedLink } from '../support/emulator-control.ts';
import type { Check } from './checks.ts';
import type { Evidence } from './evidence.ts';

const MIB = 2 ** 20;
const DIGEST_SHOWN = 10;
const NOTHING = '-';

const whole = (count: number): string => count.toLocaleString('en-US');
const mebibytes = (bytes: number): string => `${whole(Math.round(bytes / MIB))} MiB`;
const short = (digest: string | undefined): string => digest?.slice(0, DIGEST_SHOWN) ?? NOTHING;
const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

const PLAIN = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
};

/** Without borders, as kubectl prints; fits 80 characters. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const made = new Table({
    head: [...head],
    chars: PLAIN,
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  made.push(...rows.map((row) => [...row]));
  return made.toString();
}

const section = (title: string, what: string, made: string): string =>
  `${styleText('bold', title)}  (${what})\n${made}`;

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
  const head = ['device', 'bytes', 'segments', 'before', 'StopCopy', 'Stop'];
  return section('Devices', 'digests of memory: target before, source, target', table(head, rows));
}

function links({ sourceLinks, targetLinks }: Evidence): string {
  const rows = targetLinks.map((link) => {
    const before = sourceLinks.find(({ from, to }) => from === link.from && to === link.to);
    return [
      `${link.from} → ${link.to}`,
      ...[before?.sentHere ?? 0, before?.inFlightAtQuiesce ?? 0, link.sentHere].map(whole),
      ...[link.received, link.inFlight, lostOf(link, before)].map(whole),
    ];
  });
  const head = ['link', 'sent there', 'in flight at A', 'sent here', 'received', 'in flight', 'lost'];
  return section('Transactions', 'there: until the freeze; here: since the thaw', table(head, rows));
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
    `downtime    ${frozen}, freeze to thaw, the taking of digests included`,
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
