import '@kubernetes/client-node'; // expect: no-restricted-imports
import '@grpc/grpc-js'; // expect: no-restricted-imports
import '@transship/native'; // expect: no-restricted-imports
import '@transship/node-agent/contract'; // expect: no-restricted-imports
import '../kube/leaf.ts'; // expect: no-restricted-imports
import '../agents/leaf.ts'; // expect: no-restricted-imports
import '../main.ts'; // expect: no-restricted-imports
import 'node:fs';
