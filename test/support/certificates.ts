import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { JsonGeneralName, X509Certificate } from '@peculiar/x509';
import { OPERATOR_IDENTITY, nodeIdentity } from '@transship/node-agent/contract';
import type { TlsFiles } from '@transship/node-agent/contract';

/** Certificates of one test: an authority, an operator and the agents of some nodes. Paths of PEM files. */
export interface TestPki {
  readonly ca: string;
  readonly operator: TlsFiles;
  /** @throws RangeError for a node that none was issued for. */
  node(name: string): TlsFiles;
}

const KEY: webcrypto.EcKeyGenParams & webcrypto.EcdsaParams = {
  name: 'ECDSA',
  namedCurve: 'P-256',
  hash: 'SHA-256',
};
const LIFETIME_MS = 24 * 60 * 60_000;
/** Clocks of machines that share files differ a little. */
const SKEW_MS = 5 * 60_000;

interface Authority {
  readonly certificate: X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

/**
 * Issues an authority, a certificate for the operator and one for the agent of each node, valid for a day, as files in
 * `dir`: ca.crt, operator.crt, operator.key, node-<name>.crt, node-<name>.key. A node's certificate also names
 * 127.0.0.1, localhost and the node, so that checks by address and by host name pass as well.
 */
export async function issueTestPki(dir: string, nodes: readonly string[]): Promise<TestPki> {
  await mkdir(dir, { recursive: true });
  const authority = await createAuthority();
  const ca = join(dir, 'ca.crt');
  await writeFile(ca, authority.certificate.toString('pem'));
  const files = (name: string): TlsFiles => ({
    cert: join(dir, `${name}.crt`),
    key: join(dir, `${name}.key`),
    ca,
  });
  await issue(authority, 'operator', [{ type: 'url', value: OPERATOR_IDENTITY }], files('operator'));
  for (const node of nodes) {
    const names: JsonGeneralName[] = [
      { type: 'url', value: nodeIdentity(node) },
      { type: 'dns', value: node },
      { type: 'dns', value: 'localhost' },
      { type: 'ip', value: '127.0.0.1' },
    ];
    await issue(authority, node, names, files(`node-${node}`));
  }
  return {
    ca,
    operator: files('operator'),
    node: (name) => {
      if (!nodes.includes(name)) throw new RangeError(`no certificate was issued for node ${name}`);
      return files(`node-${name}`);
    },
  };
}

async function createAuthority(): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(KEY, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: 'CN=transship test authority',
    keys,
    signingAlgorithm: KEY,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate, keys };
}

async function issue(
  authority: Authority,
  commonName: string,
  names: JsonGeneralName[],
  files: TlsFiles,
): Promise<void> {
  const keys = await crypto.subtle.generateKey(KEY, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.create({
    ...validity(),
    subject: `CN=${commonName}`,
    issuer: authority.certificate.subject,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    signingAlgorithm: KEY,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension(names),
      await AuthorityKeyIdentifierExtension.create(authority.keys.publicKey),
    ],
  });
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  const lines = key.toString('base64').match(/.{1,64}/g) ?? [];
  await writeFile(files.cert, certificate.toString('pem'));
  await writeFile(
    files.key,
    `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`,
    {
      mode: 0o600,
    },
  );
}

function validity(): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - SKEW_MS), notAfter: new Date(now + LIFETIME_MS) };
}
