import type { EmulatedLink } from '../support/emulator-control.ts';
import type { Evidence } from './evidence.ts';

/** One thing that must be true of a voyage. */
export interface Check {
  /** What is true when `failure` is null. */
  readonly claim: string;
  /** What was found instead. */
  readonly failure: string | null;
}

type Rule = readonly [claim: string, find: (evidence: Evidence) => string | null];

/** Names of the first few that are wrong, or null. */
function among<T>(all: readonly T[], isWrong: (one: T) => boolean, name: (one: T) => string): string | null {
  const wrong = all.filter(isWrong).map(name);
  if (all.length === 0) return 'there is none';
  return wrong.length === 0 ? null : wrong.slice(0, 4).join('; ') + (wrong.length > 4 ? '; ...' : '');
}

const linkName = ({ from, to }: EmulatedLink): string => `${from} → ${to}`;

function links(
  pick: (evidence: Evidence) => readonly EmulatedLink[],
  isWrong: (link: EmulatedLink) => boolean,
  found: (link: EmulatedLink) => string,
): Rule[1] {
  return (evidence) => among(pick(evidence), isWrong, (link) => `${linkName(link)}: ${found(link)}`);
}

const onSource = ({ sourceLinks }: Evidence): readonly EmulatedLink[] => sourceLinks;
const onTarget = ({ targetLinks }: Evidence): readonly EmulatedLink[] => targetLinks;

/** What both emulators counted of a link must add up to what travelled with the set. */
function unbalanced({ sourceLinks, targetLinks }: Evidence): string | null {
  return among(
    targetLinks,
    (link) => {
      const before = sourceLinks.find(({ from, to }) => from === link.from && to === link.to);
      return (
        before === undefined ||
        before.sentHere + link.sentHere !== link.sent ||
        before.receivedHere + link.receivedHere !== link.received ||
        link.received + link.lost + link.inFlight !== link.sent
      );
    },
    (link) => `${linkName(link)}: ${link.sent} sent, ${link.received} received, ${link.inFlight} in flight`,
  );
}

const digestsDiffer = ({ left, arrived }: Evidence): string | null =>
  left.length !== arrived.length
    ? `${left.length} devices left, ${arrived.length} arrived`
    : among(
        left.map(({ digest, memory }, index) => ({ index, digest, memory, there: arrived[index] })),
        ({ digest, memory, there }) => digest !== there?.digest || memory !== there.memory,
        ({ index, memory, there }) => `device ${index}: ${memory} left, ${there?.memory} arrived`,
      );

const contentsRepeat = ({ left, targetMemoryBefore }: Evidence): string | null => {
  const all = [...left.map(({ memory }) => memory), ...targetMemoryBefore];
  if (targetMemoryBefore.length !== left.length) return 'the contents of the target before are not known';
  return new Set(all).size === all.length ? null : 'two devices had the same contents before';
};

const violated = ({ violations }: Evidence): string | null =>
  violations.length === 0
    ? null
    : violations.map(({ node, device, item, what }) => `${node}/${device} ${item}: ${what}`).join('; ');

function workloadLost({ workloadBefore, sourceWorkload, targetWorkload }: Evidence): string | null {
  const { phase, frozen, cookie, submissions, refused } = targetWorkload;
  if (sourceWorkload.phase !== 'Ended') return `the source's is ${sourceWorkload.phase}`;
  if (phase !== 'Live' || frozen) return `the target's is ${phase}${frozen ? ' and frozen' : ''}`;
  if (cookie !== workloadBefore.cookie) return 'the target has another one';
  if (refused > 0) return `${refused} postings found no device`;
  const isFurther = submissions.every((count, index) => count > (workloadBefore.submissions[index] ?? 0));
  return isFurther ? null : 'it posts no work on the target';
}

const RULES: readonly Rule[] = [
  [
    'the migration succeeded',
    ({ status: { phase, error } }) =>
      phase === 'Succeeded'
        ? null
        : `${phase}${error === undefined ? '' : `: ${error.code}: ${error.message}`}`,
  ],
  ['memory, links and registers of every device arrived as they left', digestsDiffer],
  ['contents were different for each device, and from those of the target', contentsRepeat],
  [
    'every link had transactions in flight at barrier A',
    links(
      onSource,
      ({ inFlightAtQuiesce }) => inFlightAtQuiesce === 0,
      () => 'none',
    ),
  ],
  [
    'every link carries transactions after the thaw',
    links(
      onTarget,
      ({ receivedHere }) => receivedHere === 0,
      () => 'none',
    ),
  ],
  [
    'no transaction was lost, on either side',
    (evidence) =>
      links(
        onSource,
        ({ lostHere }) => lostHere > 0,
        ({ lostHere }) => `${lostHere} lost`,
      )(evidence) ??
      links(
        onTarget,
        ({ lost, lostHere }) => lost + lostHere > 0,
        ({ lost }) => `${lost} lost`,
      )(evidence),
  ],
  [
    'no transaction is missing in between or came twice',
    links(
      onTarget,
      ({ gaps, doubles }) => gaps + doubles > 0,
      ({ gaps, doubles }) => `${gaps} missing, ${doubles} twice`,
    ),
  ],
  ['what both nodes counted adds up', unbalanced],
  [
    'work posted to the devices arrived in order',
    ({ targetDevices }) =>
      among(
        targetDevices,
        ({ submissionGaps }) => submissionGaps > 0,
        ({ index, submissionGaps }) => `device ${index}: ${submissionGaps} missing`,
      ),
  ],
  ['the workload ended on the source and goes on on the target', workloadLost],
  [
    'the source devices were reset and run idle',
    ({ sourceDevices }) =>
      among(
        sourceDevices,
        ({ state, armed, resets }) => state !== 'Running' || armed || resets === 0,
        ({ index, state }) => `device ${index} is ${state}`,
      ),
  ],
  ['the protocol monitor saw no rule broken', violated],
];

/** Everything that must be true at the end, each with what was found where it is not. */
export function check(evidence: Evidence): Check[] {
  return RULES.map(([claim, find]) => ({ claim, failure: find(evidence) }));
}
