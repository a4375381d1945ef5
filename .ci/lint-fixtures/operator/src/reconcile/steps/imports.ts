import '../../kube/leaf.ts'; // expect: no-restricted-imports
import '../leaf.ts';
