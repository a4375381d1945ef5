/**
 * Writes the custom resource definitions of crds/ as templates of the chart. With --check it writes nothing and fails
 * when a template is not what it would write, is missing, or belongs to no definition.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '../..');
const source = join(root, 'crds');
const target = join(root, 'charts/transship/templates/crds');

/** The definition as it is, but for the switch around it and the annotation that keeps it on uninstall. */
function template(file) {
  const text = readFileSync(join(source, file), 'utf8');
  if (text.includes('{{')) throw new Error(`${file} holds {{, which Helm would expand`);
  const [head, ...rest] = text.split(/^(?=spec:\n)/m);
  if (rest.length !== 1 || !/\nmetadata:\n {2}name: \S+\n$/.test(head)) {
    throw new Error(`${file} does not begin with apiVersion, kind, metadata.name and spec`);
  }
  return `{{- /* Generated from crds/${file} by crds/scripts/sync-chart.mjs. */ -}}
{{- if .Values.crds.enabled }}
${head.trimEnd()}
  labels:
    {{- include "transship.labels" (dict "root" . "component" "crds") | nindent 4 }}
  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
${rest[0].trimEnd()}
{{- end }}
`;
}

const wanted = new Map(
  readdirSync(source)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => [file, template(file)]),
);

if (process.argv.includes('--check')) {
  const present = readdirSync(target);
  const stale = [...wanted.keys()].filter(
    (file) => !present.includes(file) || readFileSync(join(target, file), 'utf8') !== wanted.get(file),
  );
  const foreign = present.filter((file) => !wanted.has(file));
  for (const file of [...stale, ...foreign])
    console.error(`out of date: ${relative(root, join(target, file))}`);
  if (stale.length + foreign.length > 0) {
    console.error('run: npm run sync-chart --workspace crds');
    process.exitCode = 1;
  }
} else {
  mkdirSync(target, { recursive: true });
  for (const [file, text] of wanted) writeFileSync(join(target, file), text);
}
