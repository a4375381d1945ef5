/**
 * Jest transform: @swc/jest on sources as TRANSSHIP_TS_MUTANT breaks them. The working tree is never touched, and the
 * cache knows broken text from whole.
 */
import { join, relative } from 'node:path';
import swc from '@swc/jest';
import { applyEdits } from './apply-edits.ts';
import { sourceMutant } from './rows.ts';

const root = join(import.meta.dirname, '../..');
const id = process.env['TRANSSHIP_TS_MUTANT'];
const edits = id === undefined ? [] : sourceMutant(id).edits;
const broken = (text, path) => applyEdits(text, relative(root, path), edits);

export default {
  createTransformer(options) {
    const inner = swc.createTransformer(options);
    return {
      ...inner,
      process: (text, path, request) => inner.process(broken(text, path), path, request),
      processAsync: (text, path, request) => inner.processAsync(broken(text, path), path, request),
      getCacheKey: (text, path, request) => inner.getCacheKey(broken(text, path), path, request),
    };
  },
};
