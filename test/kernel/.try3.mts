import { connectGuests } from './rig/guests.ts';
import { createMdev, removeMdev } from './rig/vfio.ts';
import { nativeArtifact } from '@transship/native';
await using guests = await connectGuests();
const j = (v: unknown) => JSON.stringify(v, (k, x) => (typeof x === 'bigint' ? String(x) : x));
const show = async (label: string, p: Promise<unknown>) => {
  const t = Date.now();
  return p.then(
    (v) => (console.log(label, '->', j(v), Date.now() - t, 'ms'), v),
    (e) => console.log(label, '!!', e.code, e.errno, e.message, Date.now() - t, 'ms'),
  );
};
const sleep = (ms: number) => new Promise((r) => setTimeout(r, ms));
for (const name of (process.argv[2] ?? 'group,cdev').split(',') as ('group' | 'cdev')[]) {
  console.log('=======', name);
  const g = guests[name];
  const c = g.control;
  const m = await createMdev(g, 'mtty', 'mtty-2');
  const o = await createMdev(g, 'own', 'transship_mdev-1');
  await g.shell('rm -rf /run/b; mkdir -p /run/b');
  const start = async (args: string[] = []) => {
    await g.shell('rm -f /run/b/log');
    const p = (
      await c.call('spawn', {
        argv: [
          nativeArtifact('transship-broker'),
          '--agent-socket',
          '/run/b/a.sock',
          '--device',
          `name=m,address=${m},workload=w`,
          ...(args.length ? args : ['--device', `name=o,address=${o},workload=w`]),
          '--workload-socket',
          'name=w,path=/run/b/w.sock',
        ],
        logFile: '/run/b/log',
      })
    ).pid;
    await c.call('waitForLine', { path: '/run/b/log', pattern: '^ready$', timeoutMs: 20000 }, 20000);
    return p;
  };
  let pid = await start();
  await sleep(1000);
  const info = (n = '') =>
    show(' info ' + n, c.call('callNative', { name: 'brokerInfo', args: ['/run/b/a.sock', n] }));
  const open = async (n: string) =>
    (await c.call('openDevice', { by: 'openBrokered', args: ['/run/b/a.sock', n] })).handle;
  const call = (h: number, method: string, ...args: unknown[]) =>
    show('  ' + method + ' ' + j(args), c.call('callDevice', { handle: h, method, args }));
  const wl = await c.call('spawn', {
    argv: ['python3', '/var/tmp/n2-wl.py', '/run/b/w.sock', 'o'],
    logFile: '/run/b/wl',
  });
  await show(
    ' workload',
    c.call('waitForLine', { path: '/run/b/wl', pattern: '^done$', timeoutMs: 30000 }, 30000),
  );
  console.log(await g.read('/run/b/wl'));
  await info();
  const hm = await open('m');
  const ho = await open('o');
  await call(hm, 'reset');
  await call(hm, 'state');
  await call(ho, 'reset');
  for (const s of ['PreCopy', 'PreCopyP2P', 'StopCopy']) await call(ho, 'arc', s);
  await info();
  console.log('-- SIGKILL the broker');
  await c.call('kill', { pid, signal: 'SIGKILL' });
  await c.call('wait', { pid, timeoutMs: 5000 });
  await call(ho, 'state');
  await call(ho, 'reset');
  await call(ho, 'state');
  await call(ho, 'nextSegment');
  pid = await start();
  await sleep(1500);
  await info();
  console.log(await g.read('/run/b/log'));
  await call(ho, 'state');
  await call(ho, 'reset');
  await call(ho, 'state');
  await info('o');
  await call(hm, 'close');
  await call(ho, 'close');
  console.log('-- agent gone, workload holds o');
  await c.call('kill', { pid, signal: 'SIGKILL' });
  await c.call('wait', { pid, timeoutMs: 5000 });
  pid = await start();
  await sleep(1500);
  await info();
  console.log('-- from process', wl.pid);
  await c.call('kill', { pid, signal: 'SIGTERM' });
  console.log(j(await c.call('wait', { pid, timeoutMs: 5000 })));
  pid = await start(['--device', `name=o,address=${o},process=${wl.pid}`]);
  await sleep(1500);
  await info();
  console.log(await g.read('/run/b/log'));
  const h2 = await open('o');
  await call(h2, 'state');
  await call(h2, 'reset');
  await call(h2, 'arc', 'RunningP2P');
  await call(h2, 'close');
  await c.call('kill', { pid: wl.pid, signal: 'SIGKILL' });
  await c.call('wait', { pid: wl.pid, timeoutMs: 5000 });
  await info('o');
  const h3 = await open('o');
  await call(h3, 'state');
  await call(h3, 'close');
  await c.call('kill', { pid, signal: 'SIGTERM' });
  console.log(j(await c.call('wait', { pid, timeoutMs: 5000 })));
  await removeMdev(g, m);
  await removeMdev(g, o);
  console.log('complaints', await g.complaints());
}
