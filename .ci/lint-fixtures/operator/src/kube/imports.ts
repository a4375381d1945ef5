import '@grpc/grpc-js'; // expect: no-restricted-imports
import '@transship/native'; // expect: no-restricted-imports
import '@transship/node-agent/contract'; // expect: no-restricted-imports
import '../standalone/leaf.ts'; // expect: no-restricted-imports
import '../agents/leaf.ts'; // expect: no-restricted-imports
import '../main.ts'; // expect: no-restricted-imports
import '@kubernetes/client-node';
import '../core/leaf.ts';
