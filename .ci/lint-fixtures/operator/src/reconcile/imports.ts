import '@kubernetes/client-node'; // expect: no-restricted-imports
import '@grpc/grpc-js'; // expect: no-restricted-imports
import '@transship/native'; // expect: no-restricted-imports
import '@transship/node-agent/core'; // expect: no-restricted-imports
import * as contract from '@transship/node-agent/contract'; // expect: no-restricted-imports
import '../kube/leaf.ts'; // expect: no-restricted-imports
import '../standalone/leaf.ts'; // expect: no-restricted-imports
import '../agents/leaf.ts'; // expect: no-restricted-imports
import '../main.ts'; // expect: no-restricted-imports
import type { Name } from '@transship/node-agent/contract';
import '../core/leaf.ts';
import 'node:events';

export { contract };
export type Alias = Name;
