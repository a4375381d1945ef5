import '@transship/operator/core'; // expect: no-restricted-imports
import '../service/leaf.ts'; // expect: no-restricted-imports
import '../transfer/leaf.ts'; // expect: no-restricted-imports
import '../main.ts'; // expect: no-restricted-imports
import '@transship/native';
import '../core/leaf.ts';
