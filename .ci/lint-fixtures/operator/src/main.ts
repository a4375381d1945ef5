import './kube/leaf.ts';
import './agents/leaf.ts';
import '@grpc/grpc-js';
import '@transship/native'; // expect: no-restricted-imports
import '@transship/node-agent/core'; // expect: no-restricted-imports
import '@transship/node-agent/internal/main'; // expect: no-restricted-imports
import '@transship/node-agent/contract';
