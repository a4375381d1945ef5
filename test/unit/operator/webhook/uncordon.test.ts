import { describe, expect, test } from '@jest/globals';
import { deviceMigrationStatus, type DeviceMigrationStatus } from '@transship/crds';
import { uncordonStep } from '@transship/operator/internal/webhook/uncordon';

const evacuation = (nodeWasCordoned: boolean, status: Partial<DeviceMigrationStatus> = {}) => ({
  namespace: 'ml',
  name: 'evac-u1',
  uid: 'm1',
  version: '7',
  nodeName: 'gpu-a',
  cancelled: false,
  nodeWasCordoned,
  status: deviceMigrationStatus.parse(status),
});

describe('an evacuation', () => {
  test.each([
    ['is noted as a drain once its node is cordoned', evacuation(false), true, 'note'],
    ['goes on while its node is cordoned', evacuation(true), true, null],
    ['is cancelled once the node is uncordoned', evacuation(true), false, 'cancel'],
    ['of a node that was never cordoned goes on', evacuation(false), false, null],
    ['of a node that cannot be read goes on', evacuation(true), null, null],
    ['that is decided goes on', evacuation(true, { decision: { value: 'Commit' } }), false, null],
    ['that goes back already goes on', evacuation(true, { decision: { value: 'Abort' } }), false, null],
    ['that has ended stays', evacuation(true, { phase: 'Rejected' }), false, null],
    ['that is cancelled is not cancelled again', { ...evacuation(true), cancelled: true }, false, null],
  ])('%s', (_what, found, cordoned, step) => {
    expect(uncordonStep(found, cordoned)).toBe(step);
  });
});
