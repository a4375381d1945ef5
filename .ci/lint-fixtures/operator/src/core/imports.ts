import 'node:fs'; // expect: no-restricted-imports
import 'fs'; // expect: no-restricted-imports
import 'pino'; // expect: no-restricted-imports
import '@kubernetes/client-node'; // expect: no-restricted-imports
import '@grpc/grpc-js'; // expect: no-restricted-imports
import '@transship/native'; // expect: no-restricted-imports
import '@transship/node-agent/core'; // expect: no-restricted-imports
import * as contract from '@transship/node-agent/contract'; // expect: no-restricted-imports
import '../config.ts'; // expect: no-restricted-imports
import '../reconcile/leaf.ts'; // expect: no-restricted-imports
import '../kube/leaf.ts'; // expect: no-restricted-imports
export type { Anything as Other } from '../agents/leaf.ts'; // expect: no-restricted-imports
export const later = (): unknown => import('node:net'); // expect: no-restricted-imports
export type * from '@transship/node-agent/contract';
import '@transship/crds';
import './sub/imports.ts';
import './leaf.ts';

export { contract };
