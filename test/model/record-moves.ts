import { rewritten, type Move, type Record_, type Write } from './world.ts';

/** What befalls the record without an operator. */
export function recordMoves(record: Record_): Move[] {
  const moves: Move[] = late(record);
  if (record.vanished) return moves;
  const there = record.finalizerPresent;
  if (there && !record.deletionRequested && !record.ended) {
    const to = { record: rewritten(record, { deletionRequested: true }) };
    moves.push({ label: 'the object is deleted by its owner', fault: 'deletion', to });
  }
  if (there) {
    const to = { record: { ...record, vanished: true } };
    moves.push({ label: 'the record is gone: 404', fault: 'vanished', to });
  }
  return there ? [...moves, ...restored(record)] : moves;
}

/** A write that was given up by its sender reaches the API server. */
function late(record: Record_): Move[] {
  return record.writes.map((write, index) => {
    const applies = holds(record, write);
    const left = { ...record, writes: record.writes.toSpliced(index, 1) };
    const to = { record: applies ? rewritten(left, write.set) : left };
    return { label: `a write that was given up lands (${applies ? 'applied' : 'refused'})`, fault: null, to };
  });
}

/** The tests of a write, as the stores send them. One that tests the whole record is dropped when that changes. */
export const holds = (record: Record_, { fence, decision, stopping, set }: Write): boolean =>
  !record.vanished &&
  record.finalizerPresent &&
  fence === record.fence &&
  (decision === undefined || decision === record.decision) &&
  (stopping === undefined || stopping === record.stopping) &&
  !(set.placed === true && record.placed);

/** A backup from before the decision, or from before the stop; with the fence as it is, or as it was then. */
function restored(record: Record_): Move[] {
  const before = {
    ended: false,
    outcome: null,
    restored: true,
    decision: 'Undecided',
    reason: null,
  } as const;
  const states: [string, Partial<Record_>][] = [
    ['from before the decision', { stopping: record.stopping }],
    ['from before the stop', { stopping: false }],
  ];
  return states.flatMap(([when, change]) =>
    [record.fence, Math.min(record.fence, 1)].flatMap((fence, index): Move[] => {
      const older = rewritten(record, { ...before, ...change, fence });
      const differs =
        older.fence !== record.fence || older.stopping !== record.stopping || record.decision !== 'Undecided';
      if (!differs && !record.ended) return [];
      const label = `a backup of the record ${when} is restored${index === 1 ? ', its fence too' : ''}`;
      return [{ label, fault: 'restored', to: { record: older } }];
    }),
  );
}
