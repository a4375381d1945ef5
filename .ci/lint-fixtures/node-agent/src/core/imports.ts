import 'node:fs'; // expect: no-restricted-imports
import '@grpc/grpc-js'; // expect: no-restricted-imports
import 'zod'; // expect: no-restricted-imports
import * as crds from '@transship/crds'; // expect: no-restricted-imports
import '@transship/native'; // expect: no-restricted-imports
import '@transship/operator/core'; // expect: no-restricted-imports
import '../transfer/leaf.ts'; // expect: no-restricted-imports
import '../contract/leaf.ts'; // expect: no-restricted-imports
import type { Name } from '@transship/crds';
import './sub/imports.ts';

export { crds };
export type Alias = Name;
