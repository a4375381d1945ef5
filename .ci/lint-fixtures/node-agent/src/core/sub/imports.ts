import 'node:fs'; // expect: no-restricted-imports
import * as crds from '@transship/crds'; // expect: no-restricted-imports
import '../../transfer/leaf.ts'; // expect: no-restricted-imports
import '../leaf.ts';

export { crds };
