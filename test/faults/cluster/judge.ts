/** What must hold of the cluster, beside what holds of every migration: a pure function. */
import { isClusterFault } from './cluster-faults.ts';
import type { ClusterFacts, OperatorEnd, Outage } from './facts.ts';

/** An operator that lost its Lease ends with it, and whoever runs it starts it again. */
const LOST_EXIT = 1;

/** A cell of the cluster in which nothing of the cluster was struck proves nothing. */
export function unstruck(fault: string, facts: ClusterFacts | undefined): string[] {
  if (!isClusterFault(fault)) return [];
  if (facts === undefined) return ['nothing is known of the cluster'];
  if (fault === 'lease-deleted' || facts.outages.length > 0) return [];
  return ['no program of the control plane was struck'];
}

/** Everything that is wrong with the cluster after one migration; empty: nothing. */
export function judgeCluster(facts: ClusterFacts): string[] {
  const { outages, operatorEnds, operator, leaseHolder, otherLeases, commanders, strays, connections } =
    facts;
  const commanded = [...commanders].filter(([, instances]) => instances.length > 1);
  return [
    ...outages.flatMap(wrongOutage),
    ...operatorEnds
      .filter(isStrange)
      .map(({ pid, exitCode }) => `operator ${pid} ended by itself, exit code ${exitCode}`),
    ...(leaseHolder === operator
      ? []
      : [`the Lease is of ${leaseHolder ?? 'nobody, and gone'}, not of ${operator}`]),
    ...otherLeases.map((name) => `left behind: Lease ${name}`),
    ...commanded.map(
      ([fence, instances]) => `UID and fence ${fence} were used by ${instances.join(' and ')}`,
    ),
    ...strays.map((one) => `left behind: ${one}`),
    ...connections.map((one) => `left behind: ${one}`),
  ];
}

function wrongOutage({ program, pid, signal, backAs, kept }: Outage): string[] {
  if (signal === null) return [`${program} ${pid} was not ended or stopped by a signal`];
  if (backAs === null) return [`${program} did not come back`];
  const wrong: string[] = [];
  if (signal === 'SIGKILL' && backAs === pid) wrong.push(`${program} ${pid} lives although it was killed`);
  if (signal === 'SIGSTOP' && backAs !== pid) wrong.push(`${program} ${pid} was to go on and is ${backAs}`);
  if (!kept) wrong.push(`the migration is not known any more since ${program} came back`);
  return wrong;
}

const isStrange = ({ exitCode, lost }: OperatorEnd): boolean => exitCode !== LOST_EXIT || !lost;
