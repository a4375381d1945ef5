import 'node:fs'; // expect: no-restricted-imports
import '@kubernetes/client-node'; // expect: no-restricted-imports
import '@grpc/grpc-js'; // expect: no-restricted-imports
import '@transship/node-agent/core'; // expect: no-restricted-imports
import * as contract from '@transship/node-agent/contract'; // expect: no-restricted-imports
import '../perform.ts'; // expect: no-restricted-imports
import '../../config.ts'; // expect: no-restricted-imports
import '../../kube/leaf.ts'; // expect: no-restricted-imports
import '../../reconcile/leaf.ts'; // expect: no-restricted-imports
import '../../reconcile/ports.ts'; // expect: no-restricted-imports
export const later = (): unknown => import('node:net'); // expect: no-restricted-imports
export type * from '@transship/node-agent/contract';
export type { Port } from '../../reconcile/ports.ts';
import '@transship/crds';
import '../../core/leaf.ts';
import './leaf.ts';

export { contract };
