import 'node:fs'; // expect: no-restricted-imports
import '../../reconcile/leaf.ts'; // expect: no-restricted-imports
import * as contract from '@transship/node-agent/contract'; // expect: no-restricted-imports
import type { Name } from '@transship/node-agent/contract';
import '../leaf.ts';
import './leaf.ts';

export { contract };
export type Alias = Name;
