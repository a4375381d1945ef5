import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { every, systemClock, within } from './clock.ts';
import type { AgentConfig } from './config.ts';
import { CONTRACT_VERSION } from './contract/contract-version.ts';
import type { NodeDescription } from './contract/description.ts';
import { loadTls, tlsRevision } from './contract/tls.ts';
import type { TlsFiles } from './contract/tls.ts';
import { crc32c } from './device/crc32c.ts';
import { BrokerBook } from './device/broker.ts';
import type { BrokerEntry } from './device/broker.ts';
import { createDevices } from './device/devices.ts';
import { parseDevicesFile } from './device/devices-file.ts';
import { bootId } from './device/incarnation.ts';
import { nativeBroker, openOnSocket } from './device/native.ts';
import { describeDevices } from './inventory/describe.ts';
import { publishInventory } from './inventory/publisher.ts';
import { lookAround } from './inventory/surroundings.ts';
import { DirectoryLock } from './journal/directory-lock.ts';
import { nodeFileSystem } from './journal/file-system.ts';
import { Journal } from './journal/journal.ts';
import { QuarantineFile } from './journal/quarantine-file.ts';
import { DEFAULT_RETENTION } from './journal/retention.ts';
import { listDevices } from './pods/kubelet.ts';
import { PodWatch } from './pods/pod-watch.ts';
import { agentService } from './service/agent-service.ts';
import { MutualTlsCredentials } from './service/server-credentials.ts';
import { startServer } from './service/server.ts';
import { transferService } from './service/transfer-service.ts';
import { DeviceWatch } from './session/device-watch.ts';
import { messageOf } from './session/effects.ts';
import { watchOperator } from './session/operator-watch.ts';
import type { Log } from './session/ports.ts';
import { SessionRegistry } from './session/registry.ts';
import { startHealthServer } from './telemetry/health-server.ts';
import { createLog } from './telemetry/log.ts';
import { AgentMetrics } from './telemetry/metrics.ts';
import { GrpcPullConnector } from './transfer/pull-client.ts';
import { PullDesk } from './transfer/pull-desk.ts';
import { createStreams } from './transfer/streams.ts';
import { version } from './version.ts';
import { EmulatorIncarnations } from './workload/emulator-incarnation.ts';
import { holdingOf } from './workload/holding.ts';
import { HookFreezer } from './workload/hook-freezer.ts';
import { createWorkloads } from './workloads.ts';

/** Certificates are looked at this often; a replaced one is used for new connections. */
const TLS_INTERVAL_MS = 30_000;
/** Of an orderly end: calls that are in progress, and devices that are let go of. */
const SERVER_GRACE_MS = 1_500;
const DEVICE_GRACE_MS = 2_000;

export interface RunningAgent {
  /** Where it serves, with the port that it was given when it asked for any. */
  readonly endpoint: string;
  /** Ends within 5 s. Devices and journal stay as they are. */
  stop(): Promise<void>;
}

