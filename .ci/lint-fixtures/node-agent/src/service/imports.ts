import '@transship/operator/core'; // expect: no-restricted-imports
import '@transship/native'; // expect: no-restricted-imports
import '../device/leaf.ts';
import '../transfer/leaf.ts';
