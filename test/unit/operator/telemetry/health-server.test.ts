import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { HealthServer } from '@transship/operator/internal/telemetry/health-server';
import { OperatorMetrics } from '@transship/operator/internal/telemetry/metrics';

import { RecordLog } from '../support/record-log.ts';

let server: HealthServer;
let metrics: OperatorMetrics;
let log: RecordLog;
let synced: boolean;

beforeEach(async () => {
  log = new RecordLog();
  metrics = new OperatorMetrics(log);
  synced = false;
  const ready = { inventories: () => true, migrations: () => synced };
  server = await HealthServer.listen({ host: '127.0.0.1', port: 0, ready, registry: metrics.registry });
});

afterEach(() => server[Symbol.asyncDispose]());

async function get(path: string, method = 'GET'): Promise<[status: number, text: string]> {
  const signal = AbortSignal.timeout(60_000);
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method, signal });
  return [response.status, await response.text()];
}

describe('the health server', () => {
  test('says that the process lives', async () => {
    expect(await get('/livez')).toEqual([200, 'ok\n']);
  });

  test('is ready once everything is, and names what is not', async () => {
    expect(await get('/readyz?verbose')).toEqual([503, 'migrations\n']);
    synced = true;
    expect(await get('/readyz')).toEqual([200, 'ok\n']);
  });

  test('serves what was counted', async () => {
    const key = { namespace: 'ml', name: 'm' };
    metrics.added(2);
    metrics.started(key, 20, 1);
    metrics.finished(key, 1_500, { kind: 'done' });
    metrics.failed(key, 5, new Error('broken'), 100);
    metrics.phaseEntered('StopCopy');
    metrics.decisionRecorded('Commit', 'ambiguous');
    metrics.commandAnswered('stop', 'refused');
    metrics.migrationEnded('Succeeded', 41);
    metrics.migrationEnded('Aborted', null);
    metrics.leadingChanged(true);
    const [status, text] = await get('/metrics');
    expect(status).toBe(200);
    for (const line of [
      'workqueue_depth{name="devicemigration"} 1',
      'workqueue_adds_total{name="devicemigration"} 1',
      'workqueue_retries_total{name="devicemigration"} 1',
      'workqueue_work_duration_seconds_sum{name="devicemigration"} 1.505',
      'controller_runtime_reconcile_total{controller="devicemigration",result="success"} 1',
      'controller_runtime_reconcile_total{controller="devicemigration",result="error"} 1',
      'leader_election_master_status{name="devicemigration"} 1',
      'transship_migration_phases_total{phase="StopCopy"} 1',
      'transship_decision_writes_total{decision="Commit",outcome="ambiguous"} 1',
      'transship_agent_commands_total{command="stop",outcome="refused"} 1',
      'transship_migrations_ended_total{phase="Succeeded"} 1',
      'transship_migrations_ended_total{phase="Aborted"} 1',
      'transship_migration_downtime_seconds_bucket{le="0.05",phase="Succeeded"} 1',
      'transship_migration_downtime_seconds_bucket{le="0.025",phase="Succeeded"} 0',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).not.toContain('transship_migration_downtime_seconds_count{phase="Aborted"}');
    expect(log.lines).toEqual(['error reconcile failed']);
  });

  test('answers nothing else', async () => {
    expect((await get('/'))[0]).toBe(404);
    expect((await get('/livez', 'POST'))[0]).toBe(405);
  });
});
