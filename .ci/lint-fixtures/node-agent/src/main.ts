import '@transship/operator/core'; // expect: no-restricted-imports
import '@transship/native'; // expect: no-restricted-imports
import '@transship/crds';