/** Builds the agent, brings its sessions back from the journal, then serves. Rejects when it cannot start. */
export async function startAgent(config: AgentConfig): Promise<RunningAgent> {
  const clock = systemClock;
  const instance = randomUUID();
  const log = createLog(config.logLevel, config.nodeName, instance);
  const file = parseDevicesFile(await readFile(config.devices, 'utf8'), config.nodeName);
  const credentials = new MutualTlsCredentials(await loadTls(config.tls));
  const lock = await DirectoryLock.take(config.stateDir);
  const boot = bootId();
  const emulator = file.workload?.emulatorControl;
  const emulated = emulator === undefined ? null : new EmulatorIncarnations(boot, emulator);
  const devices = createDevices(file, {
    boot,
    clock,
    warn: (facts, message) => log.warn(facts, message),
    openOnSocket,
    broker: nativeBroker,
    emulated,
  });
  const entry = brokerEntries(file.broker);
  const workloads = createWorkloads(
    file,
    ({ brokered, ...hooked }) =>
      new HookFreezer({ ...hooked, boot, clock, held: () => holdingOf(brokered, entry) }),
    emulated === null ? null : () => emulated.life(),
  );
  const metrics = new AgentMetrics();
  const desk = new PullDesk((uid) => registry.session(uid));
  const streams = createStreams(
    {
      desk,
      connect: (source) => new GrpcPullConnector(source, () => loadTls(config.tls)),
      clock,
      crc32c,
      log,
      finalPass: config.finalPass,
    },
    config.transfer,
  );
  const journal = new Journal(nodeFileSystem, config.stateDir, () => clock.wallNow());
  const registry: SessionRegistry = new SessionRegistry(
    journal,
    new QuarantineFile(nodeFileSystem, config.stateDir),
    {
      devices,
      workloads,
      members: workloads,
      streams: metrics.metered(streams),
      log,
    },
    clock,
    { agentInstance: instance, operationTimeoutMs: config.operationTimeoutMs, retention: DEFAULT_RETENTION },
  );
  const kubelet = createPodWatch(config, log);
  const pods =
    kubelet === null ? null : { look: () => kubelet.look(), managed: new Set(config.podResources?.managed) };
  let endpoint = config.advertise ?? config.listen;
  const describe = async (ids: readonly string[]): Promise<NodeDescription> => {
    const { places, podResources } = await lookAround(file.devices, pods);
    return {
      nodeName: config.nodeName,
      agentVersion: version,
      contractVersion: CONTRACT_VERSION,
      transferEndpoint: endpoint,
      devices: await describeDevices(devices, registry, workloads, ids, places),
      podResources,
    };
  };
  metrics.watch(registry, () => describeDevices(devices, registry, workloads, []));

  let isReady = false;
  const health =
    config.healthPort === null
      ? null
      : await startHealthServer(config.healthPort, metrics.registry, () => isReady);
  await registry.recover();
  const server = await startServer(config.listen, credentials, {
    agent: agentService({ registry, describe }),
    transfer: transferService(desk),
  });
  const listening = `${config.listen.slice(0, config.listen.lastIndexOf(':'))}:${server.port}`;
  endpoint = config.advertise ?? listening;
  isReady = true;
  log.info({ endpoint: listening, advertise: endpoint, healthPort: health?.port ?? null }, 'listening');

  const stopping = new AbortController();
  const watch = new DeviceWatch(registry, devices, clock);
  inBackground(log, 'device watch', watch.run(stopping.signal));
  inBackground(
    log,
    'operator watch',
    watchOperator(registry, clock, config.operatorTimeoutMs, stopping.signal),
  );
  if (kubelet !== null) inBackground(log, 'pod watch', kubelet.run(stopping.signal));
  inBackground(log, 'journal collection', registry.collectDaily(stopping.signal));
  inBackground(log, 'certificate watch', watchTls(config.tls, credentials, log, stopping.signal));
  if (config.publishInventory) {
    // Loading the Kubernetes client takes seconds; a bare host need not.
    const { kubernetesApply } = await import('./inventory/kubernetes-apply.ts');
    const apply = kubernetesApply(config.kubeconfig);
    inBackground(
      log,
      'inventory',
      publishInventory(() => describe([]), apply, clock, log, stopping.signal),
    );
  }
  return {
    endpoint: listening,
    stop: async () => {
      isReady = false;
      stopping.abort();
      registry.stop();
      health?.close();
      await server.close(SERVER_GRACE_MS);
      await within(
        clock,
        DEVICE_GRACE_MS,
        Promise.allSettled(devices.all.map((device) => device.close())),
        null,
      );
      await lock.release();
      log.info({}, 'stopped');
    },
  };
}

/** null: the agent was not told where the kubelet is. */
function createPodWatch({ podResources }: AgentConfig, log: Log): PodWatch | null {
  if (podResources === null) return null;
  return new PodWatch((signal) => listDevices(podResources.socket, signal), systemClock, log);
}

/** What the broker tells of a device by its name. */
function brokerEntries(socketPath: string | undefined): (name: string) => Promise<BrokerEntry> {
  if (socketPath === undefined) return () => Promise.reject(new RangeError('there is no broker'));
  const book = new BrokerBook(nativeBroker(socketPath));
  return (name) => book.entry(name);
}

async function watchTls(
  files: TlsFiles,
  credentials: MutualTlsCredentials,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  let revision = await tlsRevision(files);
  await every(systemClock, TLS_INTERVAL_MS, signal, async () => {
    try {
      if ((await tlsRevision(files)) === revision) return;
      const material = await loadTls(files);
      credentials.reload(material);
      revision = material.revision;
      log.info({}, 'certificates were replaced');
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'the certificates cannot be read; the old ones stay in use');
    }
  });
}

/** A loop that ends with an error is a defect: it is told, and the agent goes on without it. */
function inBackground(log: Log, name: string, loop: Promise<void>): void {
  loop.catch((error: unknown) => log.error({ name, error: messageOf(error) }, 'a background task ended'));
}
