import '@kubernetes/client-node'; // expect: no-restricted-imports
import '@transship/native'; // expect: no-restricted-imports
import '@transship/node-agent/core'; // expect: no-restricted-imports
import '../kube/leaf.ts'; // expect: no-restricted-imports
import '../standalone/leaf.ts'; // expect: no-restricted-imports
import '../main.ts'; // expect: no-restricted-imports
import '@grpc/grpc-js';
import '@transship/node-agent/contract';
