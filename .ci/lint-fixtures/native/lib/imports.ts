import '@transship/crds'; // expect: no-restricted-imports
import 'node:util';
