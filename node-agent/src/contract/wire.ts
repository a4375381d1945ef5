import { fileURLToPath } from 'node:url';
import { loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ProtoGrpcType } from './generated/agent.ts';

/** The proto file stands beside src/ and dist/, which are equally deep. */
const includeDir = fileURLToPath(new URL('../../proto', import.meta.url));

/** The options of scripts/generate-proto.mjs, so that the generated types are true. */
const definition = loadSync('transship/agent/v1alpha1/agent.proto', {
  includeDirs: [includeDir],
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
});

/** Services and client constructors of package transship.agent.v1alpha1. */
export const wire = (loadPackageDefinition(definition) as unknown as ProtoGrpcType).transship.agent.v1alpha1;
