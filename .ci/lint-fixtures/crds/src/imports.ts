import '@transship/native'; // expect: no-restricted-imports
import '@transship/node-agent/contract'; // expect: no-restricted-imports
import 'zod';
